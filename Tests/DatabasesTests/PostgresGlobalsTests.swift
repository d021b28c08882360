import Databases
import Machine
import TestKit
import Testing

/// Roles, memberships and tablespaces, as `pg_dumpall` of a real server writes them.
@Suite(.enabled(if: RealPostgres.isAvailable, Comment(rawValue: RealPostgres.howToGetOne)))
struct PostgresGlobalsTests {
    @Test func everyStatementIsFoundWhateverIsInItsNames() async throws {
        try await withPostgres { server in
            let names = [
                uniqueName("it's"), uniqueName("a \"b\" c"), uniqueName("two;\nlines"), uniqueName("back\\slash'"),
                uniqueName("x") + "\"\u{301}\"", uniqueName(" PASSWORD 'x' "), "-- " + uniqueName("--"),
                uniqueName("ÜñÏ 日本"),
            ]
            for name in names {
                try await withRole(server, name: name, "LOGIN PASSWORD 'secret'';x'") { _ in
                    let remark =
                        "first;\nCREATE ROLE nobody;\n-- PostgreSQL database cluster dump complete\n'quoted' \\ \"end"
                    try await server.psql(
                        """
                        COMMENT ON ROLE \(identifier(name)) IS \(quotedText(remark));
                        ALTER ROLE \(identifier(name)) SET search_path = "a;
                        b", public;
                        GRANT pg_monitor TO \(identifier(name)) WITH ADMIN OPTION;
                        """)
                    let globals = try await globals(server.engine())
                    let mine = globals.statements.filter { $0.contains(identifier(name)) }
                    #expect(
                        mine.map { $0.prefix { $0 != " " } } == ["CREATE", "ALTER", "COMMENT", "ALTER", "GRANT"],
                        "\(mine)")
                    #expect(mine.first == "CREATE ROLE \(identifier(name))")
                    #expect(!globals.statements.contains { $0.hasPrefix("CREATE ROLE nobody") })
                    let shown = globals.shown.joined(separator: "\n")
                    #expect(!shown.contains("SCRAM-SHA-256"))
                    #expect(mine.contains { $0.contains("SCRAM-SHA-256") })

                    // Gone and put back, they are what they were.
                    try await server.psql("DROP ROLE \(identifier(name))")
                    let live = try await self.globals(server.engine())
                    let missing = globals.missing(from: live).statements.filter { mine.contains($0) }
                    #expect(missing == mine)
                    try await server.engine().apply(try script(missing))
                    let again = try await self.globals(server.engine())
                    #expect(again.statements.filter { mine.contains($0) } == mine)
                }
            }
        }
    }

    @Test func onlyWhatIsMissingIsADifference() async throws {
        try await withPostgres { server in
            try await withRole(server) { role in
                let before = try await globals(server.engine())
                try await server.psql("ALTER ROLE \(quotedName(role)) CREATEDB CONNECTION LIMIT 3")
                let after = try await globals(server.engine())
                let news = after.missing(from: before).statements.filter { $0.contains(role) }
                #expect(news.count == 1)
                #expect(news.first?.contains(" CREATEDB ") == true)
                #expect(after.missing(from: after).statements == [])
            }
        }
    }

    @Test func whoeverIsNoSuperuserHasThemWithoutPasswords() async throws {
        try await withPostgres { server in
            try await withRole(server, "LOGIN PASSWORD 'secret'") { role in
                let globals = try await globals(server.engine(user: role))
                #expect(globals.statements.contains("CREATE ROLE \(quotedName(role))"))
                #expect(!globals.statements.contains { $0.contains(" PASSWORD '") })
                await expectRefusal(.permission) {
                    try await server.engine(user: role).apply(
                        try script(["CREATE ROLE \(quotedName(uniqueName("r")))"]))
                }
            }
        }
    }

    @Test func theyAreAppliedAllOrNone() async throws {
        try await withPostgres { server in
            let (one, other) = (uniqueName("one"), uniqueName("other"))
            let count = "SELECT count(*) FROM pg_roles WHERE rolname IN ('\(one)', '\(other)')"
            let create = ["CREATE ROLE \(quotedName(one))", "CREATE ROLE \(quotedName(other))"]
            let grants = ["GRANT \(quotedName(one)) TO \(quotedName(other)) GRANTED BY postgres"]
            try await afterwards {
                await expectRefusal(.statementFailed, saying: ["nobody at all"]) {
                    try await server.engine().apply(try script(create + ["ALTER ROLE \"nobody at all\" LOGIN"]))
                }
                #expect(try await server.psql(count) == "0")
                let space = "CREATE TABLESPACE nowhere OWNER postgres LOCATION '/nowhere'"
                try await server.engine().apply(try script(create + [space] + grants))
                #expect(try await server.psql(count) == "2")
            } always: {
                try await server.psql("DROP ROLE IF EXISTS \(quotedName(one)), \(quotedName(other))")
            }
        }
    }

    @Test func aScriptThatIsCutIsRefused() async throws {
        try await withPostgres { server in
            try await withRole(server, "LOGIN PASSWORD 'secret'") { role in
                try await server.psql("COMMENT ON ROLE \(quotedName(role)) IS 'a; remark'")
                let globals = try #require(try await server.engine().globals())
                let whole = try PostgresGlobals(script: globals.script)
                #expect(globals.statements == whole.statements.count)
                // Behind its last words there is nothing to be lost.
                let text = String(decoding: globals.script, as: UTF8.self)
                let end = try #require(text.ranges(of: "cluster dump complete").last)
                let length = text[..<end.upperBound].utf8.count
                for cut in stride(from: 0, to: length, by: 1 + length / 500) {
                    await expectRefusal(.dumpIncomplete) {
                        try PostgresGlobals(script: Array(globals.script.prefix(cut)))
                    }
                }
            }
        }
    }

    // MARK: - Parts

    private func globals(_ engine: PostgresEngine) async throws -> PostgresGlobals {
        let globals = try #require(try await engine.globals())
        return try PostgresGlobals(script: globals.script)
    }

    private func script(_ statements: [String]) throws -> PostgresGlobals {
        let text = statements.map { $0 + ";\n" }.joined() + "\n--\n-- PostgreSQL database cluster dump complete\n--\n\n"
        return try PostgresGlobals(script: Array(text.utf8))
    }
}
