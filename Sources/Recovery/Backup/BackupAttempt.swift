internal import Machine
internal import RestorePoints
internal import Settings

/// One attempt at a backup: on record before anything is looked at, and however it ends.
package struct BackupAttempt: Sendable {
    private let request: BackupRequest
    private let site: Site
    private let lock: HeldLock

    package init(_ request: BackupRequest, _ site: Site, holding lock: HeldLock) {
        self.request = request
        self.site = site
        self.lock = lock
    }

    /// Plans, and makes the point or the file.
    ///
    /// - Returns: also when items failed; ``BackupResult/problems`` has them.
    /// - Throws: when nothing could be published at all for a reason that is no item's; the record has it too.
    package func run() async throws -> BackupResult {
        try await run {
            var planner = BackupPlanner(site)
            let plan = try await planner.plan(request)
            return (plan, OwnProducers(site: site, plan: plan))
        }
    }

    /// As ``run()``, of a plan and by producers that the caller has.
    package func run(
        _ prepare: () async throws -> (plan: BackupPlan, producers: any Producers)
    ) async throws -> BackupResult {
        let started = site.clock.now()
        var record = try RunRecord.begin("backup", scope: request.scope, at: started, in: site.state)
        do {
            try refuseEmptiedDirectory()
            let (plan, producers) = try await prepare()
            for warning in plan.warnings { site.report(.warning(warning)) }
            let result =
                if let file = request.file {
                    try await StandAloneRun(plan, to: file, site, holding: lock, by: producers).run()
                } else {
                    try await BackupRun(plan, site, holding: lock, by: producers).run(started)
                }
            switch result.made {
            case .point(let manifest): record.point = manifest.point.description
            case .file(let path, _): record.file = path
            case nil: break
            }
            record.problems = result.problems
            for item in result.items { record.items[item.item.description] = item.outcome }
            try record.end(result.outcome, at: site.clock.now(), in: site.state)
            return result
        } catch {
            // A part that nothing is configured for is a slip of whoever typed it.
            if (error as? RecoveryError)?.code == "recovery.nothing" { record.scope = nil }
            record.problems[""] = explain(error).description
            try? record.end(.failed, at: site.clock.now(), in: site.state)
            throw error
        }
    }
}

extension BackupAttempt {
    /// Where there were points and there is none, a disk is not mounted; what would be written would lie beneath it.
    private func refuseEmptiedDirectory() throws {
        guard request.file == nil, !request.acceptsEmptyDirectory, try site.catalog.points().isEmpty,
            let last = RunRecords(site.state).latest().last(where: { $0.point != nil })?.point
        else { return }
        throw RecoveryError.refused(
            "points-gone", "The last point that is known, \(last), is not here, and no other is.",
            place: site.settings.backup.directory,
            remedy:
                "Is its disk mounted? If the points were moved or removed on purpose: holdfast backup --accept-empty")
    }
}

extension BackupRequest {
    /// As it stands in the record: `all`, a kind, or nil where single items are named.
    package var scope: String? { names.isEmpty ? kind?.rawValue ?? RunRecord.everything : nil }
}

extension RunRecord {
    /// The scope of a backup of everything.
    static let everything = "all"
}
