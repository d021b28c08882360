/// One thing that can be restored: `volume.n8n_data`, `files.compose`, `database.n8n`, `database.n8n.globals`.
package struct Item: Hashable, Comparable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, Comparable, CaseIterable {
        case volume
        case files
        case database

        /// `a volume`
        package var words: String {
            switch self {
            case .volume: "a volume"
            case .files: "a folder"
            case .database: "a database"
            }
        }

        package static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
    }

    package let kind: Kind
    package let name: String

    package init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    /// Reads `KIND.NAME`; nil for an unknown kind or a name that could not be a file's.
    package init?(_ text: String) {
        guard let dot = text.firstIndex(of: "."), let kind = Kind(rawValue: String(text[..<dot])) else { return nil }
        let name = String(text[text.index(after: dot)...])
        guard Self.isName(name) else { return nil }
        self.init(kind, name)
    }

    package var description: String { "\(kind.rawValue).\(name)" }

    package static func < (left: Item, right: Item) -> Bool { (left.kind, left.name) < (right.kind, right.name) }

    /// Docker's rule for volume names, which is ours for all items: `[A-Za-z0-9][A-Za-z0-9_.-]*`, at most 222 bytes, so that
    /// the names of its files have room for what comes around it.
    package static func isName(_ text: String) -> Bool {
        text.utf8.count <= 222 && text.utf8.first.map(isAlphanumeric) == true && text.utf8.allSatisfy(isNameByte)
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-")].contains(byte)
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }
}

extension Item: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let item = Item(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no name of an item")
        }
        self = item
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// How the backup of one item ended; see `docs/formats/restore-point.md`.
package enum ItemOutcome: String, Codable, Sendable {
    case whole
    case torn
    case failed
}

/// How a whole run ended.
package enum PointOutcome: String, Codable, Sendable {
    case complete
    case incomplete
}
