import Machine
import RestorePoints

/// The items of a plan that are saved one after the other: the dumps first, then the archives.
struct Lane: Sendable {
    let site: Site
    let plan: BackupPlan
    let producers: any Producers
    let destination: Destination
    let journal: Journal
    let parts: [PlannedItem]

    /// Runs its jobs; what was kept still runs again afterwards, whatever happens.
    ///
    /// - Throws: ``Interrupted`` only; every failure is an outcome.
    func run() async throws -> [ArchiveJob.Outcome] {
        let stillness = site.engine.engine.map { Stillness(engine: $0, journal: journal, report: site.report) }
        var outcomes: [ArchiveJob.Outcome] = []
        do {
            for part in parts {
                guard let dump = part.dump else { continue }
                let job = DumpJob(
                    site: site, plan: plan, destination: destination, journal: journal, part: part, dump: dump)
                outcomes.append(try await job.run())
            }
            for job in archiveJobs { outcomes.append(try await job.run(stillness)) }
        } catch {
            try? await stillness?.letGo()
            throw error
        }
        do {
            try await stillness?.letGo()
        } catch {
            site.report(.warning("\(explain(error))"))
            let text = explain(error).description
            if let last = outcomes.indices.last { outcomes[last].problems["", default: ""] += text }
        }
        return outcomes
    }

    /// One archive for each item, or one for all of them.
    private var archiveJobs: [ArchiveJob] {
        func job(_ parts: [PlannedItem], _ label: String) -> ArchiveJob {
            ArchiveJob(
                site: site, plan: plan, producers: producers, destination: destination, parts: parts, label: label)
        }
        let trees = parts.filter { $0.dump == nil }
        if plan.singleArchive { return trees.isEmpty ? [] : [job(trees, "all")] }
        return trees.map { job([$0], $0.item.description) }
    }
}
