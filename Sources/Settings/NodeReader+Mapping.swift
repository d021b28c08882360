import Machine
import Yams

extension NodeReader {
    /// The values of a mapping with fixed keys, those with no value left out.
    struct Fields {
        let reader: NodeReader
        private let values: [String: NodeReader]

        fileprivate init(reader: NodeReader, values: [String: NodeReader]) {
            self.reader = reader
            self.values = values
        }

        /// The value of `key`, nil if it has none.
        subscript(key: String) -> NodeReader? { values[key] }

        /// The value of `key`; reports that it is missing.
        func require(_ key: String, remedy: String) -> NodeReader? {
            if let value = values[key] { return value }
            reader.findings.report(
                "missing-key", "`\(reader.path(to: key))` is missing.", at: reader.position, remedy: remedy)
            return nil
        }
    }

    /// One pair of a mapping whose keys are free.
    struct Entry {
        let key: String
        /// Reads the key itself, to find fault with it.
        let keyReader: NodeReader
        let value: NodeReader
    }

    /// Reads a mapping of `holdfast.yml`, and reports keys that it may not have.
    func fields(of section: Section, remedy: String) -> Fields? { fields(ofAny: section, remedy: remedy) }

    /// Reads a mapping with the keys of `section`, and reports all others.
    func fields<Keys: MappingKeys>(ofAny section: Keys, remedy: String) -> Fields? {
        guard let entries = entries(remedy: remedy) else { return nil }
        var values: [String: NodeReader] = [:]
        for entry in entries {
            if section.keys.contains(entry.key) {
                if !entry.value.isNull { values[entry.key] = entry.value }
            } else {
                reportStray(entry, in: section)
            }
        }
        return Fields(reader: self, values: values)
    }

    /// Reads a mapping in its order; a key that comes twice is reported and taken once.
    func entries(remedy: String) -> [Entry]? {
        guard let mapping = node.mapping else {
            wrongType(expected: "a mapping", remedy: remedy)
            return nil
        }
        var entries: [Entry] = []
        var places: [String: SettingsProblem.Position] = [:]
        for (key, value) in mapping {
            let keyReader = NodeReader(node: key, path: path, findings: findings)
            guard let scalar = key.scalar else {
                findings.report(
                    "wrong-type", "A key in \(place) is not a plain text.", at: keyReader.position,
                    remedy: "Write `key: value`.")
                continue
            }
            let name = findings.originalName(scalar.string, at: keyReader.position)
            if let first = places[name] {
                findings.report(
                    "duplicate-key", "`\(printable(path(to: name)))` stands twice, first in line \(first.line).",
                    at: keyReader.position, remedy: "Keep one of them.")
                continue
            }
            places[name] = keyReader.position
            entries.append(
                Entry(
                    key: name, keyReader: keyReader,
                    value: NodeReader(node: value, path: path(to: name), findings: findings)))
        }
        return entries
    }

    fileprivate func path(to key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The mapping as it stands in messages.
    private var place: String { path.isEmpty ? "the top level" : "`\(path)`" }

    private func reportStray<Keys: MappingKeys>(_ entry: Entry, in section: Keys) {
        let key = "`\(printable(entry.key))`"
        let position = entry.keyReader.position
        if section.comingKeys.contains(entry.key) {
            findings.report(
                "unsupported-key", "`\(printable(path(to: entry.key)))` is not supported by this version of holdfast.",
                at: position, remedy: "Remove it, or put `#` before its lines until you upgrade.")
        } else if let near = nearest(to: entry.key, among: section.keys) {
            findings.report(
                "unknown-key", "Unknown key \(key) in \(place) – did you mean `\(near)`?", at: position,
                remedy: "Rename it to `\(near)`, or remove it.")
        } else if let home = Keys.home(of: entry.key) {
            findings.report(
                "unknown-key", "Unknown key \(key) in \(place): it belongs \(home).", at: position,
                remedy: "Move it there.")
        } else {
            let known = section.keys.map { "`\($0)`" }.joined(separator: ", ")
            findings.report(
                "unknown-key", "Unknown key \(key) in \(place).", at: position,
                remedy: "Remove it. Known there: \(known).")
        }
    }
}
