import ArgumentParser
import Glibc
import Recovery
import Settings

struct Check: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Would tonight's backup work, would anything be missing from it, and what would watch measure?",
        discussion: """
            One line each, ok, warn or fail with the remedy: keys and how long they are good, signing key, space, engine, every
            source, volumes and bind mounts in no backup, live databases, what an interrupted run left, prometheus.yml and its
            rules.

            Example: holdfast check && holdfast backup

            Exit status: 0 nothing fails (warnings do not count) · 1 something does.
            """)

    @OptionGroup var common: CommonOptions

    private struct Report: Encodable {
        let ready: Bool
        let findings: [Line]

        struct Line: Encodable {
            let level: String
            let subject: String
            let text: String
            let remedy: String?
        }
    }

    func run() async throws {
        let findings = try await findings()
        let report = Report(
            ready: !findings.contains { $0.level == .fail },
            findings: findings.map {
                .init(level: $0.level.rawValue, subject: $0.subject, text: $0.text, remedy: $0.remedy)
            })
        try Output.result(report, json: common.json, text: text)
        if !report.ready { throw ExitStatus.failed }
    }

    private func findings() async throws -> [Readiness.Finding] {
        let settings = try WatchSettings.load(common)
        let metrics = Composition.findings(settings.metrics, isAlone: settings.backup == nil)
        guard settings.backup != nil else { return metrics }
        let composition = try Composition(common)
        var readiness = Readiness(try await composition.site())
        return await readiness.findings() + composition.messageFindings() + metrics
    }

    private func text(_ report: Report) -> String {
        let style = Style(for: STDOUT_FILENO)
        let width = report.findings.map(\.subject.count).max() ?? 0
        var text = ""
        for line in report.findings {
            let level = line.level.padded(to: 4)
            let mark =
                line.level == "ok" ? style.good(level) : line.level == "warn" ? style.warn(level) : style.bad(level)
            text += "\(mark)  \(line.subject.padded(to: width))  \(line.text)\n"
            if let remedy = line.remedy {
                text += String(repeating: " ", count: width + 8) + style.faint("→ \(remedy)") + "\n"
            }
        }
        let fails = report.findings.filter { $0.level == "fail" }.count
        let warnings = report.findings.filter { $0.level == "warn" }.count
        return text + (fails == 0 ? "Ready" : "Not ready: \(fails) to mend")
            + (warnings == 0 ? ".\n" : ", \(warnings) \(warnings == 1 ? "warning" : "warnings").\n")
    }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
