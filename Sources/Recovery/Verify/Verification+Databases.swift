internal import Archives
internal import Databases
internal import Machine
internal import OpenPGP
internal import RestorePoints

/// A dump of a point, looked into with the private key: held against what the private facts say of it, in one read.
struct DumpVerification: Sendable {
    let record: Manifest.ItemRecord
    let sealed: SealedArchive
    /// What the private facts say; nil for a server's globals.
    let facts: DatabaseFacts?

    /// - Returns: what was found, in words, and what PostgreSQL's own `pg_restore --list` says of it.
    /// - Throws: when it is not what it should be.
    func run(meter: Meter) async throws -> (text: String, list: PointCheck.Verdict?) {
        if DatabaseItems.isGlobals(record.item) { return (try await globals(meter), nil) }
        guard let facts else {
            throw RestorePointError("no-database-facts", "The private facts do not say what \(record.item) held.")
        }
        return facts.postgres == nil ? (try await file(facts, meter), nil) : try await dump(facts, meter)
    }

    private func globals(_ meter: Meter) async throws -> String {
        let script = try await plain(meter) { try $0.readAll(limit: 64 << 20) }
        let count = try PostgresGlobals(script: script).statements.count
        guard Int64(count) == record.entries else {
            throw RestorePointError("count", "It holds \(count) statements, the manifest says \(record.entries).")
        }
        return "\(counted(count, "statement")) about roles and tablespaces"
    }

    private func file(_ facts: DatabaseFacts, _ meter: Meter) async throws -> String {
        let digest = try await plain(meter) { source in
            let hasher = Hasher256()
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
            defer { buffer.deallocate() }
            while case let count = try source.read(into: buffer), count > 0 {
                hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            return hasher.finish().description
        }
        guard digest == facts.digest else {
            throw RestorePointError(
                "content", "It is not the database file that was checked and counted when it was saved.")
        }
        return "the file as it was checked then: \(counted(facts.tables.count, "table")), \(counted(facts.rows, "row"))"
    }

    private func dump(_ facts: DatabaseFacts, _ meter: Meter) async throws -> (String, PointCheck.Verdict?) {
        let lister = await lister(facts)
        let summary: DumpSummary
        var verdict: PointCheck.Verdict
        switch lister {
        case .success(let restore):
            var entries: Int?
            (summary, entries) = try await restore.list { input in
                try await plain(meter) { try Self.read($0, beside: input) }
            }
            verdict =
                entries == summary.entries
                ? .passed("pg_restore --list agrees: \(summary.entries) entries")
                : .failed(
                    RestorePointError(
                        "list",
                        "pg_restore --list finds \(entries.map { "\($0)" } ?? "no") entries of \(summary.entries)."))
        case .failure(let reason):
            summary = try await plain(meter) { try Self.read($0, beside: nil) }
            verdict = .notChecked(reason.what)
        }
        try compare(summary, facts)
        return ("\(counted(summary.tables.count, "table")), \(counted(facts.rows, "row")) counted again", verdict)
    }

    private static func read(_ source: any ByteSource, beside input: (any ByteSink)?) throws -> DumpSummary {
        let counted = CountedDump(source)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        while case let count = try counted.read(into: buffer), count > 0 {
            try input?.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        return try counted.summary()
    }

    private func compare(_ summary: DumpSummary, _ facts: DatabaseFacts) throws {
        let rows = Dictionary(summary.tables.map { ($0.name, $0.rows) }) { one, _ in one }
        for table in facts.tables where rows[table.table] != table.rows {
            throw RestorePointError(
                "rows",
                "\(table.table) has \(rows[table.table].map { "\($0)" } ?? "no") rows in the dump, and had \(table.rows.map { "\($0)" } ?? "?") when it was saved."
            )
        }
    }

    private func plain<Result: Sendable>(
        _ meter: Meter, _ body: @escaping @Sendable (any ByteSource) throws -> Result
    ) async throws -> Result {
        try await sealed.open(meter: meter) { source, _ in try CompressedStream.withPlain(source, body) }
    }

    private func lister(_ facts: DatabaseFacts) async -> Result<PostgresLister, DatabaseError> {
        do {
            return .success(try await PostgresLister(reading: facts.postgres?.dumpedBy ?? ""))
        } catch {
            return .failure(
                error as? DatabaseError
                    ?? DatabaseError(.noTools, "pg_restore could not be asked: \(explain(error).what)"))
        }
    }
}
