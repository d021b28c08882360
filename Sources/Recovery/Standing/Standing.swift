internal import Glibc
package import Machine
package import RestorePoints
internal import Settings

/// How things stand on this host: what is saved, since when, and what is wrong. Looks only, and makes nothing.
///
/// The catalog is asked about copies, the run records about attempts.
package struct Standing: Sendable {
    package let now: Timestamp
    /// The items that backups are about now, in order.
    package let items: [ItemStanding]
    /// The latest run records, oldest first.
    package let runs: [RunRecord]
    /// Names of the points, oldest first; those that only say they are this host's are not among them.
    package let points: [PointName]
    /// Points that say they are this host's and were not signed by it, with what was found.
    package let unproven: [PointName: String]
    /// Why no signature could be checked, so that every point counts; nil where they were.
    package let unchecked: String?
    /// The newest point of which every item is whole.
    package let lastComplete: PointName?
    /// Bytes that all points take.
    package let size: ByteCount
    /// Seconds after which a last success is too old.
    package let maximumAge: Double
    /// When this host was set up, if that is known.
    package let made: Timestamp?

    /// Items that were saved before, and are not there any more though backups would be about them.
    package let gone: [ItemStanding]
    /// What verifications found wrong in points that are there.
    package let damage: [PointName: Set<String>]
    /// The last point that was made, where it and all others are missing.
    package let missing: String?
    /// Whether the points could not be looked at: then the records alone say what was saved, and nothing counts as good.
    let isBlind: Bool

    /// Looks.
    ///
    /// - Throws: when the backup directory is there and cannot be read.
    package init(of site: Site) throws { self.init(of: site, try site.catalog.points()) }

    /// What the run records alone say, for a host whose backup directory cannot be read.
    package init(blindlyOf site: Site) { self.init(of: site, nil) }

    private init(of site: Site, _ found: [Catalog.Point]?) {
        let host = try? site.state.knownHostID()
        let now = site.clock.now()
        let provenance = Provenance(of: found ?? [], host: host, signingHome: site.state.signingHome)
        let unproven = Dictionary(
            uniqueKeysWithValues: (found ?? []).compactMap { point in
                provenance.refusal(of: point.name).map { (point.name, $0) }
            })
        let genuine = (found ?? []).filter { unproven[$0.name] == nil }
        // What a clock that was ahead has left must not pass for the newest, or hide for years that nothing follows it.
        let points = genuine.filter { $0.name.moment.since(now) <= Self.tolerance }
        let manifests = points.compactMap { try? $0.manifest.get() }.filter { host == nil || $0.host == host }
        let runs = RunRecords(site.state).latest().filter { $0.moment.since(now) <= Self.tolerance }
        isBlind = found == nil
        self.now = now
        self.runs = runs
        self.points = genuine.map(\.name)
        self.unproven = unproven
        unchecked = provenance.unknown
        lastComplete = manifests.last { $0.outcome == .complete }?.point
        size = points.compactMap { try? $0.manifest.get().size }.reduce(ByteCount(0), +)
        maximumAge = site.settings.backup.maximumAge
        made = site.state.made
        let last = runs.last { $0.point != nil }?.point
        let isUnproven = unproven.contains { $0.key.description == last }
        missing = found != nil && genuine.isEmpty && !isUnproven ? last : nil
        let known = KnownDamage(runs)
        damage = known.points.filter { point, _ in points.contains { $0.name == point } }
        let current = Self.current(runs, manifests)
        gone = Self.gone(manifests, current: current, site.settings)
        var standings = Dictionary(uniqueKeysWithValues: current.map { ($0, ItemStanding(item: $0)) })
        for point in points {
            let owner = host ?? (try? point.manifest.get().host)
            let candidate = RetentionCandidate(point, host: owner, isSpoilt: known.spoils)
            for (item, copy) in candidate.copies where copy.state == .whole {
                standings[item]?.copies.append(
                    ItemStanding.Copy(
                        place: point.name.description, moment: point.name.moment, entries: copy.entries,
                        data: ByteCount(copy.bytes)))
            }
        }
        for run in runs where run.command == "backup" {
            for item in standings.keys {
                guard let attempt = run.attempt(at: item) else { continue }
                standings[item]?.tries.append(attempt)
                guard attempt.outcome == .whole else { continue }
                if let file = run.file, access(file, F_OK) == 0 {
                    standings[item]?.copies.append(ItemStanding.Copy(place: file, moment: run.moment))
                } else if let point = run.point, found == nil {
                    standings[item]?.copies.append(ItemStanding.Copy(place: point, moment: run.moment))
                }
            }
        }
        items = standings.values.sorted { $0.item < $1.item }.map { standing in
            var sorted = standing
            sorted.copies.sort { $0.moment < $1.moment }
            return sorted
        }
    }

    /// What backups are about: of each kind, the items of the last run that took all of it, and those named since then.
    private static func current(_ runs: [RunRecord], _ manifests: [Manifest]) -> Set<Item> {
        var current: Set<Item> = []
        for run in runs where run.command == "backup" && !run.items.isEmpty {
            let items = run.items.keys.compactMap { Item($0) }
            if let scope = run.scope {
                current = current.filter { scope != RunRecord.everything && scope != $0.kind.rawValue }
            }
            current.formUnion(items)
        }
        return current.isEmpty ? Set(manifests.last?.items.map(\.item) ?? []) : current
    }

    /// Seconds that a name can be ahead of the clock: one that is taken moves on, and clocks are set by a little.
    private static let tolerance = 300.0
}

extension Standing {
    /// Items whose last success is too old.
    package var stale: [ItemStanding] { items.filter { isStale($0) } }

    /// What is too old, and by how many seconds. Where there never was a backup, that is the host itself.
    var overdue: [String: Double] {
        if items.isEmpty, !isBlind, let made, now.since(made) > maximumAge { return ["": now.since(made) - maximumAge] }
        return Dictionary(
            uniqueKeysWithValues: stale.map { ($0.item.description, ($0.age(at: now) ?? 0) - maximumAge) })
    }

    package func isStale(_ item: ItemStanding) -> Bool { (item.age(at: now) ?? 0) > maximumAge }

    /// The last run of a command that has ended, those that were skipped left out.
    package func lastRun(_ command: String) -> RunRecord? {
        runs.last { $0.command == command && ![.running, .skipped].contains($0.outcome) && !$0.isPrivate }
    }

    /// The last run of a command that went well in all.
    package func lastSuccess(_ command: String) -> RunRecord? {
        runs.last { $0.command == command && $0.outcome == .complete }
    }

    /// Whether every item was whole at its last try, and recently enough, and the last run had no trouble as a whole, such
    /// as a container that did not start again. What cannot be seen is not well.
    package var backupIsWell: Bool {
        !isBlind && !items.isEmpty && overdue.isEmpty && !items.contains(where: \.isFailing)
            && !(lastRun("backup").map { ($0.isFailure || $0.ownProblem != nil) && $0.concernsMany } ?? false)
    }

    /// Runs of the last seven days that were not begun because another was at work.
    package var skipped: [RunRecord] { runs.filter { $0.outcome == .skipped && now.since($0.moment) < 7 * 86_400 } }
}

extension RunRecord {
    /// A verification with a key that did not fit: it says nothing of the points, and somebody sat there.
    var isPrivate: Bool { scope == Self.deep && outcome == .incomplete }

    package var isFailure: Bool { outcome == .failed || outcome == .died }

    /// Whether it got as far as items, or was about all of a kind: not a name that somebody mistyped.
    var concernsMany: Bool { scope != nil || !items.isEmpty }

    /// What it has to say of itself: why it failed as a whole.
    var ownProblem: String? {
        problems[""] ?? (outcome == .died ? "It died before its end: killed, or the power went." : nil)
    }

    /// What became of an item in this run; nil if it was not about it, or is still at work.
    fileprivate func attempt(at item: Item) -> ItemStanding.Try? {
        if let outcome = items[item.description] {
            return .init(moment: moment, outcome: outcome, problem: problems[item.description])
        }
        guard isFailure, items.isEmpty, let scope, scope == Self.everything || scope == item.kind.rawValue else {
            return nil
        }
        return .init(moment: moment, outcome: .failed, problem: ownProblem)
    }
}
