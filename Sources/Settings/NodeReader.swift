import Yams

/// Reads one node as what it should be; what is wrong is reported with place, path and remedy, and nil returned.
struct NodeReader {
    let node: Node
    /// `backup.files[1].name`; empty for the top.
    let path: String
    let findings: Findings

    var position: SettingsProblem.Position? { SettingsProblem.Position(node.mark) }

    /// The path as it stands in messages.
    var label: String { path.isEmpty ? "The configuration" : "`\(path)`" }

    /// Nothing, `null` or `~`: as if the key were not there.
    var isNull: Bool {
        guard let scalar = node.scalar else { return false }
        return scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            || "\(node.tag)" == Tag.Name.null.rawValue
    }

    /// What stands there, in words.
    private var found: String {
        if isNull { return "nothing" }
        switch node {
        case .scalar(let scalar): return "`\(printable(scalar.string))`"
        case .sequence: return "a list"
        case .mapping: return "a mapping"
        case .alias: return "an alias"
        }
    }

    /// Reports a value that has the wrong shape.
    func wrongType(expected: String, remedy: String?) {
        findings.report("wrong-type", "\(label) has to be \(expected), but is \(found).", at: position, remedy: remedy)
    }

    /// Reports a value that has the right shape and is not allowed.
    func badValue(_ what: String, remedy: String) {
        findings.report("bad-value", what, at: position, remedy: remedy)
    }

    /// A text that is not empty.
    func string(expected: String = "a text", remedy: String? = nil) -> String? {
        guard let scalar = node.scalar, !isNull else {
            wrongType(expected: expected, remedy: remedy ?? "Write one value.")
            return nil
        }
        guard !scalar.string.isEmpty else {
            badValue("\(label) is empty.", remedy: "Give it a value, or remove the key.")
            return nil
        }
        guard !scalar.string.unicodeScalars.contains("\0") else {
            badValue("\(label) holds a NUL character.", remedy: "Remove it.")
            return nil
        }
        return scalar.string
    }

    /// An absolute path in its shortest spelling.
    func hostPath() -> String? {
        guard let text = string(expected: "a path") else { return nil }
        do {
            return try HostPath(text).text
        } catch {
            badValue("\(label) \(error.complaint): `\(printable(text))`.", remedy: error.remedy)
            return nil
        }
    }

    /// `90s`, `30m`, `2h`, `7d`, `4w`, in seconds.
    func duration() -> Double? {
        let help = "Write a number and its unit: `90s`, `30m`, `2h`, `7d`, `4w`."
        guard let word = string(expected: "a duration", remedy: help) else { return nil }
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        if let unit = word.last.flatMap({ units[$0] }), let number = UInt32(word.dropLast()), number > 0 {
            return Double(number) * unit
        }
        badValue("\(label): `\(printable(word))` is no duration.", remedy: help)
        return nil
    }

    /// A number from 0 on.
    func count() -> Int? {
        let help = "Write a whole number from 0 on."
        guard let word = string(expected: "a number", remedy: help) else { return nil }
        if let number = UInt16(word) { return Int(number) }
        badValue("\(label): `\(printable(word))` is no number that fits.", remedy: help)
        return nil
    }

    /// A glob.
    func pattern() -> Settings.Pattern? {
        guard let text = string(expected: "a pattern") else { return nil }
        guard let pattern = Settings.Pattern(text) else {
            badValue(
                "\(label) is not a pattern: `\(printable(text))` opens a bracket that is not well closed.",
                remedy: "Patterns know `*`, `?` and `[abc]`; a bracket itself is written `[[]`.")
            return nil
        }
        return pattern
    }

    /// A list, each element read by `read`; a single scalar is taken for a list of one. What is wrong is left out.
    func list<Value>(of expected: String, _ read: (NodeReader) -> Value?) -> [Value]? {
        switch node {
        case .sequence(let elements):
            return elements.enumerated().compactMap { index, element in
                read(NodeReader(node: element, path: "\(path)[\(index)]", findings: findings))
            }
        case .scalar where !isNull:
            return read(self).map { [$0] }
        default:
            wrongType(expected: "a list of \(expected)", remedy: "Write `[one, two]`, or one `- …` a line.")
            return nil
        }
    }

    /// A list of globs.
    func patterns() -> [Settings.Pattern]? { list(of: "patterns") { $0.pattern() } }
}
