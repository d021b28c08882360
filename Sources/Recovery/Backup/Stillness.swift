import Docker
import Machine
import Settings

/// Keeps containers still while their volumes are read, and lets each run again as soon as it can.
///
/// One for each lane, whose items come one after the other. Every deed is in the journal before it is done, so that a
/// killed run leaves nothing stopped for longer than until the next command.
actor Stillness {
    private let engine: Engine
    private let journal: Journal
    private let report: @Sendable (Event) -> Void
    private var held: [PlannedItem.Stilled: Int] = [:]

    init(engine: Engine, journal: Journal, report: @escaping @Sendable (Event) -> Void) {
        self.engine = engine
        self.journal = journal
        self.report = report
    }

    /// Makes exactly `wanted` still: what an earlier item held and this one does not need runs again.
    func hold(_ wanted: [PlannedItem.Stilled]) async throws {
        try await letGo(except: wanted)
        for container in wanted where held[container] == nil {
            if Task.isCancelled { throw Interrupted() }
            switch container.mode {
            case .stop:
                held[container] = try journal.owe(.start(container: container.id, name: container.name))
                try await toItsEnd { [engine] in _ = try await engine.stop(container.id, timeout: nil) }
                report(.line("stopped \(container.name)"))
            case .pause:
                held[container] = try journal.owe(.unpause(container: container.id, name: container.name))
                try await toItsEnd { [engine] in
                    try await Self.insisting { _ = try await engine.pause(container.id) }
                }
                report(.line("paused \(container.name)"))
            case .none: break
            }
        }
    }

    /// Lets everything run again, also when the task was cancelled; tries all, then throws the first failure.
    ///
    /// A container that could not be started stays in the journal: the next command tries again.
    func letGo(except kept: [PlannedItem.Stilled] = []) async throws {
        var problem: (any Error)?
        for (container, obligation) in held where !kept.contains(container) {
            do {
                // A task of its own: being cancelled is no reason to leave a container stopped.
                try await Task { [engine] in try await Self.wake(container, engine) }.value
                report(.line(container.mode == .pause ? "unpaused \(container.name)" : "started \(container.name)"))
                held[container] = nil
                try journal.pay(obligation)
            } catch {
                held[container] = nil
                problem =
                    problem
                    ?? RecoveryError.failed(
                        "left-stopped", "\(container.name) could not be let run again: \(explain(error).what)",
                        place: "container \(container.name)",
                        remedy: "holdfast resume tries again, or: docker start \(container.name)")
            }
        }
        if let problem { throw problem }
    }

    private static func wake(_ container: PlannedItem.Stilled, _ engine: Engine) async throws {
        try await insisting {
            if container.mode == .pause {
                try await engine.unpause(container.id)
            } else {
                try await engine.start(container.id)
            }
        }
    }

    /// What the engine tried and failed at goes well a moment later: on a busy host, freezing a container is given up early.
    private static func insisting(_ deed: @Sendable () async throws -> Void) async throws {
        for attempt in 1... {
            do {
                return try await deed()
            } catch let error as DockerError
                where (error.isTransient || error.kind == .engineFailed) && attempt < attempts
            {
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    private static let attempts = 5
}

/// Runs `deed` to its end also when the task is cancelled, which is thrown only then.
///
/// The engine ends what it began, whether or not somebody waits for it: to start a container that is just being stopped
/// would do nothing, and leave it stopped.
func toItsEnd(_ deed: @escaping @Sendable () async throws -> Void) async throws {
    try await Task(operation: deed).value
    if Task.isCancelled { throw Interrupted() }
}
