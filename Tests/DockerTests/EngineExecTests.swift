import Docker
import Machine
import TestKit
import Testing

@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct EngineExecTests {
    private func exec(
        _ command: String, user: String? = nil, environment: [String: Redacted] = [:], timeout: Duration = .seconds(30)
    ) async throws -> ExecResult {
        try await withEngine { engine in
            try await withContainer(engine) { container in
                try await engine.exec(
                    container.id, ["sh", "-c", command], user: user, environment: environment, timeout: timeout)
            }
        }
    }

    @Test func exitCodeAndStreamsApart() async throws {
        let result = try await exec("echo out; echo err >&2; echo more; exit 7")
        #expect(result.exitCode == 7)
        #expect(result.text == "out\nmore\n")
        #expect(result.errors == "err\n")
        #expect(!result.succeeded && !result.isCut)
    }

    @Test func silence() async throws {
        let result = try await exec("true")
        #expect(result.succeeded)
        #expect(result.output.isEmpty && result.errors.isEmpty)
    }

    @Test func bytesStayBytes() async throws {
        let result = try await exec(#"printf '\000\001\377\n\r'"#)
        #expect(result.output == [0, 1, 255, 10, 13])
    }

    @Test func userAndEnvironment() async throws {
        let result = try await exec("id -u; echo $SECRET", user: "1234", environment: ["SECRET": Redacted("a b=c")])
        #expect(result.text == "1234\na b=c\n")
    }

    @Test func endOfMuchOutput() async throws {
        let result = try await exec("yes 0123456 | head -c 8000000; echo; echo end")
        #expect(result.succeeded)
        #expect(result.output.count == 1 << 20)
        #expect(result.isCut)
        #expect(result.text.hasSuffix("\nend\n"))
    }

    @Test func inputIsEmpty() async throws {
        #expect(try await exec("cat; echo done").text == "done\n")
    }

    @Test func commandThatDoesNotExist() async throws {
        try await withEngine { engine in
            try await withContainer(engine) { container in
                let result = try await engine.exec(container.id, ["/no/such/program"])
                #expect([126, 127].contains(result.exitCode))
                #expect(result.text.contains("/no/such/program"))
            }
        }
    }

    @Test func takesTooLong() async throws {
        let start = monotonicSeconds()
        let error = await #expect(throws: DockerError.self) { try await exec("sleep 120", timeout: .seconds(1)) }
        #expect(error?.code == "docker.timeout")
        #expect(error?.what == "The command did not end within 1.0 s.")
        #expect(monotonicSeconds() - start < 60)
    }

    @Test func closesItsOutputAndGoesOn() async throws {
        let result = try await exec("echo early; exec >&- 2>&-; sleep 1; exit 5")
        #expect(result.exitCode == 5)
        #expect(result.text == "early\n")
    }

    @Test func stoppedContainer() async throws {
        try await withEngine { engine in
            try await withContainer(engine, { $0.isStarted = false }) { container in
                let error = await #expect(throws: DockerError.self) { try await engine.exec(container.id, ["true"]) }
                #expect(error?.code == "docker.not-running")
                #expect(error?.what.contains("it is created") == true)
            }
        }
    }

    @Test func containerGoneInTheMiddle() async throws {
        try await withEngine { engine in
            try await withContainer(engine) { container in
                let result = Task {
                    try await engine.exec(container.id, ["sh", "-c", "echo begun; sleep 20; echo done"])
                }
                try await Task.sleep(for: .seconds(1))
                try await removeContainer(engine, container.id)
                // Either the engine still says how it ended, or that it is gone; never "well".
                do {
                    let result = try await result.value
                    #expect(result.exitCode == 137)
                } catch let error as DockerError {
                    #expect(["docker.no-such-container", "docker.exec-failed"].contains(error.code), "\(error)")
                }
            }
        }
    }

    @Test func engineGoneInTheMiddle() async throws {
        try await withEngine { engine in
            try await withContainer(engine) { container in
                try await withEngineThatDies(engine) { mortal, kill in
                    let result = Task { try await mortal.exec(container.id, ["sh", "-c", "echo begun; sleep 20"]) }
                    try await Task.sleep(for: .seconds(1))
                    kill()
                    let error = await #expect(throws: DockerError.self) { _ = try await result.value }
                    #expect(error?.code == "docker.unreachable")
                    #expect(error?.place == mortal.socket)
                }
            }
        }
    }

    @Test func cancelled() async throws {
        try await withEngine { engine in
            try await withContainer(engine) { container in
                let work = Task { try await engine.exec(container.id, ["sleep", "120"]) }
                try await Task.sleep(for: .milliseconds(500))
                let start = monotonicSeconds()
                work.cancel()
                await #expect(throws: Interrupted.self) { try await work.value }
                #expect(monotonicSeconds() - start < 30)
            }
        }
    }
}

/// The same engine behind a socket that can be made to die.
func withEngineThatDies<Result>(
    _ engine: Engine, isolation: isolated (any Actor)? = #isolation,
    _ body: (Engine, _ kill: @Sendable () -> Void) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { folder in
        let proxy = ScriptedServer(path: "\(folder)/docker.sock", forwardingTo: engine.socket)
        defer { proxy.kill() }
        return try await body(try await Engine.connect(socket: "\(folder)/docker.sock")) { proxy.kill() }
    }
}
