import ArgumentParser

struct ScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Let systemd or cron start what holdfast.yml says, see what comes next, or take it back.",
        discussion: """
            The section `schedule` of holdfast.yml says when; these commands hand it on. On a host with neither systemd nor cron,
            `holdfast watch` is the schedule.

            Examples: holdfast schedule install --dry-run
                      holdfast schedule show
            """,
        subcommands: [ScheduleInstall.self, ScheduleShow.self, ScheduleRemove.self])
}

/// What `install` and `remove` take.
struct InstallationOptions: ParsableArguments {
    @Flag(help: "Units of systemd's.")
    var systemd = false

    @Flag(help: "A table of cron's.")
    var cron = false

    @Option(help: "What units begin with, and what cron's table is called.")
    var name = "holdfast"

    @Option(
        help: ArgumentHelp(
            "Put it below this folder, for an image or a package; nothing is started.", valueName: "folder"))
    var root: String?

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    func validate() throws {
        if systemd, cron {
            throw ValidationError("Say --systemd or --cron: two schedulers would start everything twice.")
        }
        if let root, !root.hasPrefix("/") { throw ValidationError("--root is an absolute path.") }
    }
}
