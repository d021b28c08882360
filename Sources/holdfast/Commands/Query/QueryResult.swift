import Machine
import PromQL
import TimeSeries

/// What an expression yields, in the form of the API's `data`.
struct QueryResult: Codable, Sendable {
    /// A value at a moment; `[1435781430.781, "1"]`.
    struct Point: Codable, Sendable {
        /// Seconds since 1970.
        let time: Double
        /// As Prometheus writes it; of a string the string.
        let value: String

        init(_ sample: Sample) {
            time = Double(sample.time) / 1000
            value = FloatText.json(sample.value)
        }

        init(time: Double, value: String) {
            self.time = time
            self.value = value
        }

        init(from decoder: any Decoder) throws {
            var parts = try decoder.unkeyedContainer()
            time = try parts.decode(Double.self)
            value = try parts.decode(String.self)
        }

        func encode(to encoder: any Encoder) throws {
            var parts = encoder.unkeyedContainer()
            try parts.encode(time)
            try parts.encode(value)
        }

        /// NaN for a string.
        var number: Double { FloatText.value(value) ?? .nan }
    }

    struct Series: Codable, Sendable {
        let metric: [String: String]
        /// Of an instant.
        var value: Point?
        /// Of a range.
        var values: [Point]?

        /// `up{job="node"}`
        var name: String { Labels(metric.map { Label(name: $0.key, value: $0.value) }).description }
        var points: [Point] { values ?? value.map { [$0] } ?? [] }
    }

    enum Value: Sendable {
        case single(Point)
        case series([Series])
    }

    let type: String
    let value: Value
    var warnings: [String] = []
    var infos: [String] = []

    init(_ answer: Answer) {
        warnings = answer.annotations.filter { $0.level == .warning }.map(\.description)
        infos = answer.annotations.filter { $0.level == .info }.map(\.description)
        func metric(_ labels: Labels) -> [String: String] {
            Dictionary(labels.map { ($0.name, $0.value) }) { $1 }
        }
        switch answer.value {
        case .scalar(let sample): (type, value) = ("scalar", .single(Point(sample)))
        case .string(let text, let time):
            (type, value) = ("string", .single(Point(time: Double(time) / 1000, value: text)))
        case .vector(let elements):
            let series = elements.map { Series(metric: metric($0.labels), value: Point($0.sample)) }
            (type, value) = ("vector", .series(series))
        case .matrix(let all):
            (type, value) = (
                "matrix", .series(all.map { Series(metric: metric($0.labels), values: $0.floats.map(Point.init)) })
            )
        }
    }

    func adding(warnings: [String], infos: [String]) -> QueryResult {
        var result = self
        result.warnings += warnings
        result.infos += infos
        return result
    }

    private enum Key: String, CodingKey {
        case type = "resultType"
        case value = "result"
        case warnings, infos
    }

    init(from decoder: any Decoder) throws {
        let parts = try decoder.container(keyedBy: Key.self)
        type = try parts.decode(String.self, forKey: .type)
        value =
            type == "scalar" || type == "string"
            ? .single(try parts.decode(Point.self, forKey: .value))
            : .series(try parts.decode([Series].self, forKey: .value))
    }

    func encode(to encoder: any Encoder) throws {
        var parts = encoder.container(keyedBy: Key.self)
        try parts.encode(type, forKey: .type)
        switch value {
        case .single(let point): try parts.encode(point, forKey: .value)
        case .series(let series): try parts.encode(series, forKey: .value)
        }
        if !warnings.isEmpty { try parts.encode(warnings, forKey: .warnings) }
        if !infos.isEmpty { try parts.encode(infos, forKey: .infos) }
    }
}

extension QueryResult {
    /// For a person: a line for each series; of a range its lowest, mean, highest and last value.
    var table: String {
        switch value {
        case .single(let point): return printable(point.value) + "\n"
        case .series(let series) where series.isEmpty: return "Nothing matches.\n"
        case .series(let series) where series.contains(where: { $0.values != nil }):
            let rows = series.map { one in
                let numbers = one.points.map(\.number)
                let present = numbers.filter { !$0.isNaN }
                let mean = present.isEmpty ? .nan : present.reduce(0, +) / Double(present.count)
                let shown = [present.min() ?? .nan, mean, present.max() ?? .nan, numbers.last ?? .nan].map(short)
                return shown + ["\(numbers.count)", printable(one.name)]
            }
            return columns([["lowest", "mean", "highest", "last", "values", "series"]] + rows)
        case .series(let series):
            return columns(series.map { [$0.value?.value ?? "", printable($0.name)] })
        }
    }
}

/// Six digits are enough to look at.
private func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return FloatText.short(value) }
    var scale = 1.0
    while value.magnitude * scale < 100_000, scale < 1e12 { scale *= 10 }
    return FloatText.short((value * scale).rounded() / scale)
}

/// With what would move a terminal's cursor escaped.
func printable(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
        if scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format {
            shown += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
            shown.unicodeScalars.append(scalar)
        }
    }
    return shown
}
