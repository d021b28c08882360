import Glibc
import Machine
import Yams

/// A YAML file as values that know their places.
package struct PlacedDocument: Sendable {
    /// Nil when there is nothing but comments.
    package let root: PlacedValue?
    /// The file as it was named.
    package let file: String
    private let source: YAMLSource

    /// Reads the file at `path`.
    ///
    /// - Throws: ``SettingsError`` with all problems of its form, or a `MachineError` when it cannot be read.
    package static func load(from path: String) throws -> PlacedDocument {
        let bytes = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY).readAll(limit: YAMLDocument.sizeLimit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SettingsError(
                SettingsProblem(
                    code: "settings.syntax", what: "The file is not UTF-8 text.", position: nil, file: path,
                    remedy: "Save the file as UTF-8."))
        }
        return try PlacedDocument(text, file: path)
    }

    /// Reads `text`: one document, at most 1 MiB of it. A key that stands twice is a problem; anchors and `<<` are followed.
    package init(_ text: String, file: String) throws {
        let document = try YAMLDocument(text, file: file)
        let findings = Findings(file: file, document: document)
        self.file = file
        source = YAMLSource(text)
        root = document.root.map { Self.value($0, findings) }
        if !findings.problems.isEmpty { throw SettingsError(findings.problems) }
    }

    private static func value(_ node: Node, _ findings: Findings) -> PlacedValue {
        let position = PlacedValue.Position(node.mark)
        func value(_ content: PlacedValue.Content) -> PlacedValue { PlacedValue(content: content, position: position) }
        switch node {
        case .scalar(let scalar): return value(.scalar(scalar.string, isPlain: scalar.style == .plain))
        case .sequence(let elements): return value(.list(elements.map { self.value($0, findings) }))
        case .mapping: return value(.mapping(pairs(of: node, findings)))
        case .alias: return value(.scalar("", isPlain: true))
        }
    }

    /// The pairs of a mapping; those of mappings under `<<` only where the key is not there already.
    private static func pairs(of node: Node, _ findings: Findings) -> [PlacedPair] {
        let reader = NodeReader(node: node, path: "", findings: findings)
        var own: [PlacedPair] = []
        var merged: [PlacedPair] = []
        for entry in reader.entries(remedy: "Write `key: value`.") ?? [] {
            let value = value(entry.value.node, findings)
            if entry.key == "<<", let pairs = mergeable(value) {
                merged += pairs
            } else {
                own.append(PlacedPair(key: entry.key, keyPosition: entry.keyReader.position, value: value))
            }
        }
        for pair in merged where !own.contains(where: { $0.key == pair.key }) { own.append(pair) }
        return own
    }

    private static func mergeable(_ value: PlacedValue) -> [PlacedPair]? {
        switch value.content {
        case .mapping(let pairs): return pairs
        case .list(let values):
            let all = values.map(mergeable)
            return all.contains { $0 == nil } ? nil : all.compactMap(\.self).flatMap(\.self)
        case .scalar: return nil
        }
    }

    /// Where the character `offset` (in Unicode scalars) of a scalar's value stands in the file, as far as that can be told;
    /// otherwise where the scalar begins.
    package func position(of offset: Int, in value: PlacedValue) -> PlacedValue.Position? {
        guard let position = value.position, case .scalar(let text, _) = value.content else { return value.position }
        return source.position(of: offset, in: Array(text.unicodeScalars), startingAt: position) ?? position
    }
}
