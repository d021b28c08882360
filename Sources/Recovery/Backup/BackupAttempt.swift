internal import Machine
internal import RestorePoints

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
        let started = site.clock.now()
        var record = try RunRecord.begin("backup", scope: request.scope, at: started, in: site.state)
        do {
            var planner = BackupPlanner(site)
            let plan = try await planner.plan(request)
            for warning in plan.warnings { site.report(.warning(warning)) }
            let result =
                if let file = request.file {
                    try await StandAloneRun(plan, to: file, site, holding: lock).run()
                } else {
                    try await BackupRun(plan, site, holding: lock).run(started)
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
            record.problems[""] = explain(error).description
            try? record.end(.failed, at: site.clock.now(), in: site.state)
            throw error
        }
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
