import Alerting
import ArgumentParser
import Glibc
import Machine
import Recovery
import RestorePoints
import Schedules
import Settings

struct Status: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "How things stand, on one screen.",
        discussion: """
            Of each item: its last success, its age, its size and how that changed; what runs next; what is kept; what is
            wrong and what to type. Looks only.

            Example: holdfast status

            Exit status: 0 nothing is wrong · 1 something is · 4 refused.
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let composition = try Composition(common)
        let site = try await composition.site()
        let settings = composition.settings
        let outlook = try await Outlook(
            settings.schedule ?? Schedule(), for: absolutePath(settings.file), state: settings.state, on: HostFolders(),
            now: site.clock.now(), count: 1)
        let report = StatusReport(
            try Standing(of: site), outlook, messages: try composition.outbox.waiting(),
            policy: settings.backup.retention.map { RetentionPolicy($0) })
        try Output.result(report, json: common.json) { $0.text(Style(for: STDOUT_FILENO)) }
        if !report.isWell { throw ExitStatus.failed }
    }
}
