import Machine

/// Decides from one look after another whether a container has come up well.
package struct HealthWatch {
    /// What one look comes to.
    package enum Verdict {
        case well
        case notYet
        case failed(DockerError)
    }

    /// How long a container without a health check has to run on end to count as well.
    package let settling: Duration
    /// Since when, on the watch's clock, it runs as it runs now.
    private var steady: (start: Timestamp?, restarts: Int, since: Double)?
    /// How often its restart policy had started it when we first looked.
    private var restartsAtFirst: Int?
    /// The exit code of its last end that we saw.
    private var lastExitCode: Int?

    package init(settling: Duration) { self.settling = settling }

    /// Looks once.
    ///
    /// - Parameter now: seconds on any clock that only goes forward.
    package mutating func judge(_ container: Container, at now: Double) -> Verdict {
        restartsAtFirst = restartsAtFirst ?? container.restartCount
        guard container.state == .running else {
            steady = nil
            if container.state == .restarting { lastExitCode = container.exitCode }
            return judgeStanding(container)
        }
        guard let health = container.health else {
            if let steady, steady.start == container.startedAt, steady.restarts == container.restartCount {
                return now - steady.since >= settling.inSeconds ? .well : .notYet
            }
            steady = (container.startedAt, container.restartCount, now)
            return settling <= .zero ? .well : .notYet
        }
        switch health.status {
        case .healthy: return .well
        case .starting, .unknown: return .notYet
        case .unhealthy:
            let streak = health.failingStreak == 1 ? "1 check has" : "\(health.failingStreak) checks in a row have"
            return .failed(
                Self.error(.unhealthy, container, "The container is unhealthy: \(streak) failed\(health.words)."))
        }
    }

    /// What to say when the time is up.
    ///
    /// - Parameter container: as it was judged last.
    package func timeUp(_ container: Container, after limit: Duration) -> DockerError {
        let time = durationText(limit.inSeconds)
        if container.state == .restarting || container.restartCount > restartsAtFirst ?? 0 {
            let exit = lastExitCode.map { ", seen to end with exit code \($0)" } ?? ""
            return Self.error(
                .unhealthy, container,
                "After \(time) the container still restarts again and again (\(container.restartCount) times so far\(exit))."
            )
        }
        guard let health = container.health else {
            return Self.error(.timeout, container, "The container did not run steadily within \(time).")
        }
        return Self.error(
            .timeout, container,
            "The container is still not healthy after \(time); its health check says “\(health.status)”\(health.words)."
        )
    }

    private func judgeStanding(_ container: Container) -> Verdict {
        switch container.state {
        case .restarting, .unknown, .running:
            // Its restart policy may yet bring it up.
            return .notYet
        case .paused:
            return .failed(
                Self.error(
                    .notRunning, container, "The container is paused.", remedy: "docker unpause \(container.name)"))
        case .created: return .failed(Self.error(.notRunning, container, "The container was never started."))
        case .removing: return .failed(Self.error(.notRunning, container, "The container is being removed."))
        case .exited, .dead:
            let memory = container.wasOutOfMemory ? ", killed for want of memory" : ""
            return .failed(
                Self.error(
                    .notRunning, container,
                    "The container has stopped by itself, with exit code \(container.exitCode)\(memory)."))
        }
    }

    private static func error(
        _ kind: DockerError.Kind, _ container: Container, _ what: String, remedy: String? = nil
    ) -> DockerError {
        DockerError(
            kind, what, place: Subject.container(container.name).place,
            remedy: remedy ?? "See what it says: docker logs --tail 50 \(container.name)")
    }
}

extension Container.Health {
    /// What the last check found, to follow a sentence.
    fileprivate var words: String {
        guard let lastExitCode else { return "" }
        let output = printable(lastOutput)
        return ", the last with exit code \(lastExitCode)" + (output.isEmpty ? "" : " and “\(output)”")
    }
}
