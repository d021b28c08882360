internal import Machine
package import TimeSeries

/// `metric{label="value"} 1 2+1x5 _ stale`, as promqltest scripts and rule tests write series.
package struct SeriesNotation: Sendable {
    package enum Value: Equatable, Sendable {
        case missing
        case float(Double)
        /// A native histogram, not looked into.
        case histogram
    }

    /// A line that is no series.
    package struct Malformed: Explained {
        let line: String
        package var code: String { "promql.series" }
        package var what: String { "`\(line.prefix(200))` is no series with values." }
        package var place: String? { nil }
        package var remedy: String? { "Write `metric{label=\"value\"} 1 2+1x5 _ stale`." }
    }

    /// How many values a line may have, unrolled.
    package static let limit = 1_000_000

    package let labels: Labels
    package let values: [Value]

    /// Throws ``Malformed``.
    package init(_ line: String) throws {
        var scanner = Scanner(line)
        labels = try scanner.labels()
        var values: [Value] = []
        while scanner.skipBlanks() {
            values += try scanner.values()
            guard values.count <= Self.limit else { throw scanner.malformed }
        }
        self.values = values
    }

    /// Reads the labels of one series, as they stand before its values. Throws ``Malformed``.
    package static func labels(of text: String) throws -> Labels {
        var scanner = Scanner(text)
        let labels = try scanner.labels()
        guard !scanner.skipBlanks() else { throw scanner.malformed }
        return labels
    }

    private struct Scanner {
        let line: String
        var rest: Substring

        init(_ line: String) {
            self.line = line
            rest = line[...]
            _ = skipBlanks()
        }

        var malformed: Malformed { Malformed(line: line) }

        /// Whether something follows.
        mutating func skipBlanks() -> Bool {
            rest = rest.drop(while: \.isWhitespace)
            return !rest.isEmpty
        }

        mutating func take(_ text: String) -> Bool {
            guard rest.hasPrefix(text) else { return false }
            rest.removeFirst(text.count)
            return true
        }

        mutating func labels() throws -> Labels {
            var labels: [Label] = []
            let name = identifier(colons: true)
            if !name.isEmpty { labels.append(Label(name: Labels.metricName, value: name)) }
            guard take("{") else { return Labels(labels) }
            while skipBlanks() {
                if take("}") { return Labels(labels) }
                labels.append(try label())
                _ = skipBlanks()
                guard take(",") || rest.first == "}" else { throw malformed }
            }
            throw malformed
        }

        /// `name="value"`, or a quoted metric name alone.
        private mutating func label() throws -> Label {
            let isQuoted = rest.first.map { "\"'`".contains($0) } ?? false
            let name = isQuoted ? try quoted() : identifier(colons: false)
            _ = skipBlanks()
            guard take("=") else {
                guard isQuoted else { throw malformed }
                return Label(name: Labels.metricName, value: name)
            }
            _ = skipBlanks()
            guard !name.isEmpty else { throw malformed }
            return Label(name: name, value: try quoted())
        }

        private mutating func identifier(colons: Bool) -> String {
            guard let first = rest.first, !first.isNumber else { return "" }
            let name = rest.prefix {
                $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" || colons && $0 == ":"
            }
            rest = rest.dropFirst(name.count)
            return String(name)
        }

        /// A string as PromQL writes it, by PromQL's own reader.
        mutating func quoted() throws -> String {
            guard let quote = rest.first, "\"'`".contains(quote) else { throw malformed }
            var end = rest.index(after: rest.startIndex)
            while end < rest.endIndex, rest[end] != quote {
                end =
                    rest.index(end, offsetBy: rest[end] == "\\" && quote != "`" ? 2 : 1, limitedBy: rest.endIndex)
                    ?? rest.endIndex
            }
            guard end < rest.endIndex else { throw malformed }
            guard case .string(let text, _) = try Expression.parse(String(rest[...end])) else { throw malformed }
            rest = rest[rest.index(after: end)...]
            return text
        }

        /// One item of the list, unrolled.
        mutating func values() throws -> [Value] {
            let values = try item()
            guard rest.first?.isWhitespace ?? true else { throw malformed }
            return values
        }

        private mutating func item() throws -> [Value] {
            if rest.hasPrefix("{{") {
                try skipHistogram()
                if take("+") || take("-") { try skipHistogram() }
                return [Value](repeating: .histogram, count: try times() + 1)
            }
            if take("_") { return [Value](repeating: .missing, count: max(1, try times())) }
            if take("stale") {
                return [Value](repeating: .float(.staleMarker), count: try times() + 1)
            }
            let first = try number()
            var step = 0.0
            if rest.first == "+" || rest.first == "-" {
                step = try number()
                guard rest.first == "x" else { throw malformed }
            }
            // Added up, as Prometheus does, not multiplied.
            var value = first
            return (0...(try times())).map { _ in
                defer { value += step }
                return .float(value)
            }
        }

        mutating func skipHistogram() throws {
            guard let end = rest.firstRange(of: "}}") else { throw malformed }
            rest = rest[end.upperBound...]
        }

        /// The count after an `x`, or 0.
        mutating func times() throws -> Int {
            guard take("x") else { return 0 }
            let digits = rest.prefix { $0.isNumber }
            guard let count = Int(digits), count <= SeriesNotation.limit else { throw malformed }
            rest = rest.dropFirst(digits.count)
            return count
        }

        mutating func number() throws -> Double {
            var text = ""
            if let sign = rest.first, sign == "+" || sign == "-" {
                text.append(sign)
                rest.removeFirst()
            }
            let word = rest.prefix { $0.isLetter && $0 != "x" && $0 != "e" && $0 != "E" }
            if !word.isEmpty {
                text += word
                rest = rest.dropFirst(word.count)
            } else {
                let digits = rest.prefix { $0.isNumber || $0 == "." }
                text += digits
                rest = rest.dropFirst(digits.count)
                if let exponent = rest.first, exponent == "e" || exponent == "E" {
                    text.append(rest.removeFirst())
                    if let sign = rest.first, sign == "+" || sign == "-" { text.append(rest.removeFirst()) }
                    let digits = rest.prefix { $0.isNumber }
                    text += digits
                    rest = rest.dropFirst(digits.count)
                }
            }
            guard let value = FloatText.value(text) else { throw malformed }
            return value
        }
    }
}
