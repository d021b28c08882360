internal import RestorePoints
internal import Settings

/// How the databases of an entry are called as items: `n8n` where the entry names one, else `postgres.n8n`; and
/// `….globals` for what belongs to the server.
enum DatabaseItems {
    static let globals = "globals"

    /// The item of one database.
    static func item(_ database: String, of entry: Settings.Database) -> Item {
        hasOne(entry) ? Item(.database, entry.name) : Item(.database, "\(entry.name).\(encoded(database))")
    }

    /// The item of the server's roles and tablespaces.
    static func globals(of entry: String) -> Item { Item(.database, "\(entry).\(globals)") }

    /// The name of the entry that an item is of.
    static func entry(of item: Item) -> String { String(item.name.prefix { $0 != "." }) }

    static func isGlobals(_ item: Item) -> Bool { item.name.hasSuffix("." + globals) }

    /// Whether the entry stands for a single database, whatever the server holds.
    static func hasOne(_ entry: Settings.Database) -> Bool {
        switch entry.engine {
        case .sqlite: true
        case .postgres(let settings): if case .some(let names) = settings.databases { names.count == 1 } else { false }
        }
    }

    /// Any name as part of a file's: bytes other than letters, digits, `_` and `-` as `.` and two hexadecimal digits, and
    /// so the first letter of what would be taken for the globals.
    static func encoded(_ name: String) -> String {
        var text = ""
        for (index, byte) in name.utf8.enumerated() {
            let isPlain =
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
            if isPlain, !(index == 0 && name == globals) {
                text.unicodeScalars.append(UnicodeScalar(byte))
            } else {
                text += "." + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
        }
        return text
    }
}
