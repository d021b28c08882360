import Docker
import Machine
import TestKit
import Testing

@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct EngineHealthTests {
    @Test func becomesHealthy() async throws {
        try await withEngine { engine in
            try await withContainer(
                engine,
                {
                    $0.command = ["sh", "-c", "sleep 1; touch /tmp/ok; while :; do sleep 1; done"]
                    $0.healthCheck = "test -f /tmp/ok"
                }
            ) { container in
                #expect(container.health?.status == .starting)
                let healthy = try await engine.wait(untilHealthy: container.id, atMost: .seconds(30))
                #expect(healthy.health?.status == .healthy)
                #expect(healthy.health?.lastExitCode == 0)
            }
        }
    }

    @Test func becomesUnhealthy() async throws {
        try await withEngine { engine in
            try await withContainer(engine, { $0.healthCheck = "echo cannot connect; exit 3" }) { container in
                let error = await #expect(throws: DockerError.self) {
                    try await engine.wait(untilHealthy: container.id, atMost: .seconds(30))
                }
                #expect(error?.code == "docker.unhealthy")
                #expect(error?.what.contains("exit code 3 and “cannot connect”") == true, "\(error?.what ?? "")")
                #expect(error?.place == "container \(container.name)")
            }
        }
    }

    @Test func timeIsUp() async throws {
        try await withEngine { engine in
            try await withContainer(engine, { $0.healthCheck = "sleep 4" }) { container in
                let start = monotonicSeconds()
                let error = await #expect(throws: DockerError.self) {
                    try await engine.wait(untilHealthy: container.id, atMost: .seconds(1))
                }
                #expect(error?.code == "docker.timeout")
                #expect(monotonicSeconds() - start < 30)
            }
        }
    }

    @Test func withoutCheckItHasToStayUp() async throws {
        try await withEngine { engine in
            try await withContainer(engine) { container in
                let start = monotonicSeconds()
                try await engine.wait(untilHealthy: container.id, atMost: .seconds(30), settling: .seconds(1))
                #expect(monotonicSeconds() - start >= 1)
            }
            try await withContainer(engine, { $0.command = ["sh", "-c", "sleep 1; exit 3"] }) { container in
                let error = await #expect(throws: DockerError.self) {
                    try await engine.wait(untilHealthy: container.id, atMost: .seconds(30))
                }
                #expect(error?.code == "docker.not-running")
                #expect(error?.what.contains("exit code 3") == true)
            }
        }
    }

    @Test func restartsAgainAndAgain() async throws {
        try await withEngine { engine in
            try await withContainer(
                engine,
                {
                    $0.command = ["sh", "-c", "exit 3"]
                    $0.restart = "always"
                }
            ) { container in
                let error = await #expect(throws: DockerError.self) {
                    try await engine.wait(untilHealthy: container.id, atMost: .seconds(4))
                }
                #expect(error?.code == "docker.unhealthy", "\(error?.what ?? "")")
                let restarted = try await engine.container(container.id)
                #expect(restarted.restartCount > 0)
            }
        }
    }

    @Test func pausedAndCreated() async throws {
        try await withEngine { engine in
            try await withContainer(engine, { $0.isStarted = false }) { container in
                func failure() async -> DockerError? {
                    await #expect(throws: DockerError.self) {
                        try await engine.wait(untilHealthy: container.id, atMost: .seconds(5))
                    }
                }
                let created = await failure()
                #expect(created?.code == "docker.not-running")
                #expect(created?.what.contains("never started") == true)
                try await engine.start(container.id)
                try await engine.pause(container.id)
                let paused = await failure()
                #expect(paused?.code == "docker.not-running")
                #expect(paused?.remedy == "docker unpause \(container.name)")
            }
        }
    }

    @Test func goneWhileWaiting() async throws {
        try await withEngine { engine in
            try await withContainer(engine, { $0.healthCheck = "sleep 4" }) { container in
                let waiting = Task { try await engine.wait(untilHealthy: container.id, atMost: .seconds(20)) }
                try await Task.sleep(for: .milliseconds(500))
                try await removeContainer(engine, container.id)
                let error = await #expect(throws: DockerError.self) { _ = try await waiting.value }
                #expect(["docker.no-such-container", "docker.not-running"].contains(error?.code))
            }
        }
    }

    @Test func engineGoneWhileWaitingOrStopping() async throws {
        try await withEngine { engine in
            try await withContainer(
                engine,
                {
                    $0.command = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
                    $0.healthCheck = "sleep 4"
                }
            ) { container in
                try await withEngineThatDies(engine) { mortal, kill in
                    let waiting = Task { try await mortal.wait(untilHealthy: container.id, atMost: .seconds(20)) }
                    let stopping = Task { try await mortal.stop(container.id, timeout: .seconds(5)) }
                    try await Task.sleep(for: .milliseconds(500))
                    kill()
                    let first = await #expect(throws: DockerError.self) { _ = try await waiting.value }
                    #expect(first?.code == "docker.unreachable")
                    let second = await #expect(throws: DockerError.self) { _ = try await stopping.value }
                    #expect(second?.code == "docker.unreachable")
                    let third = await #expect(throws: DockerError.self) { _ = try await mortal.volumes() }
                    #expect(third?.code == "docker.unreachable")
                }
            }
        }
    }
}
