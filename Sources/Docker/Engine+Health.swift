import Machine

extension Engine {
    /// Waits until a container runs and is healthy; without a health check: until it has run for `settling` on end.
    ///
    /// - Parameter limit: how long to wait at most.
    /// - Returns: the container as it was then.
    /// - Throws: `unhealthy` and `notRunning` as soon as that is clear, `timeout`, `noSuchContainer`. Each says in words what
    ///   the last health check printed and the exit code.
    @discardableResult
    package func wait(
        untilHealthy id: String, atMost limit: Duration, settling: Duration = .seconds(2)
    ) async throws -> Container {
        let start = monotonicSeconds()
        var watch = HealthWatch(settling: settling)
        var pause = Duration.milliseconds(100)
        while true {
            let container = try await container(id)
            let now = monotonicSeconds()
            switch watch.judge(container, at: now) {
            case .well: return container
            case .failed(let error): throw error
            case .notYet: break
            }
            let left = limit.inSeconds - (now - start)
            guard left > 0 else { throw watch.timeUp(container, after: limit) }
            try await nap(min(pause, .seconds(left)))
            pause = min(pause * 2, .seconds(1))
        }
    }
}
