import ArgumentParser
import Glibc
import Machine
import Recovery
import RestorePoints

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
        let report = StatusReport(try Standing(of: await composition.site()))
        try Output.result(report, json: common.json) { $0.text(Style(for: STDOUT_FILENO)) }
        if !report.isWell { throw ExitStatus.failed }
    }
}
