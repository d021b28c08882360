/// Writes an exposition.
package struct ExpositionWriter {
    package let format: ExpositionFormat
    private var bytes: [UInt8] = []

    package init(_ format: ExpositionFormat) { self.format = format }

    /// Begins a family; its samples follow, without those of another in between.
    ///
    /// - Parameters:
    ///   - name: of an OpenMetrics counter without `_total`.
    ///   - unit: the last part of the name; written in OpenMetrics only.
    package mutating func family(_ name: String, _ kind: MetricKind, help: String = "", unit: String? = nil) {
        if !help.isEmpty { line("# HELP \(familyName(name)) \(escaped(help, quotes: format == .openMetrics))") }
        if let unit, format == .openMetrics { line("# UNIT \(familyName(name)) \(unit)") }
        line("# TYPE \(familyName(name)) \(kindName(kind))")
    }

    /// - Parameters:
    ///   - name: with the suffixes of its kind, `_total`, `_bucket`, `_sum`, `_count`.
    ///   - time: milliseconds since 1970.
    package mutating func sample(
        _ name: String, _ labels: [(name: String, value: String)] = [], _ value: Double, time: Int64? = nil
    ) {
        line("\(seriesText(name, labels)) \(text(value))\(time.map { " " + moment($0) } ?? "")")
    }

    /// Many samples of one series: its text is put together once.
    package mutating func series(
        _ name: String, _ labels: [(name: String, value: String)],
        _ samples: some Sequence<(value: Double, time: Int64)>
    ) {
        let series = Array("\(seriesText(name, labels)) ".utf8)
        for sample in samples {
            bytes.append(contentsOf: series)
            bytes.append(contentsOf: text(sample.value).utf8)
            bytes.append(.space)
            line(moment(sample.time))
        }
    }

    /// `name{label="value"}`, or `{"a name",label="value"}`.
    private func seriesText(_ name: String, _ labels: [(name: String, value: String)]) -> String {
        var parts = labels.map { "\(labelName($0.name))=\"\(escaped($0.value, quotes: true))\"" }
        let isPlain = isMetricName(name)
        if !isPlain { parts.insert("\"\(escaped(name, quotes: true))\"", at: 0) }
        return (isPlain ? name : "") + (parts.isEmpty ? "" : "{\(parts.joined(separator: ","))}")
    }

    private func moment(_ time: Int64) -> String { format == .text ? "\(time)" : seconds(time) }

    /// What was written since the last call, for answers that go out in pieces; the end is still to come.
    package mutating func takeWritten() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    /// What was written and not taken, with the end that the format wants.
    package consuming func finish() -> [UInt8] {
        if format == .openMetrics { line("# EOF") }
        return bytes
    }

    private mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(.newline)
    }

    private func kindName(_ kind: MetricKind) -> String {
        guard format == .text else { return kind.rawValue }
        switch kind {
        case .unknown: return "untyped"
        case .gaugehistogram: return "histogram"
        case .info, .stateset: return "gauge"
        default: return kind.rawValue
        }
    }

    private func familyName(_ name: String) -> String {
        isMetricName(name) ? name : "\"\(escaped(name, quotes: true))\""
    }

    private func labelName(_ name: String) -> String {
        let isPlain = name.utf8.first?.startsName == true && name.utf8.allSatisfy(\.continuesName)
        return isPlain ? name : "\"\(escaped(name, quotes: true))\""
    }

    private func isMetricName(_ name: String) -> Bool {
        name.utf8.first?.startsMetricName == true && name.utf8.allSatisfy(\.continuesMetricName)
    }

    private func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        let isWhole = value.magnitude < 1e15 && value == value.rounded() && !(value == 0 && value.sign == .minus)
        return isWhole ? "\(Int64(value))" : "\(value)"
    }

    /// Milliseconds as seconds, exactly.
    private func seconds(_ time: Int64) -> String {
        let rest = String(time.magnitude % 1000)
        let fraction = String(repeating: "0", count: 3 - rest.count) + rest
        return "\(time < 0 ? "-" : "")\(time.magnitude / 1000).\(fraction)"
    }
}
