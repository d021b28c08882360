import Databases
import Docker
import Machine
import TestKit
import Testing

/// Every engine runs the ``DatabaseContract``.
@Suite struct DatabaseContractTests {
    @Test(
        .enabled(if: RealPostgres.isAvailable, Comment(rawValue: RealPostgres.howToGetOne)),
        arguments: DatabaseContract.checks)
    func postgresThroughItsSocket(_ check: DatabaseContract) async throws {
        try await withPostgres { server in try await check.run(ServerHost(server, server.engine())) }
    }

    @Test(
        .enabled(if: RealPostgres.isAvailable, Comment(rawValue: RealPostgres.howToGetOne)),
        arguments: DatabaseContract.checks)
    func postgresByURL(_ check: DatabaseContract) async throws {
        try await withPostgres { server in try await check.run(ServerHost(server, server.engineByURL())) }
    }

    /// In one container, for it takes its time to come up.
    @Test(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
    func postgresInAContainer() async throws {
        try await withEngine { engine in
            try await withPostgresContainer(engine, user: "some one") { postgres in
                for check in DatabaseContract.checks {
                    do {
                        try await check.run(ContainerHost(postgres: postgres))
                    } catch {
                        Issue.record(error, "\(check.testDescription)")
                    }
                }
            }
        }
    }

    @Test(arguments: DatabaseContract.checks)
    func sqlite(_ check: DatabaseContract) async throws {
        try await withTemporaryFolder { folder in try await check.run(FolderHost(folder: folder)) }
    }
}

/// A server of this machine.
private struct ServerHost: ContractHost {
    let server: TestServer
    let engine: PostgresEngine

    init(_ server: TestServer, _ engine: PostgresEngine) { (self.server, self.engine) = (server, engine) }

    func engine(for database: String) -> any DatabaseEngine { engine }
    func sql(_ statements: String, in database: String) async throws -> String {
        try await server.psql(statements, database: database)
    }
    func create(_ database: String) async throws { try await server.psql("CREATE DATABASE \(quotedName(database))") }
    func remove(_ database: String) async throws {
        try await server.psql("DROP DATABASE IF EXISTS \(quotedName(database)) WITH (FORCE)")
    }
    func leftovers(of database: String) async throws -> [String] {
        try await server.psql(ourSessions(in: database)).split(separator: "\n").map(String.init)
    }
    func freshName() -> String { uniqueName("c") }
    var awkwardEndings: [String] { awkwardPostgresEndings }
    var begin: String { "BEGIN" }
}

/// A server in a container.
private struct ContainerHost: ContractHost {
    let postgres: PostgresContainer

    func engine(for database: String) -> any DatabaseEngine {
        PostgresEngine(
            .container(postgres.engine, postgres.container), user: postgres.user, password: nil, lockTimeout: 30,
            known: [])
    }
    func sql(_ statements: String, in database: String) async throws -> String {
        try await postgres.psql(statements, database: database)
    }
    func create(_ database: String) async throws {
        try await postgres.psql("CREATE DATABASE \(quotedName(database))", database: "postgres")
    }
    func remove(_ database: String) async throws {
        try await postgres.psql(
            "DROP DATABASE IF EXISTS \(quotedName(database)) WITH (FORCE)", database: "postgres")
    }
    func leftovers(of database: String) async throws -> [String] {
        try await postgres.psql(ourSessions(in: database), database: "postgres").split(separator: "\n").map(String.init)
    }
    func freshName() -> String { uniqueName("c") }
    /// Each takes a good second here.
    var awkwardEndings: [String] { [" 'a' \"b\" \\c = 日 e\u{301}"] }
    var begin: String { "BEGIN" }
}

/// Files in a folder.
private struct FolderHost: ContractHost {
    let folder: String

    func engine(for database: String) -> any DatabaseEngine {
        SQLiteFolder(holding: "\(folder)/\(database)", copies: (folder, ".holdfast-sqlite-test"))
    }
    func sql(_ statements: String, in database: String) async throws -> String {
        let text = try await DatabasesTests.sqlite("\(folder)/\(database)", ".timeout 60000\n" + statements)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
    func create(_ database: String) async throws {
        _ = try await DatabasesTests.sqlite("\(folder)/\(database)", "PRAGMA journal_mode = wal; VACUUM;")
    }
    func remove(_ database: String) async throws { try await engine(for: database).drop(database) }
    /// What is neither the database, nor SQLite's own, nor made by the test.
    func leftovers(of database: String) async throws -> [String] {
        try names(in: folder).filter { $0.hasPrefix(".holdfast-sqlite-") }
    }
    func freshName() -> String { uniqueName("c") + ".db" }
    var awkwardEndings: [String] {
        [" with 'quotes' and \"more\".db", "?mode=ro&x=%20#y", " ÜÑÍ 日本 🐘 e\u{301}", "=:memory:"]
    }
    var begin: String { "BEGIN IMMEDIATE" }
}

private func ourSessions(in database: String) -> String {
    "SELECT pid, state, query FROM pg_stat_activity WHERE application_name LIKE 'holdfast%' AND datname = \(quotedText(database))"
}

/// 63 bytes are the most that a name has.
private let awkwardPostgresEndings = [
    " 'a' \"b\" \\c", " UPPER = x", " ÜÑÍ 日本 🐘 e\u{301}", "://h/p?a=b%20c", " user=nobody", ";--\t$1", ".,*",
]
