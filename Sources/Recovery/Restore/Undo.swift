internal import Databases
package import Docker
internal import Machine
internal import RestorePoints

/// Goes back to the data that was there before the last restore.
package struct Undo: Sendable {
    package let record: RestoreRecord
    /// Containers that are stopped meanwhile.
    package let users: [Container]
    private let site: Site

    /// Looks up the last restore that can be undone.
    ///
    /// - Throws: when there is none, or stopping a container that uses the data would delete it.
    package init(_ site: Site) async throws {
        self.site = site
        guard let last = try Restores(site.state).all().last(where: { $0.committing != true }) else {
            throw RecoveryError.refused(
                "nothing-to-undo", "There is no restore that could be undone.", place: site.state.path,
                remedy:
                    "Former data is kept from a restore to its commit; from a point: holdfast restore volume NAME --from POINT"
            )
        }
        record = last
        var places = last.swaps.map { ($0.item, "\($0.folder)/\($0.live)") }
        for swap in last.databases ?? [] {
            if let file = try await swap.engine(site).file(of: swap.live) { places.append((swap.item, file)) }
        }
        users = try await Users.find(of: places, site)
    }

    /// What goes, in words: everything written since the restore.
    package var loss: String {
        let age = record.moment.map { durationText(max(0, site.clock.now().since($0))) } ?? "an unknown time"
        return
            "Everything written in the \(age) since the restore \(record.restore) is lost: the restored data is removed."
    }

    /// What there is once it is done, in words: not everything that was restored took the place of something.
    package var outcome: String {
        let made =
            record.swaps.filter { !$0.existed || $0.madeVolume != nil }.map(\.item)
            + (record.databases ?? []).filter { $0.former == nil }.map(\.item)
        let back = record.items.filter { !made.contains($0) }
        var parts: [String] = []
        if !back.isEmpty { parts.append("the former data of \(names(back)) is back") }
        if !made.isEmpty { parts.append("\(names(made)) is gone again: there was none before the restore") }
        return parts.joined(separator: "; ")
    }

    /// Exchanges databases back; if that is interrupted, the next command finishes it, or finds that it had not begun.
    private func undoDatabases() async throws {
        guard let swaps = record.databases else { return }
        var record = record
        record.exchanging = true
        try Restores(site.state).write(record)
        do {
            for swap in swaps { try await swap.undo(try await swap.engine(site)) }
        } catch {
            _ = await Task { [site] in await Restores(site.state).settleDatabases(site) }.value
            throw error
        }
    }

    private func names(_ items: [Item]) -> String { items.map(\.description).joined(separator: ", ") }

    /// Swaps the former data back, starts what it stopped, and drops the restored data.
    ///
    /// - Returns: what is not well although the data is back, in words.
    package func run(holding lock: HeldLock) async throws -> [String] {
        let users = Users(self.users, site, lock.journal)
        do {
            try await users.stop()
            for swap in record.swaps { try swap.swapBack() }
            try await undoDatabases()
        } catch {
            _ = await users.start()
            throw error
        }
        let problems = await users.start()
        for swap in record.swaps { try swap.removeRestored() }
        try Restores(site.state).forget(record)
        for swap in record.swaps where !swap.existed && swap.live == "_data" {
            site.removeIfEmpty(volumeFolder: swap.folder)
        }
        for volume in record.swaps.compactMap(\.madeVolume) {
            do {
                try await site.engine.engine?.removeVolume(volume)
            } catch {
                site.report(.warning("The volume \(volume), made by that restore, stays: \(explain(error).what)"))
            }
        }
        return problems
    }
}

/// Drops the former data of all restores.
package struct Commit: Sendable {
    package let records: [RestoreRecord]
    private let restores: Restores
    private let site: Site

    package init(_ site: Site) throws {
        self.site = site
        restores = Restores(site.state)
        records = try restores.all()
        guard !records.isEmpty else {
            throw RecoveryError.refused(
                "nothing-to-commit", "There is no former data to drop.", place: site.state.path,
                remedy: "There is nothing to do: no restore waits for its commit.")
        }
    }

    /// Drops what can be dropped.
    ///
    /// - Throws: the first problem, when the others are done; a record whose server cannot be reached stays as it was.
    package func run(holding lock: HeldLock) async throws {
        var problem: (any Error)?
        for record in records {
            do { try await commit(record) } catch { problem = problem ?? error }
        }
        if let problem { throw problem }
    }

    private func commit(_ record: RestoreRecord) async throws {
        // Who cannot be asked now is found out before there is no way back.
        for swap in record.databases ?? [] { _ = try await swap.standing(try await swap.engine(site)) }
        guard record.exchanging != true else {
            throw RecoveryError.refused(
                "unsettled", "The restore \(record.restore) was interrupted and is not put right yet.",
                place: site.state.path, remedy: "holdfast resume")
        }
        var record = record
        record.committing = true
        try restores.write(record)
        for swap in record.swaps { try swap.removeFormer() }
        for swap in record.databases ?? [] { try await swap.commit(try await swap.engine(site)) }
        try restores.forget(record)
    }
}
