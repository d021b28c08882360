internal import Glibc
internal import Machine
internal import RestorePoints

/// Carries a ``BackupPlan`` out that has a file of a person's own: all of it in that file, or no file at all.
struct StandAloneRun: Sendable {
    private let site: Site
    private let plan: BackupPlan
    private let file: StandAloneFile
    private let lock: HeldLock
    private let producers: any Producers

    init(
        _ plan: BackupPlan, to file: StandAloneFile, _ site: Site, holding lock: HeldLock, by producers: any Producers
    ) {
        self.plan = plan
        self.producers = producers
        self.file = file
        self.site = site
        self.lock = lock
    }

    /// Makes the file.
    ///
    /// - Returns: also when an item failed; then there is no file.
    func run() async throws -> BackupResult {
        let began = monotonicSeconds()
        try plan.refuseWithoutSpace()
        let outcomes = try await makeFile()
        return BackupResult(
            made: outcomes.compactMap(\.archive).first.map { .file(file.path, $0) },
            items: outcomes.flatMap(\.records),
            problems: outcomes.reduce(into: [:]) { $0.merge($1.problems) { one, _ in one } },
            seconds: monotonicSeconds() - began)
    }

    private func makeFile() async throws -> [ArchiveJob.Outcome] {
        try file.refuseTakenPartial()
        // What a killed run leaves is not in the backup directory, where it would be swept.
        let obligation = try lock.journal.owe(.remove(folder: file.folder, name: file.partial))
        defer { lock.journal.payForRemoval(obligation) }
        let lane = Lane(
            site: site, plan: plan, producers: producers, destination: .file(file), journal: lock.journal,
            parts: plan.lanes.flatMap(\.self))
        let outcomes = try await lane.run()
        guard !outcomes.contains(where: { $0.archive != nil }) || access(file.path, F_OK) == 0 else {
            throw RecoveryError.failed(
                "directory-gone", "The file was written, but it is not there.", place: file.path,
                remedy: "Was its disk unmounted meanwhile? Mount it, and look; then back up again.")
        }
        return outcomes
    }
}
