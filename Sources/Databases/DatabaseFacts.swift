/// What a database holds, as of the moment of its dump; kept in a point's private facts. `docs/formats/database.md`.
package struct DatabaseFacts: Codable, Sendable, Equatable {
    /// `postgres` or `sqlite`.
    package var engine: String
    /// The version of the server, or of the library.
    package var version: String
    package var database: String
    /// Bytes that it takes where it lives.
    package var size: Int64
    /// Every table of its own with its rows, sorted.
    package var tables: [TableRows]
    /// SHA-256 of the dump, where nothing in it can be counted as it passes.
    package var digest: String?
    package var postgres: PostgresFacts?
    package var sqlite: SQLiteFacts?

    package init(
        engine: String, version: String, database: String, size: Int64, tables: [TableRows],
        postgres: PostgresFacts? = nil, sqlite: SQLiteFacts? = nil
    ) {
        self.engine = engine
        self.version = version
        self.database = database
        self.size = size
        self.tables = tables.sorted { $0.table < $1.table }
        self.postgres = postgres
        self.sqlite = sqlite
    }

    package var rows: Int64 {
        tables.reduce(0) { sum, table in
            let (more, isTooMuch) = sum.addingReportingOverflow(max(0, table.rows ?? 0))
            return isTooMuch ? .max : more
        }
    }

    /// In what this differs from what was saved, a line each; empty if in nothing that counts.
    package func differences(from saved: DatabaseFacts) -> [String] {
        var lines: [String] = []
        let mine = Dictionary(tables.map { ($0.table, $0.rows) }) { one, _ in one }
        let theirs = Dictionary(saved.tables.map { ($0.table, $0.rows) }) { one, _ in one }
        for table in saved.tables {
            guard let rows = mine[table.table] else {
                lines.append("the table \(table.table) is missing")
                continue
            }
            if rows != table.rows {
                lines.append("\(table.table) has \(Self.count(rows)) rows, not \(Self.count(table.rows))")
            }
        }
        for table in tables where theirs[table.table] == nil {
            lines.append("\(table.table) is there, and was not saved")
        }
        if let postgres, let other = saved.postgres { lines += postgres.differences(from: other) }
        return lines
    }

    /// - Throws: ``DatabaseError`` `mismatch` if what was restored is not what was saved.
    func require(_ saved: DatabaseFacts, at place: String) throws {
        let differences = differences(from: saved)
        guard !differences.isEmpty else { return }
        let more = differences.count > 5 ? "; …" : ""
        throw DatabaseError(
            .mismatch,
            "What was restored is not what was saved: \(differences.prefix(5).joined(separator: "; "))\(more).",
            place: place, remedy: "Nothing live was changed. Restore from another point.")
    }

    private static func count(_ rows: Int64?) -> String { rows.map { "\($0)" } ?? "an unknown number of" }
}

/// A table and how many rows it has.
package struct TableRows: Codable, Sendable, Equatable {
    package var table: TableName
    /// Nil if they could not be counted.
    package var rows: Int64?

    package init(_ table: TableName, rows: Int64?) {
        self.table = table
        self.rows = rows
    }
}

/// What only PostgreSQL has.
package struct PostgresFacts: Codable, Sendable, Equatable {
    /// `server_version_num`: 150008.
    package var number: Int
    package var dumpedBy: String
    package var encoding: String
    package var collate: String
    package var ctype: String
    /// `c` (libc), `i` (ICU) or `b` (builtin).
    package var provider: String
    /// The locale of ICU or of the builtin provider.
    package var locale: String?
    package var icuRules: String?
    package var owner: String
    package var connectionLimit: Int
    /// By name, the version.
    package var extensions: [String: String]
    /// Everything with a name that is no table, as `kind schema.name`, sorted: views, sequences, partitioned tables, …
    package var others: [String]
    package var largeObjects: Int64
    /// Roles that own something in it or were granted something.
    package var roles: [String]
    /// Tablespaces that something of it lies in, beside the usual one.
    package var tablespaces: [String]
    package var settings: [Setting]
    package var grants: [Grant]?
    package var comment: String?

    /// `ALTER DATABASE … SET`, for all or for one role.
    package struct Setting: Codable, Sendable, Equatable {
        package var role: String?
        /// `name=value`
        package var values: [String]
    }

    /// `GRANT … ON DATABASE`; to everybody if no grantee is named.
    package struct Grant: Codable, Sendable, Equatable {
        package var grantee: String?
        package var privilege: String
        package var grantable: Bool
    }

    func differences(from saved: PostgresFacts) -> [String] {
        var lines: [String] = []
        let (mine, theirs) = (Set(others), Set(saved.others))
        lines += theirs.subtracting(mine).sorted().map { "the \($0) is missing" }
        lines += mine.subtracting(theirs).sorted().map { "the \($0) is there, and was not saved" }
        if largeObjects != saved.largeObjects {
            lines.append("there are \(largeObjects) large objects, not \(saved.largeObjects)")
        }
        let missing = saved.extensions.keys.filter { extensions[$0] == nil }.sorted()
        lines += missing.map { "the extension \($0) is missing" }
        if encoding != saved.encoding { lines.append("the encoding is \(encoding), not \(saved.encoding)") }
        return lines
    }
}
