import Yams

/// A files source together with where it stands in the file.
struct LocatedSource {
    let source: Settings.FilesSource
    private let name: NodeReader
    private let path: NodeReader

    private static let help = "Write `- { name: NAME, path: /PATH }`."

    /// Reads `backup.files`; entries with something wrong in them are reported and left out.
    static func list(reading reader: NodeReader) -> [LocatedSource] {
        guard reader.node.sequence != nil else {
            reader.wrongType(expected: "a list of folders", remedy: help)
            return []
        }
        return reader.list(of: "folders", LocatedSource.init(reading:)) ?? []
    }

    private init?(reading reader: NodeReader) {
        guard let fields = reader.fields(of: .files, remedy: Self.help) else { return nil }
        let exclude = fields["exclude"].flatMap { $0.list(of: "patterns", Self.exclusion(reading:)) }
        let name = fields.require("name", remedy: "Add `name: …`: what it is called in `holdfast restore files NAME`.")
        let path = fields.require("path", remedy: "Add `path: /…`: the folder to back up.")
        let text = name.flatMap(Self.name(reading:))
        let folder = path?.hostPath()
        guard let name, let path, let text, let folder else { return nil }
        source = Settings.FilesSource(name: text, path: folder, exclude: exclude ?? [])
        self.name = name
        self.path = path
    }

    private static func name(reading reader: NodeReader) -> String? {
        guard let text = reader.string(expected: "a name") else { return nil }
        guard Settings.FilesSource.isValid(name: text) else {
            reader.badValue(
                "\(reader.label) is not a name: `\(printable(text))`.",
                remedy: "Use letters, digits, `_`, `.` and `-`, at most 128, the first a letter or a digit.")
            return nil
        }
        return text
    }

    /// A pattern; `./cache/` means `cache`.
    private static func exclusion(reading reader: NodeReader) -> Settings.Pattern? {
        guard let pattern = reader.pattern() else { return nil }
        var text = pattern.text[...]
        while text.hasPrefix("./") { text = text.dropFirst(2) }
        while text.count > 1, text.hasSuffix("/") { text = text.dropLast() }
        return Settings.Pattern(String(text)) ?? pattern
    }

    /// Reports sources that are called like one before them.
    static func refuseDoubleNames(in sources: [LocatedSource]) {
        var places: [String: SettingsProblem.Position?] = [:]
        for located in sources {
            guard let first = places.updateValue(located.name.position, forKey: located.source.name) else { continue }
            located.name.badValue(
                "\(located.name.label): `\(located.source.name)` is already the name of another source\(first.map { ", in line \($0.line)" } ?? "").",
                remedy: "Give each source a name of its own.")
        }
    }

    /// Reports sources that would back up `path`, where holdfast itself writes.
    static func refuseSwallowing(_ sources: [LocatedSource], key: String, path: String?) {
        guard let path else { return }
        for located in sources {
            let source = located.source
            guard let way = HostPath.way(from: source.path, to: path), !source.excludes(way) else { continue }
            let remedy =
                way.isEmpty
                ? "Move one of the two."
                : "Add `exclude: [\(SettingsDraft.scalar(way))]` to this source, or move `\(key)`."
            located.path.findings.report(
                "conflict",
                "\(located.path.label) (\(source.path)) holds `\(key)` (\(path)), where holdfast itself writes.",
                at: located.path.position, remedy: remedy)
        }
    }
}
