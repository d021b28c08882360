internal import Glibc
package import Machine

/// A file of measurements for node exporter's textfile collector, in Prometheus's text format 0.0.4
/// (prometheus.io/docs/instrumenting/exposition_formats).
package enum Textfile {
    /// Writes the file in one step, so that nobody reads half of it; readable by all, for node exporter is not root.
    ///
    /// - Throws: `MachineError`; the former file is still there then.
    package static func write(_ measurements: [Measurement], to path: String) throws {
        let folder = try Descriptor.open(parent(of: path), O_RDONLY | O_DIRECTORY)
        let name = path.split(separator: "/").last.map(String.init) ?? path
        try folder.exclusively {
            try folder.publish(name, Array(text(measurements).utf8), replacing: true, mode: 0o644)
        }
    }

    /// One family after the other, in the order of their first measurement.
    package static func text(_ measurements: [Measurement]) -> String {
        var names: [String] = []
        for measurement in measurements where !names.contains(measurement.name) { names.append(measurement.name) }
        var text = ""
        for name in names {
            let family = measurements.filter { $0.name == name }
            text += "# HELP \(name) \(family[0].help)\n# TYPE \(name) gauge\n"
            for measurement in family { text += line(measurement) }
        }
        return text
    }

    private static func line(_ measurement: Measurement) -> String {
        let labels = measurement.labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
        let value = measurement.value
        let number = value.magnitude < 1e15 && value == value.rounded() ? "\(Int64(value))" : "\(value)"
        return "\(measurement.name)\(labels.isEmpty ? "" : "{\(labels)}") \(number)\n"
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
