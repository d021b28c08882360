package import Machine
package import RestorePoints

/// Carries a ``PrunePlan`` out: each point loses its name first, so that a crash leaves nothing that looks like one.
package struct PruneRun: Sendable {
    private let site: Site
    private let plan: PrunePlan
    private let lock: HeldLock

    package init(_ plan: PrunePlan, _ site: Site, holding lock: HeldLock) {
        self.site = site
        self.plan = plan
        self.lock = lock
    }

    /// What was removed, and what could not be.
    package struct Result: Sendable {
        package var points: [PointName] = []
        package var archives: [LegacyArchive] = []
        package var freed = ByteCount(0)
        /// By point or path: why it could not be removed.
        package var problems: [String: String] = [:]
    }

    /// Removes what the plan says, the oldest first; what cannot be removed does not keep the rest.
    ///
    /// - Throws: the plan's first refusal, before anything was removed; ``RecoveryError`` when the disk is no longer what the
    ///   plan was made from.
    package func run() async throws -> Result {
        let started = site.clock.now()
        var record = try begin(at: started)
        do {
            if let refusal = plan.refusals.first { throw refusal }
            try refuseIfChanged()
            if try Acceptances.read(in: site.state) != plan.acceptances { try plan.acceptances.write(in: site.state) }
            let result = try await onThread("prune") { try remove(stop: $0) }
            // Now there is room for it.
            var ended = try record ?? RunRecord.begin("prune", at: started, in: site.state)
            ended.problems = result.problems
            try ended.end(result.problems.isEmpty ? .complete : .incomplete, at: site.clock.now(), in: site.state)
            return result
        } catch {
            record?.problems[""] = explain(error).description
            try? record?.end(.failed, at: site.clock.now(), in: site.state)
            throw error
        }
    }

    /// Begins the record; nil where the disk is full, for then it is this run that makes room for records again.
    private func begin(at moment: Timestamp) throws -> RunRecord? {
        do {
            return try RunRecord.begin("prune", at: moment, in: site.state)
        } catch let error as MachineError where error.code == "machine.disk-full" {
            site.report(.warning("No run record could be begun: \(error)"))
            return nil
        }
    }

    private func remove(stop: StopSignal) throws -> Result {
        var result = Result()
        for point in plan.removed {
            try stop.check()
            let size = plan.size(of: point) ?? ByteCount(0)
            result.problems[point.description] = attempt("the point \(point)", size) {
                try PointRemoval.remove(point, in: plan.directory)
                result.points.append(point)
                result.freed = result.freed + size
            }
        }
        for archive in plan.removedArchives {
            try stop.check()
            result.problems[archive.path] = attempt(archive.path, archive.size) {
                try LegacyCatalog(archive.directory).remove(archive)
                result.archives.append(archive)
                result.freed = result.freed + archive.size
            }
        }
        return result
    }

    /// - Returns: why it did not go.
    private func attempt(_ what: String, _ size: ByteCount, _ body: () throws -> Void) -> String? {
        do {
            try body()
            site.report(.line("removed \(what), \(size)"))
            return nil
        } catch {
            site.report(.warning("Could not remove \(what): \(explain(error))"))
            return explain(error).description
        }
    }

    /// Every point that the plan speaks of has to be there still, with the manifest that was read.
    private func refuseIfChanged() throws {
        let now = Dictionary(try site.catalog.points().map { ($0.name, $0.digest) }) { one, _ in one }
        guard now == plan.seen.mapValues(\.digest) else {
            throw RecoveryError.refused(
                "changed", "The restore points are not those that the plan was made for.", place: plan.directory,
                remedy: "Something else writes there: find out what, then prune again. Nothing was removed.")
        }
    }
}
