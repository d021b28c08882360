internal import Databases
internal import Machine

extension RestoreRecord.DatabaseSwap {
    /// Where the restored database is.
    enum Standing {
        /// Under its live name.
        case live
        /// Not exchanged yet, or exchanged back.
        case staged
        /// Under neither name.
        case gone
    }

    /// Asked of the server: a flag could lie after a crash, an identity cannot.
    func standing(_ engine: any DatabaseEngine) async throws -> Standing {
        try await engine.endOrphans(of: staged)
        if let former { try await engine.endOrphans(of: former) }
        let there = try await engine.identities(of: [live, staged])
        if there[live] == identity { return .live }
        return there[staged] == identity ? .staged : .gone
    }

    func engine(_ site: Site) async throws -> any DatabaseEngine {
        let sources = DatabaseSources(site: site)
        return try await sources.engine(for: try sources.entry(entry))
    }

    /// Puts the former database back under the live name, and drops the restored one.
    func undo(_ engine: any DatabaseEngine) async throws {
        switch try await standing(engine) {
        case .live:
            if let former {
                try await engine.exchange(live, with: former, keeping: staged)
            } else {
                try await engine.drop(live)
            }
        case .staged: break
        case .gone:
            // Nothing is left to take back, or somebody put another in its place: then the former one is not ours to drop.
            guard let former, try await engine.identities(of: [former])[former] != nil else { return }
            throw RecoveryError.failed(
                "moved", "What was restored for \(item) is no longer where it was put: somebody moved or replaced it.",
                place: live,
                remedy: "The former database is kept as \(former): look at both, and sort them by hand. "
                    + "holdfast restore commit then drops it.")
        }
        if try await engine.identities(of: [staged])[staged] == identity { try await engine.drop(staged) }
    }

    /// Drops the former database.
    func commit(_ engine: any DatabaseEngine) async throws {
        guard let former else { return }
        // Whatever stands under the live name now: the former one is what is to go.
        try await engine.drop(former)
    }
}

extension Restores {
    /// Meets what an interrupted exchange of databases left; call it only while holding the lock. What cannot be asked now
    /// is left for the next time.
    func settleDatabases(_ site: Site) async -> [String] {
        var done: [String] = []
        for record in (try? all()) ?? [] {
            guard let swaps = record.databases, record.exchanging == true || record.committing == true else { continue }
            do {
                if let text = try await patiently({ try await settle(record, swaps, site) }) { done.append(text) }
            } catch {
                site.report(
                    .warning("Could not put right the restore \(record.restore): \(explain(error))"))
            }
        }
        return done
    }

    /// What a killed run had told the server to do may be going on there for a moment, and be in the way.
    private func patiently<Value>(_ body: () async throws -> Value) async throws -> Value {
        for _ in 0..<Self.attempts {
            do { return try await body() } catch let error as DatabaseError where error.kind == .statementFailed {
                try await Task.sleep(for: .seconds(1))
            }
        }
        return try await body()
    }

    private static let attempts = 3

    private func settle(
        _ record: RestoreRecord, _ swaps: [RestoreRecord.DatabaseSwap], _ site: Site
    ) async throws -> String? {
        var record = record
        if record.committing == true {
            for swap in swaps { try await swap.commit(try await swap.engine(site)) }
            try forget(record)
            return "finished dropping the former data of the restore \(record.restore)"
        }
        var live = 0
        for swap in swaps where try await swap.standing(try await swap.engine(site)) == .live { live += 1 }
        if live == swaps.count {
            record.exchanging = nil
            try write(record)
            return "the restore \(record.restore) was done: its database is live"
        }
        for swap in swaps { try await swap.undo(try await swap.engine(site)) }
        try forget(record)
        return "went back to the former data: the restore \(record.restore) was interrupted"
    }
}
