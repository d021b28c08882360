internal import PromQL
internal import TimeSeries

/// Parameters in the forms that Prometheus's API takes, with its messages (`web/api/v1/api.go` of 3.5).
extension FormValues {
    /// Longer ones are nobody's.
    private static let maximumQuery = 128 << 10

    /// The earliest and the latest time that Prometheus names, which stand for "without bounds".
    static let beginning = "-292273086-05-16T16:47:06Z"
    static let end = "292277025-08-18T07:12:54.999999999Z"

    /// The expression, read.
    func query(_ engine: Engine) throws -> Query {
        do {
            return try parsedQuery(engine)
        } catch let error as BadParameter {
            throw APIError.parameter("query", error.reason)
        }
    }

    /// The same, where Prometheus's message does not name the parameter.
    func namelessQuery(_ engine: Engine) throws -> Query {
        do {
            return try parsedQuery(engine)
        } catch let error as BadParameter {
            throw APIError(.badData, error.reason)
        }
    }

    private func parsedQuery(_ engine: Engine) throws -> Query {
        let text = self["query"]
        guard text.utf8.count <= Self.maximumQuery else {
            throw BadParameter(reason: "it is longer than \(Self.maximumQuery) bytes")
        }
        do {
            return try engine.parse(text)
        } catch {
            throw BadParameter(reason: APIError.words(error, in: text))
        }
    }

    /// Seconds since 1970 or RFC 3339, in milliseconds; `missing` when it is empty.
    func time(_ name: String, missing: Int64) throws -> Int64 {
        guard !self[name].isEmpty else { return missing }
        do {
            return try time(name)
        } catch let error as BadParameter {
            throw APIError.parameter(name, "invalid time value for '\(name)': \(error.reason)")
        }
    }

    /// The same, where there has to be one.
    func requiredTime(_ name: String) throws -> Int64 {
        do {
            return try time(name)
        } catch let error as BadParameter {
            throw APIError.parameter(name, error.reason)
        }
    }

    private func time(_ name: String) throws -> Int64 {
        let text = self[name]
        if let seconds = FloatText.value(text) {
            let milliseconds = (seconds * 1000).rounded()
            if milliseconds.magnitude < 9e18 { return Int64(milliseconds) }
        } else if let time = timeOfRFC3339(text) {
            return time
        } else if text == Self.beginning {
            return .min
        } else if text == Self.end {
            return .max
        }
        throw BadParameter(reason: "cannot parse \(goQuoted(text)) to a valid timestamp")
    }

    /// `start` to `end`; without them all times. Nil when the end comes first, and nothing lies in between.
    func range() throws -> ClosedRange<Int64>? {
        let (start, end) = (try time("start", missing: .min), try time("end", missing: .max))
        return start <= end ? start...end : nil
    }

    /// Seconds, or `1h30m`, in milliseconds; nil when it is empty.
    func duration(_ name: String) throws -> Int64? {
        self[name].isEmpty ? nil : try requiredDuration(name)
    }

    func requiredDuration(_ name: String) throws -> Int64 {
        do {
            return try milliseconds(ofDuration: self[name])
        } catch {
            throw APIError.parameter(name, error.reason)
        }
    }

    /// How long a selector looks back; nil when nothing is said.
    func lookback() throws -> Int64? {
        guard !self["lookback_delta"].isEmpty else { return nil }
        do {
            return try milliseconds(ofDuration: self["lookback_delta"])
        } catch {
            throw APIError(.badData, "error parsing lookback delta duration: \(error.reason)")
        }
    }

    private func milliseconds(ofDuration text: String) throws(BadParameter) -> Int64 {
        if let seconds = FloatText.value(text) {
            guard (seconds * 1e9).magnitude <= 9.223372036854775e18 else {
                throw BadParameter(reason: "cannot parse \(goQuoted(text)) to a valid duration. It overflows int64")
            }
            return Int64(seconds * 1000)
        }
        // Go's durations end after 292 years.
        guard let milliseconds = DurationText.milliseconds(text), milliseconds <= Int64.max / 1_000_000 else {
            throw BadParameter(reason: "cannot parse \(goQuoted(text)) to a valid duration")
        }
        return milliseconds
    }

    /// How many results are wanted; nil: all.
    func limit() throws -> Int? {
        guard !self["limit"].isEmpty else { return nil }
        let limit = try wholeNumber("limit")
        guard limit >= 0 else { throw APIError.parameter("limit", "limit must be non-negative") }
        return limit == 0 ? nil : limit
    }

    private func wholeNumber(_ name: String) throws -> Int {
        guard let number = Int(self[name]) else {
            throw APIError.parameter(name, "strconv.Atoi: parsing \(goQuoted(self[name])): invalid syntax")
        }
        return number
    }

    /// A number where Prometheus says only that it has to be one; nil when it is empty.
    func number(_ name: String) throws -> Int? {
        guard !self[name].isEmpty else { return nil }
        guard let number = Int(self[name]) else { throw APIError(.badData, "\(name) must be a number") }
        return number
    }

    /// `match[]`: of each the matchers of its selector.
    ///
    /// - Parameter parameter: whether the message names the parameter.
    func matchers(_ limits: DashboardLimits, named parameter: Bool = false) throws -> [[Matcher]] {
        func error(_ words: String) -> APIError {
            parameter ? .parameter("match[]", words) : APIError(.badData, words)
        }
        let texts = all("match[]")
        guard texts.count <= limits.matchers else {
            throw error("there are more than \(limits.matchers) match[] parameters")
        }
        return try texts.map { text in
            let matchers: [Matcher]
            do {
                matchers = try Expression.matchers(of: text)
            } catch let problem {
                throw error(APIError.words(problem, in: text))
            }
            guard matchers.contains(where: { !$0.acceptsAbsence }) else {
                throw error("match[] must contain at least one non-empty matcher")
            }
            return matchers
        }
    }
}

/// What is wrong with a parameter, before it is said which.
private struct BadParameter: Error {
    let reason: String
}
