internal import Machine
package import RestorePoints
package import Settings

/// Looks at what there is and plans which points and older archives go. Changes nothing.
package struct PrunePlanner: Sendable {
    private let site: Site
    private let proven: Set<PointName>

    /// - Parameter proven: points that a drill restored: they stay.
    package init(_ site: Site, proven: Set<PointName> = []) {
        self.site = site
        self.proven = proven
    }

    /// Makes the plan. Older archives may be read as a whole for it.
    ///
    /// - Throws: ``RecoveryError`` refusals when no rule is configured or an option names an item that is none; what keeps
    ///   a good plan from being carried out is in ``PrunePlan/refusals``.
    package func plan(_ options: PruneOptions = PruneOptions()) async throws -> PrunePlan {
        let backup = site.settings.backup
        guard backup.retention != nil || backup.legacy.contains(where: { $0.within != nil }) else {
            throw RecoveryError.refused(
                "no-retention", "The configuration does not say what is to be kept.", place: site.settings.file,
                remedy: "Write it below `backup:`, such as `retention: { keep_within: 30d, keep_last: 3 }`.")
        }
        let now = site.clock.now()
        let policy = backup.retention.map(RetentionPolicy.init)
        let (all, host) = (try site.catalog.points(), try site.state.knownHostID())
        let damage = KnownDamage(RunRecords(site.state).latest())
        let provenance = try site.provenance(of: all)
        let candidates = all.map { point in
            // What cannot be checked is not removed either.
            let refusal = provenance.refusal(of: point.name) ?? provenance.unknown
            return RetentionCandidate(
                point, host: host, refusal: refusal, obstacle: provenance.obstacle(of: point.name),
                isSpoilt: damage.spoils)
        }
        let forgotten = try forgotten(options.forget, candidates)
        let legacy = try await onThread("older archives") { stop in
            try backup.legacy.map { entry in
                try LegacyPlan(
                    try LegacyCatalog(entry.directory).list(), in: entry.directory, within: entry.within, now: now
                ) { try $0.damage(stop: stop) }
            }
        }
        var gates = PruneGates(
            site: site, candidates: candidates, legacy: legacy, now: now, forgotten: forgotten,
            acceptances: try Acceptances.read(in: site.state))
        let refusals = try gates.refusals(options)
        var exempt: [PointName: RetentionReason] = [:]
        for record in try Restores(site.state).all() {
            if let point = PointName(record.point) { exempt[point] = .inUse }
        }
        for point in damage.points.keys { exempt[point] = .suspect }
        for point in proven { exempt[point] = .proven }
        let retention = policy.map {
            RetentionPlan(candidates, policy: $0, now: now, exempt: exempt, forgetting: forgotten)
        }
        return PrunePlan(
            directory: backup.directory, policy: policy, points: retention?.points ?? [], legacy: legacy,
            refusals: refusals, acceptances: gates.acceptances,
            seen: Dictionary(
                all.map { ($0.name, .init(digest: $0.digest, size: (try? $0.manifest.get().size) ?? ByteCount(0))) }
            ) { one, _ in one })
    }

    /// - Throws: for what is no item of this host's points, and for what the newest point or backups are about: that is no
    ///   item to forget.
    private func forgotten(_ names: [String], _ candidates: [RetentionCandidate]) throws -> Set<Item> {
        guard !names.isEmpty else { return [] }
        let known = candidates.compactMap { candidate -> Set<Item>? in
            guard case .ours(let copies, _) = candidate.content else { return nil }
            return Set(copies.keys)
        }
        let items = try PruneGates.items(names, among: known.reduce([]) { $0.union($1) }, option: "--forget")
        // The newest point may be of single items, which a person named.
        let saved = try Standing(of: site).items.map(\.item) + (known.last ?? [])
        if let current = items.first(where: saved.contains) {
            throw RecoveryError.refused(
                "still-saved", "\(current) is not to be forgotten: it is still backed up.",
                remedy: "Take it out of the configuration, back up, then forget it.")
        }
        return items
    }
}

extension RetentionPolicy {
    /// The rules as the configuration has them.
    package init(_ retention: Settings.Retention) {
        self.init(
            within: retention.within, last: retention.last, daily: retention.daily, weekly: retention.weekly,
            monthly: retention.monthly, yearly: retention.yearly)
    }
}
