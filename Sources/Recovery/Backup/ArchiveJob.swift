internal import Archives
internal import Databases
internal import Docker
internal import Glibc
internal import Machine
internal import OpenPGP
internal import RestorePoints
internal import Settings

/// The making of one archive of a point: of one item, or of all of them with `--single-archive`.
struct ArchiveJob: Sendable {
    let site: Site
    let plan: BackupPlan
    let producers: any Producers
    let destination: Destination
    let parts: [PlannedItem]
    /// `volume.n8n_data`, or `all`.
    let label: String

    /// What came of it: a record for each part, and the archive unless it failed.
    struct Outcome: Sendable {
        var records: [Manifest.ItemRecord]
        var archive: Manifest.Archive?
        /// By item: what went wrong, in words.
        var problems: [String: String] = [:]
        /// By item: what the database held.
        var databases: [String: DatabaseFacts] = [:]
    }

    /// Keeps the containers still, reads, seals, publishes the archive in the point's folder, and lets the containers go.
    ///
    /// - Throws: ``Interrupted`` only; every failure is an outcome.
    func run(_ stillness: Stillness?) async throws -> Outcome {
        let meter = Meter()
        let began = monotonicSeconds()
        site.report(.began(label, meter, expected: expectedData))
        do {
            let outcome = try await withHooks(stillness) { try await archive(meter: meter, again: true) }
            let seconds = monotonicSeconds() - began
            site.report(.ended(label, text: summary(outcome, seconds), good: outcome.problems.isEmpty))
            return outcome.timed(seconds)
        } catch {
            destination.remove(fileName)
            let explained = explain(error)
            site.report(.ended(label, text: "failed: \(explained)", good: false))
            if error is Interrupted || Task.isCancelled { throw Interrupted() }
            return failure(explained).timed(monotonicSeconds() - began)
        }
    }

    // MARK: - Containers around it

    private func withHooks(_ stillness: Stillness?, _ body: @escaping @Sendable () async throws -> Outcome) async throws
        -> Outcome
    {
        let before = parts.flatMap(\.before)
        let after = parts.flatMap(\.after)
        // Commands run in containers that run: what the item before this one kept still has to go on first.
        if !(before + after).isEmpty { try await stillness?.letGo() }
        var problem: (any Error)?
        var outcome: Outcome?
        do {
            if let known = parts.compactMap(\.problem).first { throw known }
            try await run(before)
            try await stillness?.hold(parts.flatMap(\.still).oncePerContainer())
            outcome = try await withMaximumDowntime(body)
        } catch {
            problem = error
        }
        if !after.isEmpty {
            do {
                try await stillness?.letGo()
                // Also when the run is being stopped: maintenance mode that `before` switched on has to go off again.
                try await Task { try await run(after) }.value
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
        return outcome ?? failure(Interrupted())
    }

    private func run(_ hooks: [PlannedItem.Hook]) async throws {
        guard let engine = site.engine.engine else { return }
        for hook in hooks {
            let result = try await engine.exec(hook.container, ["sh", "-c", hook.command])
            guard result.succeeded else {
                let words = result.errors.isEmpty ? result.text : result.errors
                throw RecoveryError.failed(
                    "hook",
                    "The command `\(hook.command)` ended with exit status \(result.exitCode): \(words.lastLines(3))",
                    place: "container \(hook.name)", remedy: "Try it by hand: docker exec \(hook.name) sh -c '…'")
            }
            site.report(.line("ran a hook in \(hook.name)"))
        }
    }

    /// A backup may not keep a service down without end: past the limit the item fails, and its containers run again.
    private func withMaximumDowntime(_ body: @escaping @Sendable () async throws -> Outcome) async throws -> Outcome {
        guard parts.contains(where: { !$0.still.isEmpty }) else { return try await body() }
        let limit = site.settings.backup.volumes.maximumDowntime
        return try await withDeadline(limit, body) {
            RecoveryError.failed(
                "downtime", "Reading took longer than the containers may be kept still (\(durationText(limit))).",
                place: label,
                remedy: "Raise backup.volumes.max_downtime, or do without `stop` and `pause` for this volume.")
        }
    }

    // MARK: - The archive

    private func archive(meter: Meter, again: Bool) async throws -> Outcome {
        let roots = try parts.map { try (part: $0, folder: openSource($0)) }
        let file = try destination.file(fileName)
        do {
            let (trees, sealed) = try await producers.seal(
                { sink, stop in
                    let archive = try begin(to: sink)
                    let trees = try roots.map { root in
                        try archive.add(
                            tree: root.folder, under: try place(of: root.part, in: archive),
                            excluding: { root.part.leavesOut($0) }, meter: meter, stop: stop)
                    }
                    _ = try archive.finish()
                    return trees
                }, into: file)
            if again, trees.contains(where: \.isTorn) {
                file.discard()
                site.report(.line("\(label): something shrank or vanished while it was read; reading it once more"))
                return try await self.archive(meter: meter, again: false)
            }
            if case .file = destination { try requireWhole(trees) }
            try await onThread("publish") { _ in try file.publish() }
            return outcome(trees, sealed)
        } catch {
            file.discard()
            throw error
        }
    }

    private func begin(to sink: any ByteSink) throws -> any TreeArchive {
        switch destination {
        case .point(let writer, let host):
            let identity = ArchiveIdentity(host: host, point: writer.name.description, item: label)
            return try producers.archive(
                to: sink, compression: plan.compression, identity: identity, time: writer.name.moment)
        case .file: return try ArchiveWriter(plainTo: sink, compression: plan.compression)
        }
    }

    /// The folder of the archive that a part's tree goes to. A plain archive is laid out as the volumes themselves are, with
    /// each one's own folder before its data.
    private func place(of part: PlannedItem, in archive: any TreeArchive) throws -> RawPath? {
        guard case .file = destination else { return plan.singleArchive ? RawPath(part.item.description) : nil }
        let folder = RawPath(part.item.name)
        try archive.add(folder: try Descriptor.open(parent(of: part.path), O_RDONLY | O_DIRECTORY), at: folder)
        return folder.appending(RawPath("_data"))
    }

    /// A plain archive has no place to say that it is torn: then there is none.
    private func requireWhole(_ trees: [TreeReport]) throws {
        let torn = zip(parts, trees).filter { $0.1.isTorn }
        guard let (_, tree) = torn.first else { return }
        throw RecoveryError.failed(
            "torn",
            "\(torn.map { $0.0.item.description }.joined(separator: ", ")): files shrank or vanished while they were read, twice (\(names(tree.torn))).",
            remedy: "Quiesce it: backup.volumes.quiesce. A restore point would hold it, marked as torn.")
    }

    /// Opens the folder to read; it has to be there, mounted, and not empty.
    private func openSource(_ part: PlannedItem) throws -> Descriptor {
        if let volume = part.volume, !volume.isPlain, !isMounted(part.path) {
            throw RecoveryError.failed(
                "not-mounted",
                "The volume \(volume.name) has mount options (\(volume.driver)) and is not mounted now, so its data is not on this host.",
                place: part.path, remedy: "Start a container that uses it before the backup, or exclude it.")
        }
        let folder: Descriptor
        do {
            folder = try Descriptor.open(part.path, O_RDONLY | O_DIRECTORY)
        } catch let error as MachineError where error.errno == ENOENT || error.errno == ENOTDIR {
            throw RecoveryError.failed(
                "source-missing", "What \(part.item) is to be made of is not there, or is no folder.", place: part.path,
                remedy: "See holdfast.yml and `docker volume ls`. Nothing was created.")
        }
        if !part.mayBeEmpty, try folder.isEmpty() {
            throw RecoveryError.failed(
                "empty-source", "\(part.item) is empty; an empty backup would look like a good one.", place: part.path,
                remedy:
                    "Is it the right one, and mounted? If it may be empty: backup.volumes.allow_empty: [\(part.item.name)]"
            )
        }
        return folder
    }

    private var fileName: String { destination.name(label + plan.compression.suffix + ".gpg") }

    private var expectedData: ByteCount? {
        let known = parts.compactMap(\.expectedData?.bytes)
        return known.count == parts.count ? ByteCount(known.reduce(0, +)) : nil
    }

    // MARK: - Outcomes

    private func outcome(_ trees: [TreeReport], _ sealed: Sealed) -> Outcome {
        var outcome = Outcome(
            records: [],
            archive: Manifest.Archive(
                file: fileName, size: sealed.length, sha256: sealed.digest.description,
                keys: sealed.recipients.map(\.description)))
        for (part, tree) in zip(parts, trees) {
            var record = Manifest.ItemRecord(item: part.item, outcome: tree.isTorn ? .torn : .whole)
            record.archive = fileName
            if case .point = destination, plan.singleArchive { record.within = part.item.description }
            record.entries = Int64(tree.entries)
            record.bytes = Int64(tree.bytes)
            record.grew = Int64(tree.grew.count)
            record.torn = Int64(tree.torn.count)
            outcome.records.append(record)
            if tree.mounts.count > 0 {
                site.report(
                    .warning("\(part.item): other file systems are mounted in it and not read: \(names(tree.mounts))"))
            }
            if tree.isTorn {
                outcome.problems[part.item.description] =
                    "torn: \(tree.torn.count) files shrank or vanished while they were read, twice (\(names(tree.torn))). Quiesce it: backup.volumes.quiesce"
            }
        }
        return outcome
    }

    private func names(_ list: PathList) -> String {
        list.first.prefix(3).map(\.description).joined(separator: ", ") + (list.count > 3 ? ", …" : "")
    }

    private func failure(_ error: any Explained) -> Outcome {
        var outcome = Outcome(records: [], archive: nil)
        for part in parts {
            var record = Manifest.ItemRecord(item: part.item, outcome: .failed)
            record.error = error.code
            outcome.records.append(record)
            outcome.problems[part.item.description] = error.description
        }
        return outcome
    }

    private func summary(_ outcome: Outcome, _ seconds: Double) -> String {
        let data = outcome.records.reduce(0) { $0 + $1.bytes }
        let entries = outcome.records.reduce(0) { $0 + $1.entries }
        let grew = outcome.records.reduce(0) { $0 + $1.grew }
        let size = outcome.archive.map { ByteCount($0.size) } ?? ByteCount(0)
        var text = "\(entries) entries, \(ByteCount(data)) → \(size), \(durationText(seconds))"
        if grew > 0 { text += ", \(grew) grew meanwhile" }
        for problem in outcome.problems.values.sorted() { text += "; \(problem)" }
        return text
    }
}

extension ArchiveJob.Outcome {
    fileprivate func timed(_ seconds: Double) -> Self {
        var timed = self
        for index in timed.records.indices { timed.records[index].seconds = (seconds * 1000).rounded() / 1000 }
        return timed
    }
}

extension PlannedItem {
    /// Whether the settings leave out the entry at this path below the source.
    fileprivate func leavesOut(_ path: RawPath) -> Bool {
        guard let source, !source.exclude.isEmpty else { return false }
        return source.excludes(String(decoding: path.bytes, as: UTF8.self))
    }
}

extension Array where Element == PlannedItem.Stilled {
    /// Each container once, in the same order: stopped, if anybody asks for that.
    fileprivate func oncePerContainer() -> [Element] {
        var seen: Set<String> = []
        let stopped = Set(filter { $0.mode == .stop }.map(\.id))
        return filter { ($0.mode == .stop || !stopped.contains($0.id)) && seen.insert($0.id).inserted }
    }
}
