internal import PromQL
internal import Settings

/// Reads values of a rule or test file as what they should be, in the manner of Prometheus's YAML reader, and collects what is
/// wrong.
final class PlacedReader {
    let document: PlacedDocument
    private(set) var problems: [SettingsProblem] = []

    init(_ document: PlacedDocument) { self.document = document }

    /// Throws all that was reported, if anything was.
    func finish() throws {
        if !problems.isEmpty { throw SettingsError(problems) }
    }

    func report(_ code: String, _ what: String, at position: SettingsProblem.Position?, remedy: String) {
        let problem = SettingsProblem(
            code: "rules." + code, what: what, position: position, file: document.file, remedy: remedy)
        if !problems.contains(problem) { problems.append(problem) }
    }

    private func wrongType(_ value: PlacedValue, _ name: String, _ expected: String) {
        report(
            "wrong-type", "`\(name)` has to be \(expected), but is \(value.words).", at: value.position,
            remedy: "Write \(expected).")
    }

    /// The values of a mapping by key; other keys than `known` are reported. Nothing at all is an empty mapping.
    func fields(_ value: PlacedValue, _ name: String, known: [String]) -> [String: PlacedValue] {
        if value.isNull { return [:] }
        guard case .mapping(let pairs) = value.content else {
            wrongType(value, name, "a mapping")
            return [:]
        }
        var fields: [String: PlacedValue] = [:]
        for pair in pairs {
            if known.contains(pair.key) {
                fields[pair.key] = pair.value
            } else {
                let words = known.map { "`\($0)`" }.joined(separator: ", ")
                report(
                    "unknown-key", "Unknown key `\(printable(pair.key))` in `\(name)`.", at: pair.keyPosition,
                    remedy: "Remove it. Known there: \(words).")
            }
        }
        return fields
    }

    /// The values of a list, those that are nothing left out; nothing at all is an empty list.
    func list(_ value: PlacedValue?, _ name: String) -> [PlacedValue] {
        guard let value, !value.isNull else { return [] }
        guard case .list(let values) = value.content else {
            wrongType(value, name, "a list")
            return []
        }
        return values.filter { !$0.isNull }
    }

    /// A text; a number or a truth value as it is written. Nothing at all is an empty one.
    func text(_ value: PlacedValue?, _ name: String) -> String {
        guard let value, !value.isNull else { return "" }
        guard case .scalar(let text, _) = value.content else {
            wrongType(value, name, "a text")
            return ""
        }
        return text
    }

    /// Texts by name, in the order of the file.
    func texts(_ value: PlacedValue?, _ name: String) -> [(pair: PlacedPair, text: String)] {
        guard let value, !value.isNull else { return [] }
        guard case .mapping(let pairs) = value.content else {
            wrongType(value, name, "a mapping")
            return []
        }
        return pairs.map { ($0, text($0.value, "\(name).\(printable($0.key))")) }
    }

    /// A duration in milliseconds; nil where there is none.
    func duration(_ value: PlacedValue?, _ name: String) -> Int64? {
        guard let value, !value.isNull else { return nil }
        let text = text(value, name)
        // Prometheus keeps nanoseconds in 64 bits.
        if let duration = DurationText.milliseconds(text), duration <= .max / 1_000_000 { return duration }
        if case .scalar = value.content {
            report(
                "bad-duration", "`\(name)`: `\(printable(text))` is no duration.", at: value.position,
                remedy: "Write numbers with units, the largest first: `30s`, `1h30m`, `7d`.")
        }
        return nil
    }

    /// A whole number; 0 where there is none.
    func integer(_ value: PlacedValue?, _ name: String) -> Int {
        guard let value, !value.isNull else { return 0 }
        if case .scalar(let text, isPlain: true) = value.content, let number = yamlInteger(text) { return number }
        wrongType(value, name, "a whole number")
        return 0
    }

    /// A number as YAML has them.
    func number(_ value: PlacedValue?, _ name: String) -> Double {
        guard let value, !value.isNull else { return 0 }
        if case .scalar(let text, isPlain: true) = value.content {
            if let number = yamlFloat(text) ?? yamlInteger(text).map(Double.init) { return number }
        }
        wrongType(value, name, "a number")
        return 0
    }

    /// Yes or no; no where there is none.
    func truth(_ value: PlacedValue?, _ name: String) -> Bool {
        guard let value, !value.isNull else { return false }
        if case .scalar(let text, isPlain: true) = value.content {
            switch text.lowercased() {
            case "true", "yes", "on", "y": return true
            case "false", "no", "off", "n": return false
            default: break
            }
        }
        wrongType(value, name, "`true` or `false`")
        return false
    }
}

/// A plain scalar as YAML's whole numbers: `12`, `-3`, `0x1f`, `0o17`, `0b11`, `1_000`; `12.0` too.
private func yamlInteger(_ text: String) -> Int? {
    var digits = text.filter { $0 != "_" }[...]
    let isNegative = digits.hasPrefix("-")
    if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
    guard let first = digits.first, first.isASCII, first.isNumber else { return nil }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where digits.hasPrefix(prefix) {
        return Int((isNegative ? "-" : "") + digits.dropFirst(2), radix: radix)
    }
    if digits.count > 1, digits.hasPrefix("0"), let octal = Int(digits, radix: 8) { return isNegative ? -octal : octal }
    if let number = Int(digits) { return isNegative ? -number : number }
    return yamlFloat(text).flatMap { Int(exactly: $0.rounded(.towardZero)) }
}

/// A plain scalar as YAML's floating-point numbers.
private func yamlFloat(_ text: String) -> Double? {
    switch text.lowercased() {
    case ".inf", "+.inf": return .infinity
    case "-.inf": return -.infinity
    case ".nan": return .nan
    default:
        guard text.contains(where: \.isNumber), text.allSatisfy({ "0123456789.eE+-_".contains($0) }) else { return nil }
        return FloatText.value(text.filter { $0 != "_" })
    }
}
