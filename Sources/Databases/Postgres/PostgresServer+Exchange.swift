import Machine

extension PostgresServer {
    /// Sessions about a staged database carry its name.
    static func session(about staged: String) -> String { "holdfast \(staged)" }

    package func endOrphans(of staged: String) async throws {
        let (_, asked) = try await server(besides: staged)
        let name = literal(Self.session(about: staged))
        for _ in 0..<Self.disconnections {
            let left = try await run(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = \(name);\n",
                in: asked)
            if left.hasPrefix("0") { return }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    package func drop(_ database: String) async throws {
        try await endOrphans(of: database)
        let (server, asked) = try await server(besides: database)
        guard server.databases.contains(where: { $0.name == database }) else { return }
        _ = try await run(
            """
            ALTER DATABASE \(quoted(database)) ALLOW_CONNECTIONS false;
            \(Self.disconnect([database]))
            DROP DATABASE IF EXISTS \(quoted(database));

            """, in: asked)
    }

    /// Both names change in one transaction. `ALTER DATABASE … RENAME` locks the database against new sessions and waits
    /// some seconds for the present ones to go, while a second session of ours sends them away (PostgreSQL,
    /// src/backend/commands/dbcommands.c, RenameDatabase).
    package func exchange(_ live: String, with staged: String, keeping former: String?) async throws {
        let (_, asked) = try await server(besides: live)
        var sql = "BEGIN; SET LOCAL lock_timeout = \(Int(lockTimeout * 1000));\n"
        if let former {
            sql += "ALTER DATABASE \(quoted(live)) RENAME TO \(quoted(former));\n"
            sql += "ALTER DATABASE \(quoted(former)) ALLOW_CONNECTIONS false;\n"
        }
        sql += "ALTER DATABASE \(quoted(staged)) RENAME TO \(quoted(live));\n"
        sql += "ALTER DATABASE \(quoted(live)) ALLOW_CONNECTIONS true;\nCOMMIT;\n"
        let over = StopSignal()
        async let alone: Void = sendAway(former == nil ? [staged] : [live, staged], asked, until: over)
        let result: Result<String, any Error>
        do { result = .success(try await run(sql, in: asked, as: Self.session(about: staged))) } catch {
            result = .failure(error)
        }
        over.stop()
        await alone
        _ = try result.get()
    }

    /// Ends the sessions of others, again and again. The last time is waited for: where it came late, it would meet those
    /// who are in the new database already.
    private func sendAway(_ databases: [String], _ asked: String, until over: StopSignal) async {
        for _ in 0..<Self.disconnections {
            guard (try? over.check()) != nil, !Task.isCancelled else { return }
            _ = try? await run(Self.disconnect(databases), in: asked)
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    package func identities(of names: [String]) async throws -> [String: String] {
        let (_, asked) = try await server()
        let list = names.map(literal).joined(separator: ", ")
        return try await ask(
            [String: String].self,
            "SELECT coalesce(json_object_agg(datname, oid::text), '{}') FROM pg_database WHERE datname IN (\(list));\n",
            in: asked)
    }

    /// A database to give orders from, which cannot be the one that they are about.
    private func server(besides database: String) async throws -> (ServerFacts, String) {
        let found = try await server()
        guard found.asked == database else { return found }
        for other in ["postgres", "template1"] where other != database {
            if let facts = try? await ask(ServerFacts.self, ServerFacts.query, in: other) { return (facts, other) }
        }
        throw DatabaseError(
            .unreachable, "No database but \(RawPath(database)) itself lets us in.", place: place.description,
            remedy: "The user \(user) needs to be let into the database postgres.")
    }

    private static func disconnect(_ databases: [String]) -> String {
        let list = databases.map(literal).joined(separator: ", ")
        return
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (\(list)) AND pid <> pg_backend_pid();\n"
    }

    /// The server itself waits 5 s for the others to go; each of ours takes a moment.
    private static let disconnections = 60
}
