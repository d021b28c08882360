import ArgumentParser
import Glibc
import Machine
import Recovery
import Schedules
import Settings

struct ScheduleInstall: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Write systemd's units or cron's table for what holdfast.yml says, and start them.",
        discussion: """
            systemd where it runs, else cron. Files that holdfast did not write stay as they are; a second scheduler is refused.
            Run it again after the schedule, the paths or the program have changed.

            Examples: holdfast schedule install --dry-run
                      holdfast schedule install --name inlock

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: InstallationOptions

    func run() async throws {
        let composition = try Composition(common)
        let settings = composition.settings
        guard let schedule = settings.schedule else {
            throw ScheduleError.refused(
                "none", "holdfast.yml has no schedule.", place: settings.file,
                remedy: "Write into it: schedule: { backup: \"*-*-* 04:30\", prune: \"after backup\" }")
        }
        let host = HostFolders(root: options.root ?? "")
        let way = options.systemd ? .systemd : options.cron ? .cron : try InstallationPlan.usualWay(host)
        let program = Program(binary: absolutePath("/proc/self/exe"), configuration: absolutePath(settings.file))
        let plan: InstallationPlan
        switch way {
        case .systemd:
            let confinement = await Confinement(try await composition.site(), home: "/root")
            let units = Units(name: options.name, program: program, confinement: confinement)
            plan = try InstallationPlan.installing(units, schedule.jobs, on: host)
        case .cron:
            let zone = try Zone.local(ZoneFiles.system.ofTheHost)
            plan = try InstallationPlan.installing(
                CronTable(name: options.name, program: program), schedule.jobs, local: zone, on: host)
        }
        let starters = Starter.all(for: program.configuration, state: settings.state, host)
        try Starter.refuseOthers(starters) { starter in
            plan.steps.contains { step in
                switch starter {
                case .systemd(_, let path), .cron(let path): step.file.path == path
                case .watch: false
                }
            }
        }
        try await InstallationReport.carryOut(plan, dryRun: options.dryRun, json: common.json)
        for text in differences(settings) { composition.console.show(.warning(text)) }
        guard host.isLive, !options.dryRun else { return }
        for starter in Starter.all(for: program.configuration, state: settings.state, host) {
            if let trouble = await starter.trouble(host) { composition.console.show(.warning("\(trouble).")) }
        }
    }

    /// What is so here, and will not be at night.
    private func differences(_ settings: Settings) -> [String] {
        func isSet(_ name: String) -> Bool { getenv(name).map { $0.pointee != 0 } ?? false }
        var texts: [String] = []
        if isSet("GPG_RECIPIENT") {
            texts.append(
                "$GPG_RECIPIENT is set here, and will not be at night: write it under backup.encryption.recipients.")
        }
        let isRootsHome = getenv("HOME").map { String(cString: $0) == "/root" } ?? true
        if settings.backup.encryption.keyring == nil, isSet("GNUPGHOME") || !isRootsHome {
            texts.append(
                "The keyring in use here is not root's own, which it will be at night: name it as backup.encryption.keyring."
            )
        }
        return texts
    }
}
