import Docker
import Machine
import Testing

@Suite struct HealthWatchTests {
    private func container(
        _ state: Container.State, health: Container.Health? = nil, exitCode: Int = 0, started: Int64 = 100,
        restarts: Int = 0, wasOutOfMemory: Bool = false
    ) -> Container {
        Container(
            id: "0123", name: "n8n", state: state, health: health, exitCode: exitCode, wasOutOfMemory: wasOutOfMemory,
            startedAt: Timestamp(seconds: started), restartCount: restarts)
    }

    private func verdicts(_ looks: (Double, Container)...) -> [String] {
        var watch = HealthWatch(settling: .seconds(2))
        return looks.map { now, container in
            switch watch.judge(container, at: now) {
            case .well: "well"
            case .notYet: "not yet"
            case .failed(let error): error.code
            }
        }
    }

    @Test func withoutCheckItMustRunOnEnd() {
        let up = container(.running)
        #expect(verdicts((0, up), (1.9, up), (2, up)) == ["not yet", "not yet", "well"])
    }

    @Test func restartBeginsTheWaitAnew() {
        let again = container(.running, started: 200, restarts: 1)
        #expect(
            verdicts((0, container(.running)), (1.9, again), (3, again), (3.9, again))
                == ["not yet", "not yet", "not yet", "well"])
        #expect(
            verdicts(
                (0, container(.running)), (1, container(.restarting)), (2, container(.running)),
                (4, container(.running)))
                == ["not yet", "not yet", "not yet", "well"])
    }

    @Test func checkDecides() {
        let starting = container(.running, health: .init(.starting, failingStreak: 2, lastExitCode: 1, lastOutput: ""))
        let healthy = container(.running, health: .init(.healthy, failingStreak: 0, lastExitCode: 0, lastOutput: ""))
        #expect(verdicts((0, starting), (50, starting), (50.1, healthy)) == ["not yet", "not yet", "well"])
    }

    @Test func unhealthyIsSaidInWords() throws {
        var watch = HealthWatch(settling: .zero)
        let health = Container.Health(
            .unhealthy, failingStreak: 3, lastExitCode: 7, lastOutput: "cannot\nconnect\u{1B}[0m\n")
        guard case .failed(let error) = watch.judge(container(.running, health: health), at: 0) else {
            Issue.record("unhealthy is a failure")
            return
        }
        #expect(error.code == "docker.unhealthy")
        #expect(error.place == "container n8n")
        #expect(
            error.what
                == "The container is unhealthy: 3 checks in a row have failed, the last with exit code 7 and “cannot connect [0m”."
        )
        #expect(error.remedy?.contains("docker logs --tail 50 n8n") == true)
    }

    @Test(arguments: [Container.State.exited, .dead, .created, .paused, .removing])
    func whatStandsWillNotGetWell(state: Container.State) {
        #expect(verdicts((0, container(state))) == ["docker.not-running"])
    }

    @Test func endIsExplained() {
        var watch = HealthWatch(settling: .zero)
        let gone = container(.exited, exitCode: 137, wasOutOfMemory: true)
        guard case .failed(let error) = watch.judge(gone, at: 0) else {
            Issue.record("exited is a failure")
            return
        }
        #expect(error.what == "The container has stopped by itself, with exit code 137, killed for want of memory.")
    }

    @Test func timeUp() {
        var watch = HealthWatch(settling: .seconds(2))
        _ = watch.judge(container(.running, restarts: 1), at: 0)
        _ = watch.judge(container(.restarting, exitCode: 3, restarts: 3), at: 1)
        _ = watch.judge(container(.running, restarts: 4), at: 2)
        let restarting = watch.timeUp(container(.running, restarts: 4), after: .seconds(60))
        #expect(restarting.code == "docker.unhealthy")
        #expect(restarting.what.contains("4 times so far, seen to end with exit code 3"))
        let starting = container(
            .running, health: .init(.starting, failingStreak: 0, lastExitCode: nil, lastOutput: ""))
        let slow = HealthWatch(settling: .zero).timeUp(starting, after: .seconds(60))
        #expect(slow.code == "docker.timeout")
        #expect(slow.what == "The container is still not healthy after 60 s; its health check says “starting”.")
    }
}
