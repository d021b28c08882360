import Glibc
import Machine

/// The Postgres server that tests may do with as they like: `HOLDFAST_TEST_POSTGRES` names the folder of its socket. Never
/// the machine's own.
///
///     @Suite(.enabled(if: RealPostgres.isAvailable, Comment(rawValue: RealPostgres.howToGetOne)))
package enum RealPostgres {
    /// Whether tests that need it are to be run. Under CI always, so that one that is missing fails them.
    package static var isAvailable: Bool {
        environment("HOLDFAST_TEST_POSTGRES") != nil || environment("CI") == "true"
    }

    /// Why tests were skipped, or failed.
    package static let howToGetOne =
        "needs a Postgres server: HOLDFAST_TEST_POSTGRES names no folder (Tests/Real/with-real.sh starts one)"

    /// The image that containers with a server are made of; small, but to be used as the official one is.
    package static var image: String { environment("HOLDFAST_TEST_POSTGRES_IMAGE") ?? "postgres:test" }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    fileprivate static var server: PostgresServer? { PostgresServer(environment) }
}

/// A running server. The superuser `postgres` needs no password through the socket, and one on 127.0.0.1.
package struct PostgresServer: Sendable {
    /// The folder that its socket lies in.
    package let socketFolder: String
    /// Of the socket and on 127.0.0.1.
    package let port: Int
    /// Of the user `postgres`, on 127.0.0.1.
    package let password: String
    /// Where its programs are: `/usr/lib/postgresql/15/bin`.
    package let binaries: String

    /// What `postgres.sh env` says; nil when something is missing.
    init?(_ variable: (String) -> String?) {
        guard let folder = variable("HOLDFAST_TEST_POSTGRES"),
            let port = variable("HOLDFAST_TEST_POSTGRES_PORT").flatMap({ Int($0) }),
            let password = variable("HOLDFAST_TEST_POSTGRES_PASSWORD"),
            let binaries = variable("HOLDFAST_TEST_POSTGRES_BIN")
        else { return nil }
        (socketFolder, self.port, self.password, self.binaries) = (folder, port, password, binaries)
    }

    /// In which its programs reach it through its socket, as the superuser.
    package var environment: [String: String] {
        ["PGHOST": socketFolder, "PGPORT": String(port), "PGUSER": "postgres"]
    }

    /// Runs SQL, and what psql itself understands, in a database, to the first error.
    ///
    /// - Returns: the rows, one a line, their columns separated by `|`.
    /// - Throws: ``TestKitError`` with what psql says.
    @discardableResult
    package func psql(_ sql: String, database: String = "postgres", user: String = "postgres") async throws -> String {
        // Not as arguments: there a name may also be a whole connection string.
        let names = ["PGDATABASE": database, "PGUSER": user]
        let outcome = try await ChildProcess(
            binaries + "/psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            environment: environment.merging(names) { _, own in own }
        ).run(input: .bytes(Array(sql.utf8)))
        guard outcome.succeeded else { throw TestKitError(description: "psql: \(outcome.errors)") }
        return withoutLastLineEnd(outcome.text)
    }

    /// Runs a program of the server's: `pg_dump`, `pgbench`, …
    package func tool(_ name: String, _ arguments: [String]) async throws -> CommandRunner.Outcome {
        try await CommandRunner(environment: environment).run(["\(binaries)/\(name)"] + arguments)
    }

    /// All of a database as SQL. Two databases are alike when this is the same for both, if neither changes.
    package func dump(_ database: String) async throws -> String {
        let runner = CommandRunner(environment: environment.merging(["PGDATABASE": database]) { _, own in own })
        let outcome = try await runner.run(["\(binaries)/pg_dump"])
        guard outcome.status == 0 else { throw TestKitError(description: "pg_dump: \(outcome)") }
        // Newer ones put a word that is never the same around it all.
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.filter { !$0.hasPrefix("\\restrict ") && !$0.hasPrefix("\\unrestrict ") }.joined(separator: "\n")
    }

    /// How a database is reached on 127.0.0.1, without the password.
    package func url(_ database: String, user: String = "postgres") -> String {
        "postgresql://\(percentEncoded(user))@127.0.0.1:\(port)/\(percentEncoded(database))"
    }
}

// MARK: - In holdfast.yml

extension PostgresServer {
    /// An entry of `backup.databases` that reaches a database through the socket; nil: all of them.
    package func entry(_ name: String, _ database: String?, more: String = "") -> String {
        let only = database.map { ", database: \(yaml($0))" } ?? ""
        return "{ name: \(name), engine: postgres, url: \(yaml(socketURL))\(only)\(more) }"
    }

    /// How it is reached through its socket.
    package var socketURL: String {
        let folder = socketFolder.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "%2F")
        return "postgresql://postgres@\(folder):\(port)"
    }

    /// Databases with this comment, by name.
    package func databases(marked mark: String) async throws -> [String] {
        try await psql(
            "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') = '\(mark)' ORDER BY datname"
        ).split(separator: "\n").map(String.init)
    }
}

/// `text` between YAML's quotes.
package func yaml(_ text: String) -> String {
    var quoted = ""
    for character in text {
        if character == "\"" || character == "\\" { quoted += "\\" }
        quoted.append(character)
    }
    return "\"\(quoted)\""
}

/// The server that all tests share: databases of their own do not meet, roles and settings of the server do.
///
/// - Throws: when there is none.
package func withPostgres<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (PostgresServer) async throws -> Result
) async throws -> Result {
    guard let server = RealPostgres.server else { throw TestKitError(description: RealPostgres.howToGetOne) }
    return try await body(server)
}

/// A database that is there for one test, made by this SQL.
package func withDatabase<Result>(
    _ server: PostgresServer, name: String = uniqueName("database"), setup sql: String = "",
    isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> Result
) async throws -> Result {
    try await server.psql("CREATE DATABASE \(quotedName(name))")
    return try await cleaningUp {
        if !sql.isEmpty { try await server.psql(sql, database: name) }
        return try await body(name)
    } after: {
        try await server.psql("DROP DATABASE IF EXISTS \(quotedName(name)) WITH (FORCE)")
    }
}

/// A name as SQL takes it, whatever is in it.
package func quotedName(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}

func withoutLastLineEnd(_ text: String) -> String { text.hasSuffix("\n") ? String(text.dropLast()) : text }

func percentEncoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            encoded.unicodeScalars.append(Unicode.Scalar(byte))
        default: encoded += "%" + [byte].hex.uppercased()
        }
    }
    return encoded
}
