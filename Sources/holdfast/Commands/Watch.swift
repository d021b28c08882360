import ArgumentParser
import Glibc
import Machine
import Schedules
import Settings

struct Watch: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what prometheus.yml says, answer questions about it, and be the schedule, until stopped.",
        discussion: """
            Measures if holdfast.yml names a prometheus.yml (metrics: { prometheus: FILE }), and answers as Prometheus does on
            127.0.0.1:9470 unless metrics.listen says otherwise. SIGHUP reads prometheus.yml and rules again.

            Is the schedule if there is one that nobody else starts, for hosts without systemd and cron: starts what is due, one
            at a time and messages beside it. What was missed while it was down is made up for, once a job.

            Whatever starts other services keeps it running. SIGTERM is passed on to what runs, and waited for.

            Example: holdfast watch

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let file = try Settings.locate(explicit: common.config, environment: environment()) { access($0, F_OK) == 0 }
        let settings = try WatchSettings.load(from: file)
        guard settings.schedule?.backup != nil || settings.metrics.prometheus != nil else {
            throw ScheduleError.refused(
                "none", "holdfast.yml says no time for backups, and nothing to measure.", place: settings.file,
                remedy: "Write into it: schedule: { backup: \"*-*-* 04:30\", prune: \"after backup\" }, or metrics: "
                    + "{ prometheus: FILE }")
        }
        let report = { @Sendable (line: String) in Output.say("  \(line)\n") }
        // What reads again replaces it.
        Signals.onHangup {}
        let watchman = try ScheduleService.open(settings, report: report)
        let metrics = try await Self.metrics(settings, isAlone: watchman == nil, report)
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let metrics { group.addTask { await metrics.run() } }
            if let watchman { group.addTask { try await watchman.run() } }
            try await group.waitForAll()
        }
        throw Interrupted()
    }

    /// Where there is a schedule, what is wrong with measuring must not stop the backups.
    private static func metrics(
        _ settings: WatchSettings, isAlone: Bool, _ report: @escaping @Sendable (String) -> Void
    ) async throws -> MetricsService? {
        do {
            return try await MetricsService.open(settings, report: report)
        } catch  where !isAlone {
            report("! nothing is measured, only the schedule runs: \(explain(error))")
            return nil
        }
    }
}
