import ArgumentParser
import Glibc
import Machine
import Recovery
import Schedules
import Settings

struct Watch: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Be the schedule: start what is due, one at a time and messages beside it, until stopped.",
        discussion: """
            For hosts without systemd and cron; whatever starts other services there keeps it running. What was missed while it was
            down is made up for, once a job. SIGTERM is passed on to what runs, and waited for.

            Example: holdfast watch

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let settings = try Composition(common).settings
        guard let schedule = settings.schedule, schedule.backup != nil else {
            throw ScheduleError.refused(
                "none", "holdfast.yml says no time for backups.", place: settings.file,
                remedy: "Write into it: schedule: { backup: \"*-*-* 04:30\", prune: \"after backup\" }")
        }
        let state = try StateFolder(settings.state).open()
        let program = Program(binary: absolutePath("/proc/self/exe"), configuration: absolutePath(settings.file))
        try Starter.refuseOthers(Starter.all(for: program.configuration, state: settings.state, HostFolders())) {
            starter in
            // Another watch is met at its lock.
            if case .watch = starter { true } else { false }
        }
        let lock = try WatchLock.take(in: state)
        defer { lock.release() }
        let zone = try Zone.local()
        Output.say("  watching \(program.configuration), times of \(zone)\n")
        try await Watchman(schedule.jobs, in: zone, program, state: state) { Output.say("  \($0)\n") }.run()
    }
}
