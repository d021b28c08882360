import Machine

/// Roles, memberships and tablespaces: the statements of `pg_dumpall --globals-only`, one by one.
package struct PostgresGlobals: Sendable, Equatable {
    /// In the script's order, without comments and settings of the session.
    package let statements: [String]

    /// Takes a script apart.
    ///
    /// - Throws: ``DatabaseError`` `dumpIncomplete` if it is cut, or holds what no such script does.
    package init(script: [UInt8]) throws {
        statements = try Self.split(String(decoding: script, as: UTF8.self)).filter { statement in
            ["CREATE ", "ALTER ", "GRANT ", "COMMENT ", "SECURITY "].contains(where: statement.hasPrefix)
        }
    }

    private init(statements: [String]) { self.statements = statements }

    /// What is in this one and not in `live`.
    package func missing(from live: PostgresGlobals) -> PostgresGlobals {
        let there = Set(live.statements)
        return PostgresGlobals(statements: statements.filter { !there.contains($0) })
    }

    /// Tablespaces need folders on the server: they are named, never made by us.
    static func isAboutTablespaces(_ statement: String) -> Bool {
        statement.hasPrefix("CREATE TABLESPACE ") || statement.hasPrefix("ALTER TABLESPACE ")
    }

    /// For people: passwords are left out.
    package var shown: [String] { statements.map(Self.withoutPassword) }

    private static func withoutPassword(_ statement: String) -> String {
        // The last one: a role's name may hold these words as well.
        guard let found = statement.ranges(of: " PASSWORD '").last else { return RawPath(statement).description }
        let rest = statement[found.upperBound...]
        let after = rest.firstIndex(of: "'").map { rest[rest.index(after: $0)...] } ?? ""
        return RawPath("\(statement[..<found.lowerBound]) PASSWORD \(Redacted(""))\(after)").description
    }

    /// At every `;` that ends a line outside of quotes. psql's own commands and comments are lines of their own.
    ///
    /// By code points, as the server reads: a quote with a combining mark is another `Character`, and still a quote.
    private static func split(_ text: String) throws -> [String] {
        var statements: [String] = []
        var statement = String.UnicodeScalarView()
        var quote: Unicode.Scalar?
        var escapes = false
        var escaped = false
        var previous: Unicode.Scalar = "\n"
        var skipped = false
        var isWhole = false
        for scalar in text.unicodeScalars {
            defer { previous = scalar }
            if skipped {
                if scalar == "\n" {
                    isWhole = isWhole || String(statement) == end
                    (statement, skipped) = (String.UnicodeScalarView(), false)
                } else {
                    statement.append(scalar)
                }
            } else if let open = quote {
                statement.append(scalar)
                if escaped {
                    escaped = false
                } else if escapes, scalar == "\\" {
                    escaped = true
                } else if scalar == open {
                    quote = nil
                }
            } else {
                switch scalar {
                case "\n" where statement.isEmpty: break
                case "\n" where statement.last == ";":
                    statements.append(String(String.UnicodeScalarView(statement.dropLast())))
                    statement = String.UnicodeScalarView()
                default:
                    if scalar == "'" || scalar == "\"" {
                        quote = scalar
                        escapes = scalar == "'" && (previous == "E" || escapes && previous == "'")
                    }
                    skipped = scalar == "\\" && statement.isEmpty || scalar == "-" && statement.elementsEqual(["-"])
                    statement.append(scalar)
                }
            }
        }
        guard quote == nil, isWhole else {
            throw DatabaseError(.dumpIncomplete, "The script of roles and tablespaces has no end.")
        }
        return statements
    }

    static let end = "-- PostgreSQL database cluster dump complete"
}

extension PostgresServer {
    package func globals() async throws -> DatabaseGlobals? {
        let (server, asked) = try await server()
        let tools = try await tools(for: server)
        // It would take a name with `=` for a connection string; without one it tries postgres and template1.
        let database = asked.contains("=") || asked.contains("://") ? [] : ["--database=\(asked)"]
        let arguments =
            ["--globals-only", "--no-password"] + database + (server.superuser ? [] : ["--no-role-passwords"])
        let place = place
        let script = try await place.run(
            "pg_dumpall", arguments, in: tools.folder, environment: environment(asked),
            judge: { end in if !end.succeeded { throw DatabaseError("pg_dumpall", end, .dumpFailed, asked, place) } }
        ) { running in
            try running.input.end()
            return try await onThread("globals") { _ in try running.output.readAll(limit: Self.globalsLimit) }
        }
        return DatabaseGlobals(script: script, statements: try PostgresGlobals(script: script).statements.count)
    }

    /// Runs statements of a ``PostgresGlobals``, all or none; those about tablespaces are left out.
    package func apply(_ globals: PostgresGlobals) async throws {
        let (_, asked) = try await server()
        let statements = globals.statements.filter { !PostgresGlobals.isAboutTablespaces($0) }
        guard !statements.isEmpty else { return }
        _ = try await run("BEGIN;\n" + statements.map { "\($0);\n" }.joined() + "COMMIT;\n", in: asked)
    }

    private static let globalsLimit = 64 << 20
}
