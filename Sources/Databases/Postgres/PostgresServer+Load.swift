package import Machine

extension PostgresServer {
    package func load(
        _ staged: String, like saved: DatabaseFacts?, for live: String,
        _ body: @escaping @Sendable (any ByteSink & Sendable) async throws -> Void
    ) async throws -> DatabaseFacts {
        try await create(staged, like: saved?.postgres, for: live)
        let (server, _) = try await server()
        let tools = try await tools(for: server)
        let there = try await tablespaces()
        let lost = (saved?.postgres?.tablespaces ?? []).filter { !there.contains($0) }
        let arguments =
            ["--exit-on-error", "--no-password", "--dbname=\(staged)"]
            + (Self.fitsOneTransaction(saved) ? ["--single-transaction"] : [])
            + (lost.isEmpty ? [] : ["--no-tablespaces"])
        let place = place
        try await place.run(
            "pg_restore", arguments, in: tools.folder, environment: writing(staged),
            dropsOutput: true,
            judge: { end in
                if !end.succeeded { throw DatabaseError("pg_restore", end, .restoreFailed, live, place) }
            }
        ) { running in try await body(running.input) }
        return try await settle(staged, like: saved, live)
    }

    /// Makes `staged` from an SQL script that went through a ``ScriptReader``: at the first error nothing of it stays.
    package func load(
        script staged: String, for live: String,
        _ body: @escaping @Sendable (any ByteSink & Sendable) async throws -> Void
    ) async throws -> DatabaseFacts {
        try await create(staged, like: nil, for: live)
        let place = place
        let lock = try await metaCommandLock(staged)
        try await place.run(
            "psql",
            [
                "--no-psqlrc", "--no-password", "--quiet", "--output=/dev/null", "--single-transaction",
                "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose",
            ], in: place.psqlFolder, environment: writing(staged),
            dropsOutput: true,
            judge: { end in if !end.succeeded { throw DatabaseError(psql: end, live, place) } }
        ) { running in
            try await onThread("psql") { _ in try running.input.write(lock) }
            try await body(running.input)
        }
        return try await settle(staged, like: nil, live)
    }

    /// What makes `psql` itself refuse its own commands from then on, where it is new enough to know that.
    private func metaCommandLock(_ database: String) async throws -> String {
        let key = (0..<2).map { _ in String(UInt64.random(in: 0 ... .max), radix: 36) }.joined()
        do {
            _ = try await run("\\restrict \(key)\n\\unrestrict \(key)\n", in: database)
            return "\\restrict \(key)\n"
        } catch let error as DatabaseError where error.kind == .statementFailed {
            return ""
        }
    }

    /// Every table and large object takes a lock until the transaction ends, of which a server has 6,400 by default. Beyond
    /// that the new database alone is what makes it all or nothing.
    private static func fitsOneTransaction(_ saved: DatabaseFacts?) -> Bool {
        guard let saved else { return true }
        let others = saved.postgres.map { $0.others.count + Int($0.largeObjects) } ?? 0
        return 2 * saved.tables.count + others < 5_000
    }

    /// What the database's own settings have to say goes for others, and would keep us out.
    private func writing(_ staged: String) -> [String: Redacted] {
        environment(staged, as: Self.session(about: staged)).merging([
            "PGOPTIONS": Redacted("-c default_transaction_read_only=off")
        ]) { $1 }
    }

    /// Counts what was loaded and holds it against what was saved; leaves statistics for the planner.
    private func settle(_ staged: String, like saved: DatabaseFacts?, _ live: String) async throws -> DatabaseFacts {
        let found = try await facts(of: staged)
        if let saved { try found.require(saved, at: "\(place.description), database \(RawPath(live))") }
        _ = try await run("ANALYZE;\n", in: staged)
        return found
    }

    private func tablespaces() async throws -> Set<String> {
        let (_, asked) = try await server()
        return Set(
            try await ask(
                [String].self, "SELECT coalesce(json_agg(spcname), '[]') FROM pg_tablespace;\n", in: asked))
    }

    // MARK: - An empty database

    /// Makes an empty database with the encoding, the locale, the owner, the settings and the grants that it had; or, if
    /// nothing is known, with those of `live`.
    private func create(_ staged: String, like saved: PostgresFacts?, for live: String) async throws {
        let (server, asked) = try await server()
        guard server.createdb else {
            throw DatabaseError(
                .permission, "The user \(user) may not create databases.", place: place.description,
                remedy: "Use a superuser in backup.databases, or: ALTER ROLE \(quoted(user)) CREATEDB")
        }
        var likeness = saved
        if likeness == nil, server.databases.contains(where: { $0.name == live && $0.open }) {
            likeness = try await ask(SnapshotFacts.self, SnapshotFacts.query, in: live).facts(
                rows: [:], database: live, dumpedBy: ""
            ).postgres
        }
        try await requirePrerequisites(likeness)
        _ = try await run(
            "CREATE DATABASE \(quoted(staged)) TEMPLATE template0\(likeness?.options(server.number) ?? "");\n"
                + (likeness?.properties(of: staged) ?? ""), in: asked,
            as: Self.session(about: staged))
    }

    /// - Throws: ``DatabaseError`` `prerequisites` naming roles and extensions that the server lacks.
    package func requirePrerequisites(_ facts: PostgresFacts?) async throws {
        guard let facts else { return }
        let (_, asked) = try await server()
        let there = try await ask(
            Prerequisites.self,
            """
            SELECT json_build_object('roles', (SELECT json_agg(rolname) FROM pg_roles),
              'extensions', (SELECT coalesce(json_agg(name), '[]') FROM pg_available_extensions));

            """, in: asked)
        let roles = facts.roles.filter { !there.roles.contains($0) }
        let extensions = facts.extensions.keys.sorted().filter { !there.extensions.contains($0) }
        guard !roles.isEmpty || !extensions.isEmpty else { return }
        var missing: [String] = []
        if !roles.isEmpty { missing.append("the roles \(roles.joined(separator: ", "))") }
        if !extensions.isEmpty { missing.append("the extensions \(extensions.joined(separator: ", "))") }
        throw DatabaseError(
            .prerequisites, "The server lacks what the database needs: \(missing.joined(separator: " and ")).",
            place: place.description,
            remedy: roles.isEmpty
                ? "Install the packages of these extensions where the server runs."
                : "Take the roles out of the backup as well: --globals, which shows what it changes.")
    }

    private struct Prerequisites: Decodable, Sendable {
        let roles: [String]
        let extensions: [String]
    }
}

extension PostgresFacts {
    /// The options of `CREATE DATABASE` on a server of this version.
    func options(_ server: Int) -> String {
        var text = " ENCODING \(literal(encoding)) OWNER \(quoted(owner))"
        text += " LC_COLLATE \(literal(collate)) LC_CTYPE \(literal(ctype))"
        guard server >= 150_000 else { return text }
        switch provider {
        case "i":
            text += " LOCALE_PROVIDER icu ICU_LOCALE \(literal(locale ?? ""))"
            if let icuRules, server >= 160_000 { text += " ICU_RULES \(literal(icuRules))" }
        case "b" where server >= 170_000: text += " LOCALE_PROVIDER builtin BUILTIN_LOCALE \(literal(locale ?? ""))"
        default: text += " LOCALE_PROVIDER libc"
        }
        return text
    }

    /// What belongs to the database itself and is in no dump of its contents.
    func properties(of name: String) -> String {
        let name = quoted(name)
        var lines: [String] = []
        if connectionLimit >= 0 { lines.append("ALTER DATABASE \(name) CONNECTION LIMIT \(connectionLimit);") }
        for setting in settings {
            for pair in setting.values {
                guard let equals = pair.firstIndex(of: "=") else { continue }
                let variable = String(pair[..<equals])
                let value = Self.value(String(pair[pair.index(after: equals)...]), of: variable)
                let whose = setting.role.map { "ROLE \(quoted($0)) IN DATABASE \(name)" } ?? "DATABASE \(name)"
                lines.append("ALTER \(whose) SET \(quoted(variable)) TO \(value);")
            }
        }
        if let grants {
            lines.append("REVOKE ALL ON DATABASE \(name) FROM PUBLIC, \(quoted(owner));")
            for grant in grants {
                lines.append(
                    "GRANT \(grant.privilege) ON DATABASE \(name) TO \(grant.grantee.map(quoted) ?? "PUBLIC")\(grant.grantable ? " WITH GRANT OPTION" : "");"
                )
            }
        }
        if let comment { lines.append("COMMENT ON DATABASE \(name) IS \(literal(comment));") }
        return lines.map { $0 + "\n" }.joined()
    }

    /// Variables that are lists hold them as identifiers (variable_is_guc_list_quote in pg_dump's dumputils.c).
    private static func value(_ value: String, of variable: String) -> String {
        let lists = [
            "local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries",
            "temp_tablespaces", "unix_socket_directories",
        ]
        guard lists.contains(variable.lowercased()) else { return literal(value) }
        return elements(of: value).map(literal).joined(separator: ", ")
    }

    /// Takes `a, "b ""c""", ""` apart; an empty list has one element, which is empty.
    private static func elements(of list: String) -> [String] {
        var elements = [""]
        var isQuoted = false
        var wasQuoted = false
        for scalar in list.unicodeScalars {
            switch scalar {
            case "\"":
                if wasQuoted { elements[elements.count - 1].unicodeScalars.append(scalar) }
                (isQuoted, wasQuoted) = (!isQuoted, isQuoted)
            case "," where !isQuoted:
                elements.append("")
                wasQuoted = false
            case " " where !isQuoted: wasQuoted = false
            default:
                elements[elements.count - 1].unicodeScalars.append(scalar)
                wasQuoted = false
            }
        }
        return elements
    }
}
