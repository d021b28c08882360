import Machine
import Yams

/// What all parts of a `prometheus.yml` are read with.
struct PrometheusContext {
    /// The folder that relative paths begin at.
    let folder: String
    /// Nil: `${NAME}` means nothing.
    let environment: [String: String]?
    let words: QueryWords
}

/// Values as `prometheus.yml` has them.
extension NodeReader {
    /// A text, which may be empty, as it stands.
    func text(expected: String = "a text") -> String? {
        guard let scalar = node.scalar, !isNull else {
            wrongType(expected: expected, remedy: "Write one value.")
            return nil
        }
        return scalar.string
    }

    /// A text that is not empty, with the values of variables in place of `${NAME}`.
    func value(_ context: PrometheusContext, expected: String = "a text") -> String? {
        string(expected: expected).flatMap { expanded($0, context) }
    }

    /// As ``value(_:expected:)``, but may be empty.
    func label(_ context: PrometheusContext) -> String? { text().flatMap { expanded($0, context) } }

    /// `$${` stands for `${`; a `$` before anything else for itself.
    private func expanded(_ text: String, _ context: PrometheusContext) -> String? {
        guard let environment = context.environment, text.contains("${") else { return text }
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${"), let end = rest.firstIndex(of: "}") {
                let name = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
                guard let value = environment[name] else {
                    badValue(
                        "\(label): there is no variable `\(printable(name))` in the environment.",
                        remedy: "Set it for `holdfast watch`, or write `$${` where `${` itself is meant.")
                    return nil
                }
                result += value
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    /// `15s`, `1h30m`, in milliseconds.
    func promDuration(_ context: PrometheusContext) -> Int64? {
        let help = "Write numbers and their units: `15s`, `1m30s`, `1h`."
        guard let text = value(context, expected: "a duration") else { return nil }
        if let duration = context.words.duration(text) { return duration }
        badValue("\(label): `\(printable(text))` is no duration.", remedy: help)
        return nil
    }

    /// What Prometheus takes for yes and no.
    func truth() -> Bool? {
        guard let word = string(expected: "`true` or `false`") else { return nil }
        switch word.lowercased() {
        case "true", "yes", "on", "y": return true
        case "false", "no", "off", "n": return false
        default:
            badValue("\(label): `\(printable(word))` is neither true nor false.", remedy: "Write `true` or `false`.")
            return nil
        }
    }

    /// A whole number from 0 on.
    func number(_ context: PrometheusContext) -> Int? {
        guard let word = value(context, expected: "a number") else { return nil }
        if let number = UInt32(word) { return Int(number) }
        badValue("\(label): `\(printable(word))` is no number that fits.", remedy: "Write a whole number from 0 on.")
        return nil
    }

    /// A path; relative ones begin at the file's folder.
    func promPath(_ context: PrometheusContext) -> String? {
        value(context, expected: "a path").map { joined(context.folder, $0) }
    }

    /// One of a few words.
    func choice<Word: RawRepresentable & CaseIterable>(_ context: PrometheusContext, _: Word.Type) -> Word?
    where Word.RawValue == String {
        guard let word = value(context, expected: "a word") else { return nil }
        if let choice = Word(rawValue: word) { return choice }
        let known = Word.allCases.map(\.rawValue)
        let near = nearest(to: word, among: known).map { " – did you mean `\($0)`?" } ?? "."
        badValue(
            "\(label): `\(printable(word))` is not known\(near)",
            remedy: "Write \(known.map { "`\($0)`" }.joined(separator: ", ")).")
        return nil
    }

    /// Labels and their values.
    func labels(_ context: PrometheusContext) -> [String: String] {
        var labels: [String: String] = [:]
        for entry in entries(remedy: "Write `NAME: value`.") ?? [] where !entry.value.isNull {
            guard !entry.key.isEmpty else {
                entry.keyReader.badValue("A label in \(label) has no name.", remedy: "Give it one.")
                continue
            }
            labels[entry.key] = entry.value.label(context)
        }
        return labels
    }

    /// A list; one value alone is none, as in Prometheus.
    func elements<Value>(_ read: (NodeReader) -> Value?) -> [Value] {
        guard node.sequence != nil else {
            wrongType(expected: "a list", remedy: "Write `[one, two]`, or one `- …` a line.")
            return []
        }
        return list(of: "values", read) ?? []
    }
}
