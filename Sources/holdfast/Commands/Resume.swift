import ArgumentParser
import Recovery

struct Resume: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put right what an interrupted run left: stopped containers, staging, unfinished points.",
        discussion: """
            Every command that changes something does this first; this one does nothing else. Of use at boot.

            Example: holdfast resume

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions

    private struct Report: Encodable {
        let putRight: [String]
        let left: Int
    }

    func run() async throws {
        let composition = try Composition(common)
        let site = try await composition.site()
        let (putRight, left) = try await Aftermath(composition: composition, site: site).follow {
            let (lock, putRight) = try await HeldLock.take(for: "resume", site)
            defer { lock.release() }
            return (putRight, try lock.journal.unpaid.count + Restores(site.state).unsettled())
        }
        let report = Report(putRight: putRight, left: left)
        try Output.result(report, json: common.json) { report in
            report.putRight.map { "✓ \($0)\n" }.joined()
                + (report.left > 0
                    ? "\(report.left) \(report.left == 1 ? "thing" : "things") could not be put right; see above.\n"
                    : putRight.isEmpty ? "Nothing was left over.\n" : "")
        }
        if report.left > 0 { throw ExitStatus.incomplete }
    }
}
