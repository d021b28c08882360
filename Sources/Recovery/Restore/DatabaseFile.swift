internal import Archives
internal import Databases
internal import Machine
internal import OpenPGP

/// A dump that a person named: one of ours by itself, or an SQL script, encrypted and compressed or not.
struct DatabaseFile: Sendable {
    let file: ArchiveFile
    let key: DecryptionKey

    /// Loads it; what it says itself of its rows is compared.
    ///
    /// - Parameter section: the database that is wanted of a script that holds several.
    /// - Returns: what was loaded, and what a person should know of it.
    func load(
        _ staged: String, _ engine: any DatabaseEngine, section: String, for live: String, meter: Meter
    ) async throws -> (DatabaseFacts, [String]) {
        guard let server = engine as? PostgresServer else {
            let found = try await engine.load(staged, like: nil, for: live) { sink in
                try await open(meter) { source, stop in try source.copy(to: sink, stop: stop) }
            }
            return (found, ["nothing but SQLite itself says whether it is whole: it was checked, and its rows counted"])
        }
        // The kind is in the first bytes, and what reads it has to be started before: it is opened twice, the first time
        // for a moment.
        if try await isCustomDump() { return try await load(dump: staged, server, for: live, meter) }
        return try await load(script: staged, server, section: section, for: live, meter)
    }

    private func load(
        dump staged: String, _ server: PostgresServer, for live: String, _ meter: Meter
    ) async throws -> (DatabaseFacts, [String]) {
        do {
            return try await load(counted: staged, server, for: live, meter)
        } catch let error as DumpError where error.code == "dump.compressed" {
            try await server.drop(staged)
            let found = try await server.load(staged, like: nil, for: live) { sink in
                try await open(meter) { source, stop in try source.copy(to: sink, stop: stop) }
            }
            return (
                found, ["pg_dump compressed it itself: its rows could not be compared; pg_restore found nothing wrong"]
            )
        }
    }

    private func load(
        counted staged: String, _ server: PostgresServer, for live: String, _ meter: Meter
    ) async throws -> (DatabaseFacts, [String]) {
        let counted = Kept<DumpSummary>()
        let found = try await server.load(staged, like: nil, for: live) { sink in
            try await open(meter) { source, stop in
                let dump = CountedDump(source)
                try dump.copy(to: sink, stop: stop)
                counted.keep(try dump.summary())
            }
        }
        try compare(found, with: counted.value?.tables ?? [], live)
        return (found, ["its rows were compared with what the dump itself holds; nobody signed for it"])
    }

    private func load(
        script staged: String, _ server: PostgresServer, section: String, for live: String, _ meter: Meter
    ) async throws -> (DatabaseFacts, [String]) {
        let counted = Kept<ScriptSummary>()
        let found = try await server.load(script: staged, for: live) { sink in
            try await open(meter) { source, stop in
                let script = ScriptReader(database: section, to: sink)
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: streamBufferSize, alignment: 4096)
                defer { buffer.deallocate() }
                while case let count = try source.read(into: buffer), count > 0 {
                    try stop.check()
                    try script.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                }
                counted.keep(try script.finish())
            }
        }
        let tables = counted.value?.tables ?? []
        try compare(found, with: tables, live)
        var notes = ["\(tables.count) tables were compared with the rows that the script holds; nobody signed for it"]
        if counted.value?.endsWell == false { notes.append("the script lacks pg_dump’s closing line: it may be cut") }
        return (found, notes)
    }

    /// What the file says it holds has to be there; tables of extensions, which belong to those, are not compared.
    private func compare(_ found: DatabaseFacts, with tables: [DumpSummary.Table], _ live: String) throws {
        let rows = Dictionary(found.tables.map { ($0.table, $0.rows) }) { one, _ in one }
        let wrong = tables.filter { rows[$0.name] != .some($0.rows) && rows[$0.name] != nil }
        guard let first = wrong.first else { return }
        throw DatabaseError(
            .mismatch,
            "\(first.name) has \(rows[first.name]?.map { "\($0)" } ?? "?") rows, but the file holds \(first.rows) of it\(wrong.count > 1 ? ", and \(wrong.count - 1) more tables differ" : "").",
            place: live, remedy: "Nothing live was changed.")
    }

    private func isCustomDump() async throws -> Bool {
        let start = Kept<[UInt8]>()
        do {
            try await open(Meter()) { source, _ in
                start.keep(try source.readStart(5))
                // Enough was seen: nothing is waited for.
                throw Interrupted()
            }
        } catch is Interrupted where start.value != nil && !Task.isCancelled {}
        return start.value == Array("PGDMP".utf8)
    }

    private func open(
        _ meter: Meter, _ consumer: @escaping @Sendable (any ByteSource, StopSignal) throws -> Void
    ) async throws {
        try await file.open(key, meter: meter) { source, stop in
            try CompressedStream.withPlain(source) { try consumer($0, stop) }
        }
    }
}

extension ByteSource {
    /// The first bytes, fewer only if there are no more.
    func readStart(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { buffer.deallocate() }
        while bytes.count < count {
            let found = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<(count - bytes.count)]))
            if found == 0 { break }
            bytes += buffer[..<found]
        }
        return bytes
    }
}
