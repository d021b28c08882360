import Docker
package import Machine
import Synchronization

/// A PostgreSQL server, spoken to through its own programs.
///
/// A password goes to them by the environment, never by an argument. They see no `.psqlrc`, ask nobody anything, and say
/// who they are (`application_name`).
package struct PostgresServer: DatabaseEngine {
    package let place: PostgresPlace
    package let user: String
    private let password: Redacted?
    /// Seconds to wait for a lock.
    let lockTimeout: Double
    /// Databases to begin with, where there may be none called `postgres`.
    private let first: [String]
    private let known = KnownTools()

    package init(_ place: PostgresPlace, user: String, password: Redacted?, lockTimeout: Double, known: [String]) {
        self.place = place
        self.user = user
        self.password = password
        self.lockTimeout = lockTimeout
        first = known
    }

    // MARK: - What is there

    package func survey() async throws -> DatabaseSurvey {
        let (facts, _) = try await server()
        _ = try await tools(for: facts)
        guard facts.major >= Self.oldest else {
            throw DatabaseError(
                .serverTooOld, "The server is version \(facts.version); from \(Self.oldest) on it is understood.",
                place: place.description, remedy: "Update the server.")
        }
        var survey = DatabaseSurvey(
            version: facts.version,
            databases: facts.databases.map { .init(name: $0.name, size: ByteCount($0.size), isOpen: $0.open) }
                .filter { !Self.isOurs($0.name) }.sorted { $0.name < $1.name })
        if !facts.superuser {
            survey.warnings.append(
                "The user \(user) is no superuser: passwords of roles are not saved, and what it may not read makes the dump fail."
            )
        }
        return survey
    }

    /// What the server says of itself, asked in the first database that lets us in.
    func server() async throws -> (facts: ServerFacts, asked: String) {
        var problem: (any Error)?
        for database in first + ["postgres", "template1"] {
            do {
                return (try await ask(ServerFacts.self, ServerFacts.query, in: database), database)
            } catch let error as DatabaseError where error.kind == .unreachable {
                problem = problem ?? error
            }
        }
        throw problem ?? DatabaseError(.unreachable, "No database lets us in.", place: place.description)
    }

    struct ServerFacts: Decodable, Sendable {
        let version: String
        let number: Int
        let superuser: Bool
        let createdb: Bool
        let databases: [Found]

        struct Found: Decodable, Sendable {
            let name: String
            let size: Int64
            let open: Bool
        }

        static let query = """
            SELECT json_build_object(
              'version', current_setting('server_version'), 'number', current_setting('server_version_num')::int,
              'superuser', rolsuper, 'createdb', rolsuper OR rolcreatedb,
              'databases', (SELECT coalesce(json_agg(json_build_object('name', datname, 'open', datallowconn,
                 'size', CASE WHEN has_database_privilege(oid, 'CONNECT') THEN coalesce(pg_database_size(oid), 0) ELSE 0 END)), '[]')
               FROM pg_database WHERE NOT datistemplate))
            FROM pg_roles WHERE rolname = current_user;
            """

        var major: Int { number / 10_000 }
    }

    // MARK: - Names of our own

    /// Databases that hold what is being restored, or what was there before; no backup is about them.
    static func isOurs(_ name: String) -> Bool {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "holdfast" && parts[1].count == 16 && UInt32(parts[2], radix: 16) != nil
            && [staged, former].contains("_" + parts[3])
    }

    package func names(of restore: String, for live: String) -> (staged: String, former: String) {
        // Another host may restore on the same server in the same second.
        let unique = String(UInt32.random(in: .min ... .max), radix: 16)
        let stem = "holdfast_\(restore.filter { $0.isASCII && ($0.isNumber || $0.isLetter) }.lowercased())_\(unique)"
        return (stem + Self.staged, stem + Self.former)
    }

    /// Of the servers that are understood, the oldest major version.
    private static let oldest = 10

    package var container: String? { if case .container(_, let container) = place { container.id } else { nil } }
    package func file(of database: String) -> String? { nil }
    package func scratch(for database: String) -> (folder: String, name: String)? { nil }

    private static let staged = "_restored"
    private static let former = "_former"

    // MARK: - Programs

    /// The programs to dump and restore with, looked for once.
    func tools(for server: ServerFacts) async throws -> PostgresTools {
        if let known = known.tools { return known }
        let found = try await place.tools(for: server.major, saying: server.version)
        known.keep(found)
        return found
    }

    /// What every program is told about the server.
    ///
    /// - Parameter name: what its sessions are called on the server.
    func environment(_ database: String, as name: String = "holdfast") -> [String: Redacted] {
        var environment = [
            "PGDATABASE": database, "PGUSER": user, "PGAPPNAME": name, "PGCLIENTENCODING": "UTF8",
            "PGCONNECT_TIMEOUT": "20",
        ].mapValues(Redacted.init)
        if let password { environment["PGPASSWORD"] = password }
        return environment
    }

    /// Runs SQL in one `psql`, to its end or to its first error, and returns what it prints.
    func run(_ sql: String, in database: String, as name: String = "holdfast") async throws -> String {
        try await psql(database, as: name) { running in
            async let text = onThread("psql") { _ in
                String(decoding: try running.output.readAll(limit: Self.answerLimit), as: UTF8.self)
            }
            try await onThread("psql") { _ in
                try running.input.write(Self.head + sql)
                try running.input.end()
            }
            return try await text
        }
    }

    /// Runs SQL that answers with one JSON document.
    func ask<Answer: Decodable>(_ type: Answer.Type, _ sql: String, in database: String) async throws -> Answer {
        try JSON.read(type, Array(try await run(sql, in: database).utf8), place: place.description)
    }

    /// Runs `psql` with its streams in the hands of `body`.
    func psql<Result: Sendable>(
        _ database: String, as name: String = "holdfast",
        _ body: @escaping @Sendable (RunningCommand) async throws -> Result
    ) async throws -> Result {
        let place = place
        return try await place.run(
            "psql",
            [
                "--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1",
                "--set=VERBOSITY=verbose",
            ], in: place.psqlFolder, environment: environment(database, as: name),
            judge: { end in if !end.succeeded { throw DatabaseError(psql: end, database, place) } }, body)
    }

    /// What every session begins with: nobody else's limits, and a fixed reading of quotes.
    static let head = """
        SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
        SET standard_conforming_strings = on; SET row_security = off; SET search_path = pg_catalog;

        """
    private static let answerLimit = 256 << 20
}

/// The programs that a server's dumps are made with, once they were found.
private final class KnownTools: Sendable {
    private let kept = Mutex<PostgresTools?>(nil)

    var tools: PostgresTools? { kept.withLock { $0 } }
    func keep(_ tools: PostgresTools) { kept.withLock { $0 = tools } }
}

/// `name` as an SQL identifier.
func quoted(_ name: String) -> String { doubling("\"", in: name) }

/// `text` as an SQL literal, with standard_conforming_strings.
func literal(_ text: String) -> String { doubling("'", in: text) }

/// By code points, as the server reads: a quote with a combining mark is another `Character`, and still a quote.
private func doubling(_ quote: Unicode.Scalar, in text: String) -> String {
    var quoted = String(quote)
    for scalar in text.unicodeScalars {
        if scalar == quote { quoted.unicodeScalars.append(quote) }
        quoted.unicodeScalars.append(scalar)
    }
    quoted.unicodeScalars.append(quote)
    return quoted
}
