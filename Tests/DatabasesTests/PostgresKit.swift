import Databases
import Docker
import Machine
import TestKit
import Testing

/// What the product has for a server, beside ``TestKit/PostgresServer``, which tests look behind its back with.
typealias PostgresEngine = Databases.PostgresServer
typealias TestServer = TestKit.PostgresServer

extension TestServer {
    /// Spoken to through its socket.
    func engine(
        user: String = "postgres", lockTimeout: Double = 30, folders: [String]? = nil, known: [String] = []
    ) -> PostgresEngine {
        PostgresEngine(
            .host(["PGHOST": socketFolder, "PGPORT": "\(port)"], folders: folders ?? [binaries]), user: user,
            password: nil, lockTimeout: lockTimeout, known: known)
    }

    /// Spoken to on 127.0.0.1, as a URL says it.
    func engineByURL(user: String = "postgres", password: String? = nil) -> PostgresEngine {
        PostgresEngine(
            .host(["PGHOST": "127.0.0.1", "PGPORT": "\(port)"], folders: [binaries]), user: user,
            password: Redacted(password ?? self.password), lockTimeout: 30, known: [])
    }

    /// Whether there is a database of this name.
    func has(_ database: String) async throws -> Bool {
        try await psql("SELECT count(*) FROM pg_database WHERE datname = \(quotedText(database))") == "1"
    }
}

/// A dump and what it says of itself.
struct Dumped: Sendable {
    let bytes: [UInt8]
    let facts: DatabaseFacts
}

extension DatabaseEngine {
    func dumped(_ database: String) async throws -> Dumped {
        let (bytes, facts) = try await dump(database) { source in
            try await onThread("dump") { _ in try source.readAll(limit: 1 << 30) }
        }
        return Dumped(bytes: bytes, facts: facts)
    }

    /// Loads a dump as a restore does.
    @discardableResult
    func load(
        _ bytes: [UInt8], as staged: String, like facts: DatabaseFacts?, for live: String
    ) async throws -> DatabaseFacts {
        try await load(staged, like: facts, for: live) { sink in
            try await onThread("load") { _ in try sink.write(bytes) }
        }
    }

    /// Names for a restore that no other test has.
    func freshNames(for live: String) -> (staged: String, former: String) {
        names(of: randomBytes(8).hex, for: live)
    }
}

extension DatabaseFacts {
    /// The rows of a table, whatever schema it is in.
    subscript(_ name: String) -> Int64? { tables.first { $0.table.name == name }?.rows }

    /// What does not depend on where and when it was counted.
    var comparable: DatabaseFacts {
        var facts = self
        (facts.database, facts.size, facts.digest) = ("", 0, nil)
        facts.postgres?.dumpedBy = ""
        return facts
    }
}

/// Runs `body` with a role; its databases have to be gone by its end.
func withRole<Result>(
    _ server: TestServer, name: String = uniqueName("role"), _ options: String = "LOGIN",
    isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> Result
) async throws -> Result {
    try await server.psql("CREATE ROLE \(identifier(name)) \(options)")
    return try await afterwards {
        try await body(name)
    } always: {
        try await server.psql("DROP ROLE IF EXISTS \(identifier(name))")
    }
}

/// Runs `body` with the names that a restore into `live` has; databases of these names are dropped in the end.
func withRestoreNames<Result>(
    _ server: TestServer, for live: String, isolation: isolated (any Actor)? = #isolation,
    _ body: (_ staged: String, _ former: String) async throws -> Result
) async throws -> Result {
    let (staged, former) = server.engine().freshNames(for: live)
    return try await afterwards {
        try await body(staged, former)
    } always: {
        for name in [staged, former] {
            try await server.psql("DROP DATABASE IF EXISTS \(quotedName(name)) WITH (FORCE)")
        }
    }
}

/// Runs `body`, then `always`, also when the task was cancelled. An error of `body` goes before one of `always`.
func afterwards<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result,
    always: @escaping @Sendable () async throws -> Void
) async throws -> Result {
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    let end = await Task.detached(operation: always).result
    let value = try result.get()
    try end.get()
    return value
}

/// Whether `condition` comes true before the time is over.
func eventually(
    within seconds: Double = 20, isolation: isolated (any Actor)? = #isolation,
    asking condition: () async throws -> Bool
) async throws -> Bool {
    let end = monotonicSeconds() + seconds
    while try await !condition() {
        guard monotonicSeconds() < end else { return false }
        try await Task.sleep(for: .milliseconds(50))
    }
    return true
}

/// Expects an error about a database, of one of these kinds, whose text has these words in it, and not the other.
func expectRefusal(
    _ kinds: DatabaseError.Kind..., saying words: [String] = [], not secret: String? = nil,
    _ location: SourceLocation = #_sourceLocation, isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> some Sendable
) async {
    let error = await #expect(throws: DatabaseError.self, sourceLocation: location) { _ = try await body() }
    guard let error else { return }
    #expect(kinds.contains(error.kind), "\(error.kind): \(error)", sourceLocation: location)
    for word in words { #expect("\(error)".contains(word), "\(word): \(error)", sourceLocation: location) }
    if let secret { #expect(!"\(error)".contains(secret), "\(error)", sourceLocation: location) }
}

/// `text` as an SQL literal.
func quotedText(_ text: String) -> String { doubling("'", in: text) }

/// `name` as SQL takes it; unlike ``TestKit/quotedName(_:)`` also where a combining mark follows a quote.
func identifier(_ name: String) -> String { doubling("\"", in: name) }

private func doubling(_ quote: Unicode.Scalar, in text: String) -> String {
    var quoted = String(quote)
    for scalar in text.unicodeScalars {
        if scalar == quote { quoted.unicodeScalars.append(quote) }
        quoted.unicodeScalars.append(scalar)
    }
    quoted.unicodeScalars.append(quote)
    return quoted
}
