import Glibc
import Yams

/// The one document of a YAML text, as nodes that know their place.
///
/// Scalars are not guessed at: `no`, `1e3` and `2020-01-01` stay the text that they are. A key that stands twice in a
/// mapping is kept twice, for ``NodeReader`` to report.
struct YAMLDocument {
    typealias Position = SettingsProblem.Position

    /// The top; nil when there is nothing but comments.
    let root: Node?
    /// What keys were called that had to be renamed because they stand again further down.
    let renamed: [Position: String]

    /// How large a text may be, in bytes.
    static let sizeLimit = 1 << 20
    /// How many nodes it may hold, aliases followed.
    static let nodeLimit = 100_000
    /// How deep they may be nested.
    static let depthLimit = 64
    /// Up to which size, in bytes, it is read once more for each key that stands twice, to find them all.
    static let repeatLimit = 1 << 16
    /// To how many copies of a value references to anchors may multiply, so that even what happens before nodes can be counted
    /// (Yams hashes keys) ends soon: 7,000 references to one anchor, 167 to two, 24 to any number.
    static let copyLimit = 7_000.0

    /// Reads `text`.
    ///
    /// - Throws: ``SettingsError`` with one problem: no YAML, several documents, or a limit passed.
    init(_ text: String, file: String) throws {
        func fail(_ code: String, _ what: String, at position: Position?, remedy: String) -> SettingsError {
            SettingsError(SettingsProblem(code: code, what: what, position: position, file: file, remedy: remedy))
        }
        guard text.utf8.count <= Self.sizeLimit else {
            throw fail(
                "settings.too-large", "The file is larger than 1 MiB.", at: nil,
                remedy: "Is it the right file? A configuration has a few kilobytes.")
        }
        guard Self.copies(in: text) <= Self.copyLimit else {
            throw fail(
                "settings.too-large", "The file refers too often to too many anchors.", at: nil,
                remedy: "Write some of the values out.")
        }
        var source = YAMLSource(text)
        var renamed: [Position: String] = [:]
        while true {
            do {
                root = try Self.compose(source.text, file: file)
                self.renamed = renamed
                break
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                let position = Position(line: context.mark.line, column: context.mark.column)
                let name = names.first ?? ""
                if text.utf8.count <= Self.repeatLimit, renamed.count < SettingsError.limit,
                    source.rename(name, at: position, number: renamed.count)
                {
                    renamed[position] = name
                    continue
                }
                throw fail(
                    "settings.duplicate-key", "The key `\(printable(name))` stands twice in one mapping.", at: position,
                    remedy: "Keep one of them.")
            } catch let error as YamlError {
                throw SettingsError(source.problem(from: error, file: file))
            }
        }
        if let root { try Self.measure(root, fail: fail) }
    }

    private static func compose(_ text: String, file: String) throws -> Node? {
        let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
        let root = try parser.nextRoot()
        if root != nil, let second = try parser.nextRoot() {
            throw SettingsError(
                SettingsProblem(
                    code: "settings.syntax", what: "The file holds more than one YAML document.",
                    position: Position(second.mark), file: file,
                    remedy: "Keep one; remove the line `---` or `...` between them."))
        }
        return root
    }

    /// To how many copies of one value the references of `text` can multiply at most: they do where what an anchor names
    /// refers to other anchors. With `r` references on `j` such levels there are no more than (r/j)ʲ copies, and there are
    /// no more levels than anchors. Never less than it is: what only looks like an anchor or a reference counts too.
    private static func copies(in text: String) -> Double {
        func names(after sign: UInt8) -> [ArraySlice<UInt8>] {
            bytes.indices.filter { bytes[$0] == sign }.map { start in
                bytes[(start + 1)...].prefix { isNameByte($0) }
            }
        }
        func isNameByte(_ byte: UInt8) -> Bool {
            Character(Unicode.Scalar(byte)).isASCII
                && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-"))
        }
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "*")), bytes.contains(UInt8(ascii: "&")) else { return 0 }
        let anchors = names(after: UInt8(ascii: "&")).filter { !$0.isEmpty }
        let known = Set(anchors)
        let references = Double(names(after: UInt8(ascii: "*")).count { known.contains($0) })
        let levels = min(anchors.count, Int(references))
        guard levels > 0 else { return 0 }
        return (1...levels).reduce(0) { max($0, pow(references / Double($1), Double($1))) }
    }

    /// Walks all nodes once, without recursion, and stops at the first limit.
    private static func measure(
        _ root: Node, fail: (String, String, Position?, String) -> SettingsError
    ) throws {
        var open: [(node: Node, depth: Int)] = [(root, 1)]
        var count = 0
        while let (node, depth) = open.popLast() {
            count += 1
            let position = Position(node.mark)
            guard count <= nodeLimit else {
                throw fail(
                    "settings.too-large", "The file holds more than \(nodeLimit) values.", position,
                    "Is it the right file?")
            }
            guard depth <= depthLimit else {
                throw fail(
                    "settings.too-large", "The file is nested deeper than \(depthLimit) levels.", position,
                    "Is it the right file?")
            }
            guard plainTags.contains("\(node.tag)") else {
                throw fail(
                    "settings.syntax", "The tag `\(printable("\(node.tag)"))` is not supported.", position,
                    "Remove it; if the value starts with `!`, put the value in quotes.")
            }
            switch node {
            case .mapping(let mapping): for (key, value) in mapping { open += [(key, depth + 1), (value, depth + 1)] }
            case .sequence(let sequence): open += sequence.map { ($0, depth + 1) }
            case .scalar, .alias: break
            }
        }
    }

    private static let plainTags = Set([Tag.Name.str, .seq, .map, .bool, .int, .float, .null].map(\.rawValue))
}

extension SettingsProblem.Position {
    /// The place that Yams gives, nil if it gives none.
    init?(_ mark: Mark?) {
        guard let mark else { return nil }
        self.init(line: mark.line, column: mark.column)
    }
}
