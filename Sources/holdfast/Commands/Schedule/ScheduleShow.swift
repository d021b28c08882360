import ArgumentParser
import Glibc
import Machine
import Schedules
import Settings

struct ScheduleShow: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "The next five runs of each job, and who would start them.",
        discussion: """
            Example: holdfast schedule show

            Exit status: 0 somebody starts backups · 1 nobody does, several do, or whoever it is does not run.
            """)

    @OptionGroup var common: CommonOptions

    private struct Report: Encodable {
        let zone: String
        let jobs: [Line]
        /// All who start backups.
        let startedBy: [String]
        let troubles: [String]

        struct Line: Encodable {
            let job: String
            let runs: String
            /// The normal form; `boot` for what runs then.
            let when: String
            let startedBy: [String]
            let next: [Run]
        }

        struct Run: Encodable {
            let local: String
            let utc: String
        }
    }

    func run() async throws {
        let settings = try Composition(common).settings
        let outlook = try await Outlook(
            settings.schedule ?? Schedule(), for: absolutePath(settings.file), state: settings.state, on: HostFolders(),
            now: SystemClock().now(), count: 5)
        let conflict = Starter.conflict(outlook.starters)
        var troubles = outlook.troubles + (conflict.map { ["\($0)"] } ?? [])
        if settings.schedule?.backup == nil {
            troubles.append("holdfast.yml says no time for backups: schedule: { backup: \"*-*-* 04:30\" }")
        } else if outlook.starters.isEmpty {
            troubles.append(
                "nobody on this host starts any of it: holdfast schedule install, or keep `holdfast watch` running")
        }
        let report = Report(
            zone: outlook.zone.name, jobs: outlook.lines.map { self.line($0, outlook.zone) },
            startedBy: outlook.starters.map(\.text), troubles: troubles)
        try Output.result(report, json: common.json, text: text)
        if !troubles.isEmpty { throw ExitStatus.failed }
    }

    private func line(_ line: Outlook.Line, _ zone: Zone) -> Report.Line {
        let zone = line.job.time?.zone ?? zone
        return .init(
            job: line.job.kind.rawValue, runs: line.job.text, when: line.job.time?.description ?? "boot",
            startedBy: line.starters,
            next: line.next.map { .init(local: zone.text($0), utc: $0.description) })
    }

    private func text(_ report: Report) -> String {
        let style = Style(for: STDOUT_FILENO)
        var text = ""
        for line in report.jobs {
            let starters = line.startedBy.isEmpty ? style.bad("nobody") : line.startedBy.joined(separator: ", ")
            text += "\(style.strong(line.job))  \(line.runs)\n"
            text += "  \(line.when == "boot" ? "when the host has booted" : line.when), started by \(starters)\n"
            text += columns(line.next.map { ["    \($0.local)", $0.utc] })
        }
        return text + report.troubles.map { "\(style.bad("✗")) \($0)\n" }.joined()
    }
}
