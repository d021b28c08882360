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
    /// Names of the points, oldest first.
    package let points: [PointName]
    /// The newest point of which every item is whole.
    package let lastComplete: PointName?
    /// Bytes that all points take.
    package let size: ByteCount
    /// Seconds after which a last success is too old.
    package let maximumAge: Double
    /// When this host was set up, if that is known.
    package let made: Timestamp?

    /// Looks.
    ///
    /// - Throws: when the backup directory is there and cannot be read.
    package init(of site: Site) throws {
        let host = try? site.state.knownHostID()
        let points = try site.catalog.points()
        let manifests = points.compactMap { try? $0.manifest.get() }.filter { host == nil || $0.host == host }
        let runs = RunRecords(site.state).latest()
        now = site.clock.now()
        self.runs = runs
        self.points = points.map(\.name)
        lastComplete = manifests.last { $0.outcome == .complete }?.point
        size = manifests.map(\.size).reduce(ByteCount(0), +)
        maximumAge = site.settings.backup.maximumAge
        made = site.state.made
        var standings = Dictionary(
            uniqueKeysWithValues: Self.current(runs, manifests).map { ($0, ItemStanding(item: $0)) })
        for manifest in manifests {
            for record in manifest.items where record.outcome == .whole {
                standings[record.item]?.copies.append(
                    ItemStanding.Copy(
                        place: manifest.point.description, moment: manifest.point.moment, entries: record.entries,
                        data: ByteCount(record.bytes)))
            }
        }
        for run in runs where run.command == "backup" {
            for item in standings.keys {
                guard let attempt = run.attempt(at: item) else { continue }
                standings[item]?.tries.append(attempt)
                if attempt.outcome == .whole, let file = run.file, access(file, F_OK) == 0 {
                    standings[item]?.copies.append(ItemStanding.Copy(place: file, moment: run.moment))
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
}

extension Standing {
    /// Items whose last success is too old.
    package var stale: [ItemStanding] { items.filter { isStale($0) } }

    /// What is too old, and by how many seconds. Where there never was a backup, that is the host itself.
    var overdue: [String: Double] {
        if items.isEmpty, let made, now.since(made) > maximumAge { return ["": now.since(made) - maximumAge] }
        return Dictionary(
            uniqueKeysWithValues: stale.map { ($0.item.description, ($0.age(at: now) ?? 0) - maximumAge) })
    }

    package func isStale(_ item: ItemStanding) -> Bool { (item.age(at: now) ?? 0) > maximumAge }

    /// The last run of a command that has ended, those that were skipped left out.
    package func lastRun(_ command: String) -> RunRecord? {
        runs.last { $0.command == command && ![.running, .skipped].contains($0.outcome) }
    }

    /// The last run of a command that went well in all.
    package func lastSuccess(_ command: String) -> RunRecord? {
        runs.last { $0.command == command && $0.outcome == .complete }
    }

    /// Whether every item was whole at its last try, and recently enough, and the last run did not fail as a whole.
    package var backupIsWell: Bool {
        overdue.isEmpty && !items.contains(where: \.isFailing)
            && !(lastRun("backup").map { $0.isFailure && $0.concernsMany } ?? false)
    }

    /// Runs of the last seven days that were not begun because another was at work.
    package var skipped: [RunRecord] { runs.filter { $0.outcome == .skipped && now.since($0.moment) < 7 * 86_400 } }
}

extension RunRecord {
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
