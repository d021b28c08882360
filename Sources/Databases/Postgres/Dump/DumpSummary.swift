/// What a dump in pg_dump's custom format holds, found out while its bytes passed.
package struct DumpSummary: Codable, Sendable, Equatable {
    /// A table and what came of it.
    package struct Table: Codable, Sendable, Equatable {
        package var name: TableName
        package var rows: Int64
        /// Of its COPY data, without the line that ends it.
        package var bytes: Int64

        package init(name: TableName, rows: Int64, bytes: Int64) {
            self.name = name
            self.rows = rows
            self.bytes = bytes
        }
    }

    /// The database that was dumped.
    package var database: String
    /// When, as `YYYY-MM-DDThh:mm:ss`, by the clock and in the time zone of the machine that dumped it.
    package var made: String
    /// Of the server: `15.8 (Debian 15.8-1.pgdg120+1)`.
    package var serverVersion: String
    /// Of pg_dump, written alike.
    package var dumpVersion: String
    /// How many entries the table of contents has.
    package var entries: Int
    /// One for each block of table data, in the order of the dump.
    package var tables: [Table]
    package var largeObjects: Int
    /// Of the whole dump.
    package var bytes: Int64
    /// The owners that the table of contents names, each once, sorted.
    package var owners: [String]
    /// The tablespaces that it names, each once, sorted; without the default one.
    package var tablespaces: [String]
    /// The tables whose data the table of contents promises, in its order.
    package var announced: [TableName]

    package init(
        database: String, made: String, serverVersion: String, dumpVersion: String, entries: Int, tables: [Table],
        largeObjects: Int, bytes: Int64, owners: [String], tablespaces: [String], announced: [TableName]
    ) {
        self.database = database
        self.made = made
        self.serverVersion = serverVersion
        self.dumpVersion = dumpVersion
        self.entries = entries
        self.tables = tables
        self.largeObjects = largeObjects
        self.bytes = bytes
        self.owners = owners
        self.tablespaces = tablespaces
        self.announced = announced
    }

    /// Of all tables.
    package var rows: Int64 { tables.reduce(0) { $0 + $1.rows } }
}

/// A table's name with its schema.
package struct TableName: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Empty if it is not known.
    package var schema: String
    package var name: String

    package init(schema: String, name: String) {
        self.schema = schema
        self.name = name
    }

    /// Byte for byte, as servers tell names apart: to Swift, two spellings of `é` are the same text.
    package static func == (left: TableName, right: TableName) -> Bool {
        left.schema.utf8.elementsEqual(right.schema.utf8) && left.name.utf8.elementsEqual(right.name.utf8)
    }

    package static func < (left: TableName, right: TableName) -> Bool {
        left.schema.utf8.elementsEqual(right.schema.utf8)
            ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
            : left.schema.utf8.lexicographicallyPrecedes(right.schema.utf8)
    }

    /// For people, quoted where letters alone would not do: `public.users`, `"My Schema"."Ünï"`. Keywords are not.
    package var description: String {
        (schema.isEmpty ? "" : Self.quoted(schema) + ".") + Self.quoted(name)
    }

    private static func quoted(_ name: String) -> String {
        let isPlain =
            name.utf8.first.map { $0 == 0x5f || (0x61...0x7a).contains($0) } == true
            && name.utf8.allSatisfy { $0 == 0x5f || (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) }
        if isPlain { return name }
        var text = "\""
        for character in name.unicodeScalars {
            if character == "\"" { text += "\"" }
            text.unicodeScalars.append(character)
        }
        return text + "\""
    }
}
