import Machine
import TestKit

/// A server that a test may do with as it likes, with its programs at hand.
struct ScratchCluster: Sendable {
    let server: PostgresServer

    static func with<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (ScratchCluster) async throws -> Result
    ) async throws -> Result {
        try await withOwnPostgres { try await body(ScratchCluster(server: $0.server)) }
    }

    /// What a client's program writes.
    @discardableResult
    func client(_ program: String, _ arguments: [String], input: [UInt8] = []) async throws -> [UInt8] {
        let outcome = try await run(program, arguments, input: input)
        guard outcome.succeeded else {
            throw TestKitError(description: "\(program) \(arguments): \(outcome.status) \(outcome.errors)")
        }
        return outcome.output
    }

    func sql(_ statements: String, in database: String = "postgres") async throws {
        try await client("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database], input: Array(statements.utf8))
    }

    /// What psql says, whatever comes of the script.
    func psql(_ script: String) async throws -> String {
        try await run("psql", ["-X", "-q", "-o", "/dev/null", "-d", "postgres"], input: Array(script.utf8)).text
    }

    private func run(_ program: String, _ arguments: [String], input: [UInt8]) async throws -> ChildProcess.Outcome {
        try await ChildProcess("\(server.binaries)/\(program)", arguments, environment: server.environment)
            .run(input: .bytes(input), output: .collected(limit: 1 << 30))
    }
}
