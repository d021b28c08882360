package import Machine

extension PostgresServer {
    /// Dumps in `pg_dump`'s custom format, not compressed, and counts the rows of every `COPY` as the bytes pass.
    package func dump<Result: Sendable>(
        _ database: String, _ body: @escaping @Sendable (any ByteSource & Sendable) async throws -> Result
    ) async throws -> (Result, DatabaseFacts) {
        try await dump(database, ["--format=custom", "--compress=0"], counting: DumpReader.self, body)
    }

    /// Dumps as the SQL script that `pg_dump` writes by itself, and counts its rows as ``dump(_:_:)`` does.
    package func script<Result: Sendable>(
        of database: String, _ body: @escaping @Sendable (any ByteSource & Sendable) async throws -> Result
    ) async throws -> (Result, DatabaseFacts) {
        try await dump(database, ["--format=plain"], counting: ScriptReader.self, body)
    }

    /// A session of ours holds the snapshot that `pg_dump` reads from, so that the catalogs' list of tables, their locks
    /// and the rows are of one moment, and what the dump lacks is noticed.
    private func dump<Counter: DumpCounter, Result: Sendable>(
        _ database: String, _ format: [String], counting: Counter.Type,
        _ body: @escaping @Sendable (any ByteSource & Sendable) async throws -> Result
    ) async throws -> (Result, DatabaseFacts) {
        let (server, _) = try await server()
        let tools = try await tools(for: server)
        guard server.databases.contains(where: { $0.name == database }) else {
            throw DatabaseError(
                .noSuchDatabase, "There is no database “\(RawPath(database))” on the server.", place: place.description,
                remedy:
                    "There are: \(server.databases.map { RawPath($0.name).description }.sorted().joined(separator: ", ")). See backup.databases in holdfast.yml."
            )
        }
        return try await withSnapshot(of: database) { snapshot in
            let arguments =
                format + [
                    "--no-password", "--snapshot=\(snapshot.snapshot ?? "")",
                    "--lock-wait-timeout=\(Int(lockTimeout * 1000))",
                ]
            let place = place
            let name = "holdfast \(UInt64.random(in: 0 ... .max))"
            return try await endingSessions(named: name) {
                try await place.run(
                    "pg_dump", arguments, in: tools.folder, environment: environment(database, as: name),
                    judge: { end in
                        if !end.succeeded { throw DatabaseError("pg_dump", end, .dumpFailed, database, place) }
                    }
                ) { running in
                    running.output.giveUp(afterSilenceOf: max(Self.silence, 2 * lockTimeout))
                    let counted = CountedSource<Counter>(running.output)
                    let result = try await body(counted)
                    let found = try counted.found()
                    try snapshot.requireAll(of: found, place: "\(place.description), database \(RawPath(database))")
                    let rows = Dictionary(found.tables.map { ($0.name, $0.rows) }) { one, _ in one }
                    return (result, snapshot.facts(rows: rows, database: database, dumpedBy: tools.version))
                }
            }
        }
    }

    /// Sends sessions away when `body` throws: a program in a container cannot be stopped otherwise, and would keep its
    /// locks.
    private func endingSessions<Result: Sendable>(
        named name: String, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch {
            guard container != nil else { throw error }
            await Task {
                guard let (_, asked) = try? await server() else { return }
                _ = try? await run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = \(literal(name));\n",
                    in: asked)
            }.value
            throw error
        }
    }

    /// For how many seconds `pg_dump` may say nothing at all.
    private static let silence = 1800.0

    /// Exports a snapshot, locks every table as `pg_dump` will, and keeps both while `body` runs.
    private func withSnapshot<Result: Sendable>(
        of database: String, _ body: @escaping @Sendable (SnapshotFacts) async throws -> Result
    ) async throws -> Result {
        let end = "holdfast-\(UInt64.random(in: 0 ... .max))"
        return try await psql(database) { running in
            @Sendable func ask(_ sql: String) async throws -> [UInt8] {
                try await onThread("snapshot") { _ in
                    // A query's answer is flushed at once, unlike what \echo says.
                    try running.input.write("\(sql)\nSELECT '\(end)';\n")
                    return try running.output.read(to: "\n\(end)\n")
                }
            }
            let begin =
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = \(Int(lockTimeout * 1000));\n"
            let answer = try await ask(Self.head + begin + SnapshotFacts.snapshotQuery)
            let facts = try JSON.read(SnapshotFacts.self, answer, place: place.description)
            // pg_dump does the same, but only here an error has a code.
            for tables in facts.tables.chunked(500) {
                let names = tables.map { "ONLY \(quoted($0.schema)).\(quoted($0.name))" }.joined(separator: ", ")
                _ = try await ask("LOCK TABLE \(names) IN ACCESS SHARE MODE;")
            }
            return try await body(facts)
        }
    }
}

extension SnapshotFacts {
    /// - Throws: ``DatabaseError`` `dumpIncomplete` if the dump lacks a table that the snapshot has.
    fileprivate func requireAll(of found: CountedContents, place: String) throws {
        let saved = Set(found.tables.map(\.name))
        let missing = tables.filter { !saved.contains($0) }
        guard missing.isEmpty else {
            let names = missing.prefix(5).map(\.description).joined(separator: ", ")
            throw DatabaseError(
                .dumpIncomplete,
                "The dump ended well, but lacks the rows of \(missing.count) of \(tables.count) tables: \(names)\(missing.count > 5 ? ", …" : "").",
                place: place, remedy: "See whether `pg_dump` is the real one: type -a pg_dump")
        }
        guard let counted = found.largeObjects, counted != largeObjects else { return }
        throw DatabaseError(
            .dumpIncomplete, "The dump ended well, but has \(counted) large objects of \(largeObjects).", place: place)
    }
}

extension ByteSource {
    /// Reads up to `end`, which has to be the last that comes before an answer is waited for.
    fileprivate func read(to end: String) throws -> [UInt8] {
        let end = Array(end.utf8)
        // The end mark of an answer that is empty follows no newline.
        var bytes = [UInt8(ascii: "\n")]
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while !bytes.ends(with: end) {
            let count = try read(into: buffer)
            guard count > 0, bytes.count < 512 << 20 else {
                throw DatabaseError(.connectionLost, "psql ended before it had answered.")
            }
            bytes += buffer[..<count]
        }
        return Array(bytes.dropLast(end.count))
    }
}

extension Array {
    fileprivate func chunked(_ size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}

extension [UInt8] {
    fileprivate func ends(with suffix: [UInt8]) -> Bool {
        count >= suffix.count && self.suffix(suffix.count).elementsEqual(suffix)
    }
}
