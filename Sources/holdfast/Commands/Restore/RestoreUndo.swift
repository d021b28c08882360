import ArgumentParser
import Machine
import Recovery
import RestorePoints

struct RestoreUndo: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Put back the data that was there before the last restore.",
        discussion:
            "What was written since then is lost; it says so, with the age, before it does.\n\nExample: holdfast restore undo\n\n\(ExitStatus.help)"
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var consent: Consent

    private struct Report: Encodable {
        let restore: String
        let items: [String]
        let outcome: String
        let problems: [String]
    }

    func run() async throws {
        let composition = try Composition(common)
        let site = try await composition.site()
        let report = try await composition.locked("restore undo", site) { lock in
            let undo = try await Undo(site)
            let items = undo.record.items.map(\.description)
            Output.say("Undo the restore \(undo.record.restore) of \(items.joined(separator: ", ")).\n\(undo.loss)\n")
            try consent.ask("Go back?")
            return Report(
                restore: undo.record.restore, items: items, outcome: undo.outcome,
                problems: try await undo.run(holding: lock))
        }
        try Output.result(report, json: common.json) { report in
            "✓ \(report.outcome)\n" + report.problems.map { "✗ \($0)\n" }.joined()
        }
        if !report.problems.isEmpty { throw ExitStatus.incomplete }
    }
}

struct RestoreCommit: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit", abstract: "Drop the data that was there before restores; after that there is no undo.",
        discussion: "Example: holdfast restore commit\n\n\(ExitStatus.help)")

    @OptionGroup var common: CommonOptions
    @OptionGroup var consent: Consent

    private struct Report: Encodable { let dropped: [String] }

    func run() async throws {
        let composition = try Composition(common)
        let site = try await composition.site()
        let report = try await composition.locked("restore commit", site) { lock in
            let commit = try Commit(site)
            let items = commit.records.flatMap(\.items).map(\.description)
            try consent.ask("Drop the former data of \(items.joined(separator: ", "))?")
            try await commit.run(holding: lock)
            return Report(dropped: items)
        }
        try Output.result(report, json: common.json) {
            "✓ dropped the former data of \($0.dropped.joined(separator: ", "))\n"
        }
    }
}
