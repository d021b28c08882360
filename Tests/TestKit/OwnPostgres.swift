import Glibc
import Machine

/// A server that a test may stop, kill and fill.
package struct OwnPostgres: Sendable {
    /// The same after each ``start()``.
    package let server: PostgresServer
    fileprivate let script: Script

    /// Starts it, unless it runs, and waits until it answers.
    package func start() async throws { try await script.run("up") }

    /// Stops it in order; sessions are ended.
    package func stop() async throws { try await script.run("stop") }

    /// Ends all its processes at once with SIGKILL.
    package func kill() async throws { try await script.run("kill") }
}

/// A server of a test's own; it is gone afterwards.
///
/// - Parameters:
///   - settings: `name=value`, as in `postgresql.conf`.
///   - initdb: arguments for it, without spaces; by default `-E UTF8 --locale=C.UTF-8`.
///   - folder: for its data, empty, perhaps a small file system; nil: somewhere.
package func withOwnPostgres<Result>(
    settings: [String] = [], initdb: [String] = [], folder: String? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (OwnPostgres) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { home in
        var runner = CommandRunner(environment: ["HOLDFAST_REAL": home])
        if !initdb.isEmpty { runner.environment["HOLDFAST_POSTGRES_INITDB"] = initdb.joined(separator: " ") }
        if let folder {
            runner.environment["HOLDFAST_POSTGRES_DATA"] = folder
            try letThrough(to: folder)
        }
        let script = Script(runner: runner)
        return try await cleaningUp {
            try await script.run("up", settings)
            var variables: [Substring: String] = [:]
            for line in try await script.run("env").split(separator: "\n") {
                // export NAME='value'
                let parts = line.dropFirst("export ".count).split(separator: "=", maxSplits: 1)
                guard let name = parts.first, let value = parts.last?.dropFirst().dropLast() else { continue }
                variables[name] = String(value)
            }
            guard let server = PostgresServer({ variables[Substring($0)] }) else {
                throw TestKitError(description: "postgres.sh env says too little: \(variables.keys)")
            }
            return try await body(OwnPostgres(server: server, script: script))
        } after: {
            try await script.run("down")
        }
    }
}

private struct Script: Sendable {
    let runner: CommandRunner

    @discardableResult
    func run(_ word: String, _ arguments: [String] = []) async throws -> String {
        let outcome = try await runner.run(["bash", realScript("postgres.sh"), word] + arguments)
        guard outcome.status == 0 else { throw TestKitError(description: "postgres.sh \(word): \(outcome)") }
        return outcome.output
    }
}

/// The server is another user, who must get through the test's folder, which is nobody else's business.
private func letThrough(to folder: String) throws {
    let parts = folder.split(separator: "/")
    guard parts.count > 2, parts[0] == "tmp", parts[1].hasPrefix("hf-") else { return }
    var path = "/tmp"
    for part in parts.dropFirst().dropLast() {
        path += "/" + part
        var facts = stat()
        guard stat(path, &facts) == 0, chmod(path, facts.st_mode & 0o7777 | 0o001) == 0 else {
            throw MachineError.call("open", path)
        }
    }
}
