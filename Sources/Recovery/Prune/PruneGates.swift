internal import Machine
import RestorePoints
internal import Settings

/// What has to be well before anything is removed: the newest backup, the clock, the sizes, the restores.
struct PruneGates {
    let site: Site
    let candidates: [RetentionCandidate]
    let legacy: [LegacyPlan]
    let now: Timestamp
    let forgotten: Set<Item>
    /// What is known; ``refusals(_:)`` adds what the options accept.
    var acceptances: Acceptances

    /// Everything that stands against it, each with the option that lets it pass.
    mutating func refusals(_ options: PruneOptions) throws -> [RecoveryError] {
        var refusals: [RecoveryError] = []
        if let gone = pointsGone() { refusals.append(gone) }
        if let jump = clockJump(options) { refusals.append(jump) }
        if !options.afterFailure, let failure = failedBackup() { refusals.append(failure) }
        if let drop = try suddenDrop(options) { refusals.append(drop) }
        if let drop = suddenDropOfArchives(options) { refusals.append(drop) }
        if try Restores(site.state).unsettled() > 0 {
            refusals.append(
                .refused(
                    "restore-unsettled", "A restore was interrupted, and is not put right yet.",
                    place: site.state.path, remedy: "holdfast resume puts it right; then prune again."))
        }
        return refusals
    }

    /// Where there were points and there is none, a disk is not mounted: that nothing has to go is not known then.
    private func pointsGone() -> RecoveryError? {
        guard candidates.isEmpty, let last = RunRecords(site.state).latest().last(where: { $0.point != nil })?.point
        else { return nil }
        return .refused(
            "points-gone", "The last point that is known, \(last), is not here, and no other is.",
            place: site.settings.backup.directory,
            remedy:
                "Is its disk mounted? If the points were moved or removed on purpose: holdfast backup --accept-empty")
    }

    /// A single item that fails every night leaves runs *incomplete*: those do not count, or the disk would fill up. Its
    /// last whole copy stays in any case.
    private func failedBackup() -> RecoveryError? {
        let option = "holdfast backup shows what is wrong; --after-failure prunes all the same."
        let newest = RunRecords(site.state).latest().last { run in
            run.command == "backup" && run.concernsMany && run.outcome != .skipped
                && run.moment.since(now) <= Self.tolerance
        }
        guard let record = newest else {
            guard !candidates.isEmpty else { return nil }
            return .refused(
                "backup-failed", "No record says how the newest backup went.", place: site.state.path, remedy: option)
        }
        switch record.outcome {
        case .failed, .died:
            let why = record.problems[""].map { ": \($0)" } ?? "."
            return .refused(
                "backup-failed", "The newest backup, \(record.run), \(record.outcome.rawValue)\(why)",
                place: site.state.path, remedy: option)
        case .running:
            return .refused(
                "backup-failed", "The newest backup, \(record.run), has not ended.", place: site.state.path,
                remedy: "Wait for it; if nothing runs, it died, and holdfast resume says so.")
        default: return nil
        }
    }

    /// Seconds that a record's name can be ahead: one that is taken moves on.
    private static let tolerance = 300.0

    private mutating func clockJump(_ options: PruneOptions) -> RecoveryError? {
        let jumps = ClockJump.find(in: candidates, now: now).filter { !acceptances.knows($0) }
        if options.acceptJumps {
            for jump in jumps { acceptances.accept(jump) }
            return nil
        }
        guard !jumps.isEmpty else { return nil }
        return .refused(
            "clock-jump",
            "The clock may be wrong, or have been: \(jumps.map(\.description).joined(separator: "; ")). It is now \(now).",
            place: site.settings.backup.directory,
            remedy: "Set the clock right. If it is, and that is how it was: holdfast prune --accept-jump, once.")
    }

    private mutating func suddenDrop(_ options: PruneOptions) throws -> RecoveryError? {
        let drops = SuddenDrop.find(
            in: candidates, now: now, accepted: acceptances.knownDrops, forgetting: forgotten)
        let archives = legacy.flatMap(\.drops).map(\.after.file)
        let names = options.acceptDrops.filter { $0 != PruneOptions.all && !archives.contains($0) }
        let accepted = try Self.items(names, among: items, option: "--accept-drop")
        let acceptsAll = options.acceptDrops.contains(PruneOptions.all)
        var open: [SuddenDrop] = []
        for drop in drops {
            if acceptsAll || accepted.contains(drop.item) {
                acceptances.accept(drop)
            } else {
                open.append(drop)
            }
        }
        guard let first = open.first else { return nil }
        return .refused(
            "sudden-drop",
            "Much less was saved than before: \(open.map(\.description).joined(separator: "; ")).",
            place: site.settings.backup.directory,
            remedy:
                "Look whether something was lost: older points still have it. If it is meant: holdfast prune --accept-drop \(open.count == 1 ? first.item.description : PruneOptions.all)"
        )
    }

    /// The same of older archives, of which nothing is known but their size.
    private mutating func suddenDropOfArchives(_ options: PruneOptions) -> RecoveryError? {
        var open: [LegacyDrop] = []
        for drop in legacy.flatMap(\.drops) where !acceptances.knows(drop) {
            if !Set(options.acceptDrops).isDisjoint(with: [PruneOptions.all, drop.after.file]) {
                acceptances.accept(drop)
            } else {
                open.append(drop)
            }
        }
        guard let first = open.first else { return nil }
        return .refused(
            "sudden-drop",
            "Older archives are suddenly much smaller: \(open.map(\.description).joined(separator: "; ")).",
            place: first.after.directory,
            remedy:
                "Look whether something was lost: the older ones still have it. If it is meant: holdfast prune --accept-drop \(open.count == 1 ? first.after.file : PruneOptions.all)"
        )
    }

    private var items: Set<Item> {
        candidates.reduce(into: []) { items, candidate in
            if case .ours(let copies, _) = candidate.content { items.formUnion(copies.keys) }
        }
    }

    /// The items that an option names.
    static func items(_ names: [String], among known: Set<Item>, option: String) throws -> Set<Item> {
        Set(
            try names.map { name in
                guard let item = Item(name), known.contains(item) else {
                    throw RecoveryError.refused(
                        "no-such-item", "\(option): no point of this host is about “\(RawPath(name))”.",
                        remedy: "There are: \(known.sorted().map(\.description).joined(separator: ", ")).")
                }
                return item
            })
    }
}
