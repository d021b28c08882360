import ArgumentParser
import Machine
import Recovery
import RestorePoints

struct Prune: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove restore points and older archives that no rule keeps.",
        discussion: """
            The rules are `backup.retention` and `backup.legacy`; they are applied to each item by itself, to the points in which
            it is whole. Its last whole copy always stays. Nothing is asked: the configuration is the consent. But nothing
            is removed after a backup that failed, by a clock that jumped, or when an item suddenly has less than half of what
            it had; then it says so, and which option lets it pass.

            Examples: holdfast prune --dry-run
                      holdfast prune
                      holdfast prune --accept-drop volume.n8n_data

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions

    @Flag(help: "Show what would be removed and why, and do nothing.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "This item is meant to be so much smaller; `all`: every one. Remembered.", valueName: "item|all"))
    var acceptDrop: [String] = []

    @Flag(help: "The clock is right, whatever the points' dates look like. Remembered.")
    var acceptJump = false

    @Flag(help: "Prune though the newest backup failed.")
    var afterFailure = false

    @Option(help: ArgumentHelp("Let go of the last copies of an item that is no longer backed up.", valueName: "item"))
    var forget: [String] = []

    func run() async throws {
        let composition = try Composition(common)
        let site = try await composition.site()
        let options = PruneOptions(
            acceptDrops: acceptDrop, acceptJumps: acceptJump, afterFailure: afterFailure, forget: forget)
        if dryRun {
            let plan = try await PrunePlanner(site).plan(options)
            try Output.result(PruneReport(plan), json: common.json, text: \.text)
            if !plan.refusals.isEmpty { throw ExitStatus.refused }
            return
        }
        let report = try await Pruning(composition, site).run(options)
        try Output.result(report, json: common.json, text: \.text)
        if report.hasProblems { throw ExitStatus.incomplete }
    }
}

/// A prune with what follows it; the same by its own command and behind a backup.
struct Pruning {
    private let composition: Composition
    private let site: Site

    init(_ composition: Composition, _ site: Site) {
        self.composition = composition
        self.site = site
    }

    /// Prunes behind a backup, which stays made whatever comes of it.
    ///
    /// - Returns: whether all went that had to go.
    func followsBackup() async throws -> Bool {
        do {
            return try await !run().hasProblems
        } catch let error where error is any Explained && !(error is Interrupted) {
            composition.console.show(.warning("The backup is made, but nothing was pruned: \(explain(error))"))
            return false
        }
    }

    func run(_ options: PruneOptions = PruneOptions()) async throws -> PruneReport {
        try await Aftermath(composition: composition, site: site).follow {
            try await composition.locked("prune", site) { lock in
                let plan = try await planned(options)
                for refusal in plan.refusals.dropFirst() { composition.console.show(.warning(refusal.description)) }
                return PruneReport(plan, try await PruneRun(plan, site, holding: lock).run())
            }
        }
    }

    /// Plans; that nothing could be planned is put on record, but for what only the person who typed has to know.
    private func planned(_ options: PruneOptions) async throws -> PrunePlan {
        do {
            return try await PrunePlanner(site).plan(options)
        } catch {
            if (error as? RecoveryError)?.isRefusal != true {
                try? RunRecord.refuse(
                    "prune", .failed, because: explain(error).description, at: site.clock.now(), in: site.state)
            }
            throw error
        }
    }
}
