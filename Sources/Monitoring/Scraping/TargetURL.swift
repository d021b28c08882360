internal import Machine
internal import Settings

/// The URL of a target, put together as Go's `net/url` does: parameters sorted by name, a space as `+`.
struct TargetURL {
    let text: String

    /// - Parameter labels: after relabelling; `__param_NAME` goes before the first value of a parameter.
    init(_ labels: [String: String], _ parameters: [ScrapeSettings.Parameter]) throws {
        let scheme = labels[ReservedLabel.scheme] ?? "http"
        guard scheme == "http" || scheme == "https" else {
            throw MonitoringError(.badTarget, "“\(printable(scheme))” is not `http` or `https`.")
        }
        var values = Dictionary(parameters.map { ($0.name, $0.values) }) { $0 + $1 }
        for (name, value) in labels where name.hasPrefix(ReservedLabel.parameter) {
            let parameter = String(name.dropFirst(ReservedLabel.parameter.count))
            values[parameter] = [value] + (values[parameter] ?? []).dropFirst()
        }
        let query = values.sorted { $0.key < $1.key }.flatMap { name, values in
            values.map { "\(Self.encoded(name, asQuery: true))=\(Self.encoded($0, asQuery: true))" }
        }
        var path = Self.encoded(labels[ReservedLabel.path] ?? "", asQuery: false)
        if !path.isEmpty, !path.hasPrefix("/") { path = "/" + path }
        text =
            "\(scheme)://\(labels[ReservedLabel.address] ?? "")\(path)"
            + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    private static func encoded(_ text: String, asQuery: Bool) -> String {
        let kept = Set("-_.~".utf8).union(asQuery ? [] : Array("$&+,/:;=@".utf8))
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where kept.contains(byte): result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: " ") where asQuery: result += "+"
            default: result += "%" + [byte].hex.uppercased()
            }
        }
        return result
    }
}
