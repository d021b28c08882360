internal import Machine
package import RestorePoints

/// Carries a ``BackupPlan`` out that has a file of a person's own: all of it in that file, or no file at all.
package struct StandAloneRun: Sendable {
    private let site: Site
    private let plan: BackupPlan
    private let file: StandAloneFile
    private let lock: HeldLock

    package init(_ plan: BackupPlan, to file: StandAloneFile, _ site: Site, holding lock: HeldLock) {
        self.plan = plan
        self.file = file
        self.site = site
        self.lock = lock
    }

    package struct Result: Sendable {
        package let file: String
        /// What the file holds; nil if it was not made.
        package let archive: Manifest.Archive?
        package let items: [Manifest.ItemRecord]
        /// By item: what went wrong, in words.
        package let problems: [String: String]
        package let seconds: Double
    }

    /// Makes the file.
    ///
    /// - Returns: also when an item failed; then there is no file.
    package func run() async throws -> Result {
        let began = monotonicSeconds()
        var record = try RunRecord.begin("backup", at: site.clock.now(), in: site.state)
        record.file = file.path
        do {
            try plan.refuseWithoutSpace()
            let outcomes = try await makeFile()
            let result = Result(
                file: file.path, archive: outcomes.compactMap(\.archive).first, items: outcomes.flatMap(\.records),
                problems: outcomes.reduce(into: [:]) { $0.merge($1.problems) { one, _ in one } },
                seconds: monotonicSeconds() - began)
            for item in result.items { record.items[item.item.description] = item.outcome }
            record.problems = result.problems
            let outcome: RunRecord.Outcome =
                result.archive == nil ? .failed : result.problems.isEmpty ? .complete : .incomplete
            try record.end(outcome, at: site.clock.now(), in: site.state)
            return result
        } catch {
            record.problems[""] = explain(error).description
            try? record.end(.failed, at: site.clock.now(), in: site.state)
            throw error
        }
    }

    private func makeFile() async throws -> [ArchiveJob.Outcome] {
        // What a killed run leaves is not in the backup directory, where it would be swept.
        let obligation = try lock.journal.owe(.remove(folder: file.folder, name: file.partial))
        defer { try? lock.journal.pay(obligation) }
        let lane = Lane(
            site: site, plan: plan, destination: .file(file), journal: lock.journal,
            parts: plan.lanes.flatMap(\.self))
        return try await lane.run()
    }
}
