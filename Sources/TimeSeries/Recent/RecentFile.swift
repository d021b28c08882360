/// `recent.sqlite`: the scrapes that are not yet in a day's file (`docs/formats/timeseries.md`).
final class RecentFile {
    static let name = "recent.sqlite"
    static let version: Int64 = 1
    /// "HFTS"
    static let applicationID: Int64 = 0x4846_5453

    private let file: SQLiteFile

    /// Opens it, and makes it when it is missing.
    init(_ path: String) throws {
        file = try SQLiteFile(
            path, creating: true,
            // Ours alone: so nothing has to be made beside it but the log, and reading works on a full disk.
            pragmas: [
                "locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=0",
                "cache_size=-1024", "temp_store=MEMORY",
            ])
        if try file.number("PRAGMA user_version") == 0 { try make() }
        guard try file.number("PRAGMA user_version") == Self.version,
            try file.number("PRAGMA application_id") == Self.applicationID
        else { throw TimeSeriesError.unknownVersion(path) }
    }

    private func make() throws {
        try file.transaction {
            try file.run(
                """
                CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), next_series INTEGER NOT NULL,
                    stored_until INTEGER NOT NULL);
                CREATE TABLE series (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
                CREATE TABLE batch (number INTEGER PRIMARY KEY, until INTEGER NOT NULL, data BLOB NOT NULL);
                PRAGMA application_id = \(Self.applicationID);
                PRAGMA user_version = \(Self.version);
                """)
        }
    }

    /// Adds one scrape, with the series that are new in it.
    ///
    /// - Throws: nothing was added then.
    func add(_ batch: [UInt8], until: Int64, series: [(id: UInt32, labels: Labels)]) throws {
        try file.transaction {
            if !series.isEmpty {
                let insert = try file.statement("INSERT OR REPLACE INTO series (id, data) VALUES (?, ?)")
                for series in series {
                    let row = SeriesRow(labels: series.labels, windows: 0)
                    try insert.each([.number(Int64(series.id)), .bytes(row.packed)])
                }
                try saveState(nextID: (series.map(\.id).max() ?? 0) + 1, storedUntil: nil)
            }
            let insert = try file.statement("INSERT INTO batch (until, data) VALUES (?, ?)")
            try insert.each([.number(until), .bytes(batch)])
        }
    }

    /// Lets go of all that is in the days' files now.
    func forget(before boundary: Int64, series gone: [UInt32]) throws {
        try file.transaction {
            try saveState(nextID: nil, storedUntil: boundary)
            try file.statement("DELETE FROM batch WHERE until < ?").each([.number(boundary)])
            let delete = try file.statement("DELETE FROM series WHERE id = ?")
            for id in gone { try delete.each([.number(Int64(id))]) }
        }
    }

    private func saveState(nextID: UInt32?, storedUntil: Int64?) throws {
        try file.statement("INSERT OR IGNORE INTO state VALUES (1, 1, ?)").each([.number(.min)])
        if let nextID {
            try file.statement("UPDATE state SET next_series = MAX(next_series, ?)").each([.number(Int64(nextID))])
        }
        if let storedUntil { try file.statement("UPDATE state SET stored_until = ?").each([.number(storedUntil)]) }
    }

    /// Makes all that was added survive a power cut, and the log empty.
    func checkpoint() throws { try file.run("PRAGMA wal_checkpoint(TRUNCATE)") }

    /// Fills `head` with what is here.
    ///
    /// - Returns: what could not be read, in words; empty if all could.
    func load(into head: inout Head) -> [String] {
        var damage: [String] = []
        do {
            try file.statement("SELECT next_series, stored_until FROM state").each { row in
                head.nextID = UInt32(clamping: row.number(0))
                head.storedUntil = row.number(1)
            }
        } catch { damage.append("\(error)") }
        var places: [UInt32: Int] = [:]
        damage += file.eachRow(of: "series", key: "id", "data") { id, bytes in
            guard let row = SeriesRow(bytes), let id = UInt32(exactly: id), id > 0, id < .max else { return false }
            places[id] = head.insert(row.labels, id: id)
            return true
        }
        head.nextID = max(head.nextID, (places.keys.max() ?? 0) + 1)
        damage += file.eachRow(of: "batch", key: "number", "data") { _, bytes in
            unpackBatch(bytes) { id, time, value in
                guard let place = places[id] else { return }
                _ = head.append(place, id: id, time, value)
            }
        }
        return damage
    }
}

extension SQLiteFile {
    /// Shows each row, in the order of `key`; where a page in the middle is torn, what stands on both sides of it.
    ///
    /// - Parameter body: says whether the row is whole.
    /// - Returns: what could not be read, in words.
    func eachRow(of table: String, key: String, _ column: String, _ body: (Int64, [UInt8]) -> Bool) -> [String] {
        var damage: [String] = []
        var broken = 0
        var last = Int64.min
        func show(_ row: SQLiteStatement) {
            if !body(row.number(0), row.bytes(1)) { broken += 1 }
        }
        do {
            try statement("SELECT \(key), \(column) FROM \(table) ORDER BY \(key)").each { row in
                last = row.number(0)
                show(row)
            }
        } catch {
            damage.append("\(error)")
            var rest: [(Int64, [UInt8])] = []
            try? statement("SELECT \(key), \(column) FROM \(table) WHERE \(key) > ? ORDER BY \(key) DESC")
                .each([.number(last)]) { rest.append(($0.number(0), $0.bytes(1))) }
            for row in rest.reversed() where !body(row.0, row.1) { broken += 1 }
        }
        if broken > 0 { damage.append("\(broken) rows of \(table) are damaged (\(path)).") }
        return damage
    }
}

extension TimeSeriesError {
    static func unknownVersion(_ path: String) -> TimeSeriesError {
        TimeSeriesError(
            .version, "This file was not written by this program, or by a later version of it.", path,
            remedy: "Run the version that wrote it, or move the file away.")
    }
}
