import Glibc
import Machine
import TestKit

/// A PostgreSQL server of this machine's own programs, on a socket in a folder, there for one test.
struct ScratchCluster: Sendable {
    let programs: String
    let folder: String

    /// Whether tests that need one are to be run. Under CI always, so that one that is missing fails them.
    static var isAvailable: Bool { installed != nil || getenv("CI").map { String(cString: $0) } == "true" }
    static let howToGetOne = "needs PostgreSQL's programs: apt-get install postgresql"

    /// The newest of Debian's.
    private static var installed: String? {
        (9...30).reversed().lazy.map { "/usr/lib/postgresql/\($0)/bin" }.first { access($0 + "/initdb", X_OK) == 0 }
    }

    static func with<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (ScratchCluster) async throws -> Result
    ) async throws -> Result {
        guard let programs = installed else { throw TestKitError(description: howToGetOne) }
        return try await withTemporaryFolder { folder in
            let cluster = ScratchCluster(programs: programs, folder: folder)
            if getuid() == 0, let user = getpwnam("postgres") {
                guard chown(folder, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
                    throw MachineError.call("give away", folder)
                }
            }
            try await cluster.runAsServer(
                "initdb", "-D", "\(folder)/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
            try await cluster.runAsServer(
                "pg_ctl", "start", "-w", "-D", "\(folder)/data", "-l", "\(folder)/log", "-o",
                "-c listen_addresses='' -c unix_socket_directories=\(folder) -c fsync=off")
            do {
                let result = try await body(cluster)
                try await cluster.stop()
                return result
            } catch {
                try? await cluster.stop()
                throw error
            }
        }
    }

    /// What a client's program writes.
    @discardableResult
    func client(_ program: String, _ arguments: [String], input: [UInt8] = []) async throws -> [UInt8] {
        try await run("\(programs)/\(program)", ["-h", folder, "-U", "postgres"] + arguments, input: input)
    }

    func sql(_ statements: String, in database: String = "postgres") async throws {
        try await client("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database], input: Array(statements.utf8))
    }

    private func stop() async throws {
        try await runAsServer("pg_ctl", "stop", "-w", "-m", "immediate", "-D", "\(folder)/data")
    }

    /// The server refuses to be root.
    private func runAsServer(_ program: String, _ arguments: String...) async throws {
        let path = "\(programs)/\(program)"
        if getuid() == 0 {
            try await run("runuser", ["-u", "postgres", "--", path] + arguments)
        } else {
            try await run(path, arguments)
        }
    }

    @discardableResult
    private func run(_ program: String, _ arguments: [String], input: [UInt8] = []) async throws -> [UInt8] {
        let outcome = try await ChildProcess(program, arguments).run(
            input: .bytes(input), output: .collected(limit: 1 << 30))
        guard outcome.succeeded else {
            throw TestKitError(description: "\(program) \(arguments): \(outcome.status) \(outcome.errors)")
        }
        return outcome.output
    }
}
