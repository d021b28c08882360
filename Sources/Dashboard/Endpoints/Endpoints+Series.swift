internal import Machine
internal import TimeSeries

/// `series`, `labels` and `label/NAME/values`.
extension Endpoints {
    /// The most series that one of these questions may come across.
    private static let maximumSeries = 1_000_000

    func series(_ call: Call) async throws -> Reply {
        guard !call.form.all("match[]").isEmpty else { throw APIError(.badData, "no match[] parameter provided") }
        let limit = try call.form.limit()
        let range = try call.form.range()
        let matchers = try call.form.matchers(limits, named: true)
        let (labels, warnings) = try await collect(matchers, range, into: Set<Labels>()) { $0.insert($1) }
        return list(labels.sorted(), limit, warnings) { $1.labels($0) }
    }

    func labelNames(_ call: Call) async throws -> Reply {
        let limit = try call.form.limit()
        let range = try call.form.range()
        let matchers = try call.form.matchers(limits)
        let (names, warnings) = try await collect(matchers, range, into: Set<String>()) { names, labels in
            for label in labels { names.insert(label.name) }
        }
        return list(inByteOrder(names), limit, warnings) { $1.string($0) }
    }

    func labelValues(_ call: Call) async throws -> Reply {
        let name = try labelName(call.path)
        let limit = try call.form.limit()
        let range = try call.form.range()
        let matchers = try call.form.matchers(limits)
        let (values, warnings) = try await collect(matchers, range, into: Set<String>()) { values, labels in
            if let value = labels[name] { values.insert(value) }
        }
        return list(inByteOrder(values), limit, warnings) { $1.string($0) }
    }

    /// The `NAME` of `/api/v1/label/NAME/values`, where `U__` begins what is escaped in Prometheus's way.
    private func labelName(_ path: String) throws -> String {
        let encoded = path.dropFirst("/api/v1/label/".count).dropLast("/values".count)
        guard case .success(let text) = percentDecoded(Array(encoded.utf8), plusIsSpace: false) else {
            throw APIError(.badData, "invalid label name: \(goQuoted(String(encoded)))")
        }
        let name = text.hasPrefix("U__") ? unescapedName(text) : text
        guard !name.isEmpty else { throw APIError(.badData, "invalid label name: \"\"") }
        return name
    }

    /// Goes over the labels of all series that one of the selectors matches; without a selector over all there are.
    private func collect<Result: Sendable>(
        _ selectors: [[Matcher]], _ range: ClosedRange<Int64>?, into initial: Result,
        _ take: @escaping @Sendable (inout Result, Labels) -> Void
    ) async throws -> (Result, warnings: [String]) {
        guard let range else { return (initial, []) }
        let store = watched.store
        let (result, warnings) = try await gate.pass {
            try await onThread("series") { signal in
                var (result, warnings) = (initial, [String]())
                for matchers in selectors.isEmpty ? [[]] : selectors {
                    try signal.check()
                    let found = try store.select(
                        matchers, in: range, limits: SelectionLimits(series: Self.maximumSeries))
                    for series in found.series { take(&result, series.labels) }
                    for warning in found.warnings where !warnings.contains(warning) { warnings.append(warning) }
                }
                return (result, warnings)
            }
        }
        return (result, withoutPaths(warnings))
    }

    private func list<Element: Sendable>(
        _ elements: [Element], _ limit: Int?, _ warnings: [String],
        _ write: @escaping @Sendable (Element, inout ReplyText) -> Void
    ) -> Reply {
        let count = min(elements.count, limit ?? .max)
        let cut = count < elements.count ? ["results truncated due to limit"] : []
        return .list(count: count, warnings: warnings + cut) { write(elements[$0], &$1) }
    }
}

private func inByteOrder(_ texts: Set<String>) -> [String] {
    texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// `U__http_2e_requests` is `http.requests` (Prometheus's `UnescapeName` with value encoding); what is wrong stays as it is.
private func unescapedName(_ text: String) -> String {
    var name = ""
    var rest = text.dropFirst("U__".count)
    while let character = rest.popFirst() {
        guard character == "_" else {
            name.append(character)
            continue
        }
        if rest.first == "_" {
            rest.removeFirst()
            name.append("_")
            continue
        }
        guard let end = rest.firstIndex(of: "_"), let value = UInt32(rest[..<end], radix: 16),
            let scalar = Unicode.Scalar(value)
        else { return text }
        name.unicodeScalars.append(scalar)
        rest = rest[rest.index(after: end)...]
    }
    return name
}
