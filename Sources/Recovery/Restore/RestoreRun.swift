internal import Archives
internal import Docker
internal import Glibc
internal import Machine
package import OpenPGP
package import RestorePoints

/// Carries a ``RestorePlan`` out: stage → compare → stop → swap → start → healthy. Until the swap, nothing live changes.
package struct RestoreRun: Sendable {
    private let site: Site
    private let plan: RestorePlan
    private let key: DecryptionKey
    private let lock: HeldLock

    package init(_ plan: RestorePlan, _ site: Site, key: DecryptionKey, holding lock: HeldLock) {
        self.plan = plan
        self.site = site
        self.key = key
        self.lock = lock
    }

    package struct Result: Sendable {
        package let items: [Restored]
        /// The restore's name if it can be undone.
        package let restore: String?
        /// What is wrong although the data is in place: a container that is not healthy again.
        package let problems: [String]

        package struct Restored: Sendable {
            package let item: Item
            package let source: String
            package let place: String
            package let entries: Int64
            package let notes: [String]
        }
    }

    /// An item staged and compared, ready to be swapped in.
    fileprivate struct Staged: Sendable {
        let item: RestoreItem
        let folder: String
        let name: String
        let live: String
        let madeVolume: String?
        let obligation: Int
        let report: ExtractionReport
    }

    /// Restores everything, or changes nothing that lives.
    package func run() async throws -> Result {
        let restores = Restores(site.state)
        let name = try restores.freshName(site.clock.now())
        var record = try RunRecord.begin("restore", at: site.clock.now(), in: site.state)
        do {
            let staged = try await stage(name)
            let undoable = staged.filter { if case .folder = $0.item.target { false } else { true } }
            try placeFolders(staged.filter { if case .folder = $0.item.target { true } else { false } })
            let problems = undoable.isEmpty ? [] : try await swap(undoable, name, restores)
            record.problems = problems.isEmpty ? [:] : ["": problems.joined(separator: "; ")]
            try record.end(problems.isEmpty ? .complete : .incomplete, at: site.clock.now(), in: site.state)
            return Result(items: staged.map(\.restored), restore: undoable.isEmpty ? nil : name, problems: problems)
        } catch {
            record.problems[""] = explain(error).description
            try? record.end(.failed, at: site.clock.now(), in: site.state)
            throw error
        }
    }

    // MARK: - Staging

    private func stage(_ name: String) async throws -> [Staged] {
        var staged: [Staged] = []
        var places: [Place] = []
        do {
            for item in plan.items { places.append(try await place(item)) }
            for (item, place) in zip(plan.items, places) { staged.append(try await stage(item, place, name)) }
            return staged
        } catch {
            for one in staged { try? discard(one) }
            await removeVolumes(places.compactMap(\.madeVolume))
            for place in places where place.live == "_data" { site.removeIfEmpty(volumeFolder: place.folder) }
            throw error
        }
    }

    private typealias Place = (folder: String, live: String, madeVolume: String?)

    /// Where the item will live; makes the volume if it is gone.
    private func place(_ item: RestoreItem) async throws -> Place {
        switch item.target {
        case .live(let folder, let live):
            if access(folder, F_OK) != 0 { try makeFolders(folder) }
            return (folder, live, item.source.madeVolume)
        case .folder(let path):
            try makeFolders(parent(of: path))
            return (
                parent(of: path), String(path.dropFirst(parent(of: path) == "/" ? 1 : parent(of: path).count + 1)), nil
            )
        case .newVolume(let name):
            guard let engine = site.engine.engine else {
                throw RecoveryError.failed("no-engine", "The engine is gone.")
            }
            let facts = try await item.source.volumeFacts(name, key)
            let volume = try await engine.createVolume(
                name, driver: facts?.driver ?? "local", labels: facts?.labels ?? [:],
                options: (facts?.options ?? [:]).mapValues(Redacted.init))
            guard volume.isPlain else {
                throw RecoveryError.failed(
                    "mounted-volume",
                    "The volume \(name) was made anew with its mount options; its data lies elsewhere.",
                    place: name, remedy: "Restore with --to DIR, then copy what you need.")
            }
            site.report(.line("made the volume \(name) with \(facts?.labels.count ?? 0) labels"))
            return (
                parent(of: volume.mountpoint),
                String(volume.mountpoint.dropFirst(parent(of: volume.mountpoint).count + 1)), name
            )
        }
    }

    private func stage(_ item: RestoreItem, _ place: Place, _ name: String) async throws -> Staged {
        let meter = Meter()
        let label = item.item.description
        let stagingName = ".holdfast-\(name)-\(place.live)"
        let obligation = try lock.journal.owe(.remove(folder: place.folder, name: stagingName))
        do {
            site.report(.began(label, meter, expected: item.source.size))
            let began = monotonicSeconds()
            let parent = try Descriptor.open(place.folder, O_RDONLY | O_DIRECTORY)
            let report = try await item.source.stage(in: parent, as: stagingName, item.selection, key, meter: meter)
            guard report.missing.isEmpty else {
                throw RecoveryError.failed(
                    "path-missing", "Not in the archive: \(report.missing.map(\.description).joined(separator: ", ")).",
                    place: item.source.name,
                    remedy: "Paths count from the item’s own top, without a slash in front. Nothing was restored.")
            }
            site.report(
                .ended(
                    label,
                    text:
                        "\(report.entries) entries, \(ByteCount(report.bytes)) compared, \(report.extracted) entries staged, "
                        + durationText(monotonicSeconds() - began),
                    good: true))
            return Staged(
                item: item, folder: place.folder, name: stagingName, live: place.live, madeVolume: place.madeVolume,
                obligation: obligation, report: report)
        } catch {
            site.report(.ended(label, text: "failed, nothing was changed", good: false))
            try? Descriptor.folder(place.folder).removeTree(stagingName)
            lock.journal.payForRemoval(obligation)
            throw error
        }
    }

    /// Removes volumes that were made for a restore that came to nothing, also when that was interrupted.
    private func removeVolumes(_ names: [String]) async {
        guard let engine = site.engine.engine else { return }
        await Task { for name in names { _ = try? await engine.removeVolume(name) } }.value
    }

    private func discard(_ staged: Staged) throws {
        try Descriptor.folder(staged.folder).removeTree(staged.name)
        try lock.journal.pay(staged.obligation)
    }

    /// Gives what was staged for a folder of the person's own its name.
    private func placeFolders(_ staged: [Staged]) throws {
        for one in staged {
            let parent = try Descriptor.folder(one.folder)
            // rename(2) replaces a folder only if it is empty, which is just what may be replaced here.
            try parent.rename(one.name, to: one.live, replacing: true)
            try parent.synchronize()
            try lock.journal.pay(one.obligation)
        }
    }

    // MARK: - Swapping

    private func swap(_ staged: [Staged], _ name: String, _ restores: Restores) async throws -> [String] {
        let swaps = try staged.map { one in
            let parent = try Descriptor.folder(one.folder)
            return RestoreRecord.Swap(
                item: one.item.item, folder: one.folder, live: one.live, staged: one.name,
                inode: UInt64(try parent.folder(one.name).status().st_ino), existed: parent.has(one.live),
                madeVolume: one.madeVolume)
        }
        let points = Set(staged.map(\.item.source.name)).sorted().joined(separator: ", ")
        try restores.write(RestoreRecord(restore: name, point: points, swaps: swaps))
        // From here the record answers for the staging folders, which soon hold the former data.
        for one in staged { try lock.journal.pay(one.obligation) }
        let users = Users(plan.users, site, lock.journal)
        do {
            try await users.stop()
            for swap in swaps { try swap.swap() }
        } catch {
            let isBack = (try? restores.settle()) != nil
            _ = await users.start()
            if isBack { await removeVolumes(staged.compactMap(\.madeVolume)) }
            for one in staged where one.live == "_data" { site.removeIfEmpty(volumeFolder: one.folder) }
            throw error
        }
        site.report(.line("swapped in; the former data is kept until `holdfast restore commit`"))
        return await users.start()
    }
}

extension Site {
    /// Removes a volume's own folder if nothing is in it and no engine knows of it: one that comes later would take it for
    /// a volume.
    func removeIfEmpty(volumeFolder folder: String) {
        if engine.engine == nil { rmdir(folder) }
    }
}

extension RestoreRun.Staged {
    var restored: RestoreRun.Result.Restored {
        var notes: [String] = []
        if !report.ownersKept { notes.append("owners could not be kept: holdfast did not run as root") }
        if report.torn > 0 { notes.append("\(report.torn) entries are torn: they changed while the backup read them") }
        return RestoreRun.Result.Restored(
            item: item.item, source: item.source.name, place: "\(folder)/\(live)", entries: report.extracted,
            notes: notes)
    }
}
