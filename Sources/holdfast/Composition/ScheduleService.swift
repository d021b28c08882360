import Machine
import Recovery
import Schedules
import Settings

/// The half of `watch` that is the schedule.
struct ScheduleService: Sendable {
    private let watchman: Watchman
    private let lock: FileLock

    /// Takes the lock by which there is one; nil where there is no schedule, or where somebody else starts it and there is
    /// something to measure all the same.
    ///
    /// - Throws: ``ScheduleError`` when others start it, or another `watch` does.
    static func open(
        _ settings: WatchSettings, report: @escaping @Sendable (String) -> Void
    ) throws -> ScheduleService? {
        guard let schedule = settings.schedule, schedule.backup != nil else { return nil }
        let state = try StateFolder(settings.state).open()
        let program = Program(binary: absolutePath("/proc/self/exe"), configuration: absolutePath(settings.file))
        // Another watch is met at its lock.
        let others = Starter.all(for: program.configuration, state: settings.state, HostFolders()).filter {
            if case .watch = $0 { false } else { true }
        }
        if let other = others.first, settings.metrics.prometheus != nil {
            report("the schedule is left to \(other.text)")
            return nil
        }
        try Starter.refuseOthers(others) { _ in false }
        let lock = try WatchLock.take(in: state)
        let zone = try Zone.local()
        report("watching \(program.configuration), times of \(zone)")
        return ScheduleService(
            watchman: Watchman(schedule.jobs, in: zone, program, state: state, report: report), lock: lock)
    }

    /// Starts what is due until the task is cancelled.
    func run() async throws {
        defer { lock.release() }
        try await watchman.run()
    }
}
