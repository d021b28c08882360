internal import Archives
internal import Databases
internal import Docker
internal import Machine
package import OpenPGP
package import RestorePoints

/// Carries a ``DatabaseRestorePlan`` out: new database → load → compare → exchange names. Until that, nothing live changes.
package struct DatabaseRestoreRun: Sendable {
    private let site: Site
    private let plan: DatabaseRestorePlan
    private let key: DecryptionKey
    private let lock: HeldLock

    package init(_ plan: DatabaseRestorePlan, _ site: Site, key: DecryptionKey, holding lock: HeldLock) {
        self.plan = plan
        self.site = site
        self.key = key
        self.lock = lock
    }

    package struct Result: Sendable {
        package let item: Item
        package let source: String
        package let database: String
        package let tables: Int
        package let rows: Int64
        /// The restore's name if it can be undone.
        package let restore: String?
        package let notes: [String]
        /// What is wrong although the data is in place.
        package let problems: [String]
    }

    /// Restores it, or changes nothing that lives.
    package func run() async throws -> Result {
        if let problem = plan.problem { throw problem }
        let restores = Restores(site.state)
        let name = try restores.freshName(site.clock.now())
        var record = try RunRecord.begin("restore", at: site.clock.now(), in: site.state)
        do {
            try await applyGlobals()
            let result = try await restore(name, restores)
            record.problems = result.problems.isEmpty ? [:] : ["": result.problems.joined(separator: "; ")]
            try record.end(result.problems.isEmpty ? .complete : .incomplete, at: site.clock.now(), in: site.state)
            return result
        } catch {
            record.problems[""] = explain(error).description
            try? record.end(.failed, at: site.clock.now(), in: site.state)
            throw error
        }
    }

    private func applyGlobals() async throws {
        guard plan.appliesGlobals, let globals = plan.globals, let server = plan.engine as? PostgresServer else {
            return
        }
        try await server.apply(globals)
        site.report(.line("applied \(globals.statements.count) statements about roles"))
    }

    private func restore(_ name: String, _ restores: Restores) async throws -> Result {
        let (staged, former) = plan.engine.names(of: name, for: plan.target)
        let obligation = try lock.journal.owe(.drop(entry: plan.entry, name: staged))
        let found: DatabaseFacts
        var notes: [String] = []
        do {
            (found, notes) = try await load(staged)
        } catch {
            await drop(staged, obligation)
            throw error
        }
        guard plan.isInPlace else {
            try await plan.engine.exchange(plan.target, with: staged, keeping: nil)
            try lock.journal.pay(obligation)
            return Result(
                item: plan.item, source: plan.source.name, database: plan.target, tables: found.tables.count,
                rows: found.rows, restore: nil, notes: notes, problems: [])
        }
        let problems = try await exchange(staged, plan.replaces ? former : nil, name, restores, obligation)
        return Result(
            item: plan.item, source: plan.source.name, database: plan.target, tables: found.tables.count,
            rows: found.rows, restore: name, notes: notes, problems: problems)
    }

    /// Removes what came to nothing, also when that was interrupted; what cannot be removed now stays owed.
    private func drop(_ staged: String, _ obligation: Int) async {
        await Task {
            do {
                try await plan.engine.drop(staged)
                try lock.journal.pay(obligation)
            } catch {
                site.report(.warning("The database \(staged) could not be dropped yet: \(explain(error))"))
            }
        }.value
    }

    // MARK: - Loading

    private func load(_ staged: String) async throws -> (DatabaseFacts, [String]) {
        let meter = Meter()
        let label = plan.item.description
        site.report(.began(label, meter, expected: plan.source.size))
        let began = monotonicSeconds()
        do {
            let (found, notes) = try await loadFromSource(staged, meter)
            site.report(
                .ended(
                    label,
                    text:
                        "\(counted(found.tables.count, "table")), \(counted(found.rows, "row")) \(plan.facts == nil ? "loaded" : "compared"), \(durationText(monotonicSeconds() - began))",
                    good: true))
            return (found, notes)
        } catch {
            site.report(.ended(label, text: "failed, nothing was changed", good: false))
            throw error
        }
    }

    private func loadFromSource(_ staged: String, _ meter: Meter) async throws -> (DatabaseFacts, [String]) {
        switch plan.source {
        case .point(let point, _, let archive):
            let sealed = SealedArchive(archive: archive, path: point.path, key: key)
            let found = try await plan.engine.load(staged, like: plan.facts, for: plan.database) { sink in
                try await sealed.open(meter: meter) { source, stop in
                    try CompressedStream.withPlain(source) { try $0.copy(to: sink, stop: stop) }
                }
            }
            return (found, [])
        case .file(let file):
            return try await DatabaseFile(file: file, key: key).load(
                staged, plan.engine, section: plan.database, for: plan.target, meter: meter)
        case .staged: preconditionFailure("BUG: volumes were taken for a dump")
        }
    }

    // MARK: - Exchange

    private func exchange(
        _ staged: String, _ former: String?, _ name: String, _ restores: Restores, _ obligation: Int
    ) async throws -> [String] {
        let engine = plan.engine
        guard let identity = try await engine.identities(of: [staged])[staged] else {
            throw RecoveryError.failed(
                "gone", "The restored database is gone before it came to its name.", place: staged)
        }
        let swap = RestoreRecord.DatabaseSwap(
            item: plan.item, entry: plan.entry, live: plan.target, staged: staged, former: former, identity: identity)
        var record = RestoreRecord(
            restore: name, point: plan.source.name, swaps: [], databases: [swap], exchanging: true)
        try restores.write(record)
        // From here the record answers for both databases.
        try lock.journal.pay(obligation)
        let users = Users(plan.users, site, lock.journal)
        do {
            try await users.stop()
            try await engine.exchange(plan.target, with: staged, keeping: former)
            guard try await swap.standing(engine) == .live else {
                throw RecoveryError.failed(
                    "not-exchanged", "The server says that the names were exchanged, but they were not.",
                    place: plan.target, remedy: "This is a mistake of holdfast's own: please report it.")
            }
        } catch {
            _ = await Task { await restores.settleDatabases(site) }.value
            _ = await users.start()
            throw error
        }
        record.exchanging = nil
        try restores.write(record)
        site.report(
            .line(
                former.map { "exchanged; the former database is kept as \($0) until `holdfast restore commit`" }
                    ?? "made the database \(RawPath(plan.target)), which was not there"))
        return await users.start()
    }
}
