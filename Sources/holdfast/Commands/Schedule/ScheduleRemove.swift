import ArgumentParser
import Schedules

struct ScheduleRemove: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take back what `schedule install` wrote; nothing of anybody else's.",
        discussion: """
            A backup that runs meanwhile runs to its end.

            Example: holdfast schedule remove --name inlock

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: InstallationOptions

    func run() async throws {
        let ways: [InstallationPlan.Way] = options.systemd ? [.systemd] : options.cron ? [.cron] : [.systemd, .cron]
        let plan = try InstallationPlan.removing(options.name, ways, on: HostFolders(root: options.root ?? ""))
        try await InstallationReport.carryOut(plan, dryRun: options.dryRun, json: common.json)
    }
}
