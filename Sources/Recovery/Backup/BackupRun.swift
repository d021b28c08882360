internal import Archives
internal import Databases
internal import Docker
internal import Machine
internal import OpenPGP
internal import RestorePoints
internal import Settings

/// Carries a ``BackupPlan`` out: one restore point, published as its very last deed.
struct BackupRun: Sendable {
    private let site: Site
    private let plan: BackupPlan
    private let lock: HeldLock
    private let producers: any Producers

    init(_ plan: BackupPlan, _ site: Site, holding lock: HeldLock, by producers: any Producers) {
        self.plan = plan
        self.producers = producers
        self.site = site
        self.lock = lock
    }

    /// Makes the point, whose name is the moment `started`.
    ///
    /// - Returns: also when items failed; ``BackupResult/problems`` has them.
    /// - Throws: when nothing could be published at all for a reason that is no item's.
    func run(_ started: Timestamp) async throws -> BackupResult {
        let began = monotonicSeconds()
        try plan.refuseWithoutSpace()
        let sign = try await producers.signer()
        let host = try site.state.hostID(clock: site.clock)
        let writer = try PointWriter(in: site.settings.backup.directory, at: started)
        let made = try await discardingOnFailure(writer) {
            try await makePoint(writer, host: host, started: started, sign)
        }
        return BackupResult(
            made: made.manifest.map { .point($0) }, items: made.items, problems: made.problems,
            seconds: monotonicSeconds() - began)
    }

    private func discardingOnFailure<Value>(_ writer: PointWriter, _ body: () async throws -> Value) async throws
        -> Value
    {
        do {
            return try await body()
        } catch {
            try? writer.discard()
            throw error
        }
    }

    // MARK: - The point

    private func makePoint(
        _ writer: PointWriter, host: String, started: Timestamp,
        _ sign: @Sendable ([UInt8]) async throws -> [UInt8]
    ) async throws -> (manifest: Manifest?, items: [Manifest.ItemRecord], problems: [String: String]) {
        let outcomes = try await archives(writer, host: host)
        var problems = outcomes.reduce(into: [String: String]()) { $0.merge($1.problems) { one, _ in one } }
        let items = outcomes.flatMap(\.records)
        var files = outcomes.compactMap(\.archive)
        guard !files.isEmpty else {
            try writer.discard()
            return (nil, items, problems)
        }
        do {
            let databases = outcomes.reduce(into: [String: DatabaseFacts]()) {
                $0.merge($1.databases) { one, _ in one }
            }
            files.append(try await privateFacts(writer, host: host, problems: problems, databases: databases))
        } catch {
            let reason = explain(error)
            throw RecoveryError.failed(
                "private-facts",
                "The archives were made, but not the private facts: \(reason.what) Nothing was published.",
                place: reason.place, remedy: reason.remedy)
        }
        let previous = try site.catalog.points().last { (try? $0.manifest.get().host) == host }
        let manifest = Manifest(
            host: host, point: writer.name, started: started, finished: site.clock.now(),
            previous: previous.map { .init(point: $0.name, sha256: $0.digest.description) },
            recipients: plan.recipients.map(\.fingerprint.description), archives: files,
            items: items, holdfast: site.version)
        let bytes = try JSON.write(manifest)
        let signature = try await sign(bytes)
        let names = files.map(\.file)
        try await onThread("publish") { _ in try writer.publish(bytes, signature: signature, files: names) }
        if manifest.outcome == .incomplete, problems.isEmpty { problems[""] = "not every item is whole" }
        return (manifest, items, problems)
    }

    private static let mostLanes = 4

    /// Runs the lanes side by side, as many as there are cores, but not so many that their memory counts.
    private func archives(_ writer: PointWriter, host: String) async throws -> [ArchiveJob.Outcome] {
        try await sideBySide(plan.lanes, limit: min(Self.mostLanes, availableCores())) { parts in
            try await Lane(
                site: site, plan: plan, producers: producers, destination: .point(writer, host: host),
                journal: lock.journal, parts: parts
            ).run()
        }.flatMap(\.self)
    }

    // MARK: - What goes with it

    private func privateFacts(
        _ writer: PointWriter, host: String, problems: [String: String], databases: [String: DatabaseFacts]
    ) async throws -> Manifest.Archive {
        let users = plan.items.flatMap(\.users)
        var containers: [String: PrivateFacts.ContainerFacts] = [:]
        for user in users {
            containers[user.name] = PrivateFacts.ContainerFacts(
                name: user.name, image: user.image, volumes: user.mounts.compactMap(\.name),
                project: user.composeProject,
                service: user.composeService)
        }
        let volumes = plan.items.compactMap(\.volume).map { volume in
            (
                volume.name,
                PrivateFacts.VolumeFacts(
                    driver: volume.driver, labels: volume.labels, options: volume.options.mapValues(\.exposed))
            )
        }
        let facts = PrivateFacts(
            host: host, point: writer.name, volumes: Dictionary(volumes) { one, _ in one },
            images: await imageDigests(users),
            containers: containers.values.sorted { $0.name < $1.name }, problems: problems, databases: databases)
        let bytes = try Zstandard.compress(try JSON.write(facts))
        let file = try writer.file(PrivateFacts.fileName)
        do {
            let (_, sealed) = try await producers.seal({ sink, _ in try sink.write(bytes) }, into: file)
            try file.publish()
            return Manifest.Archive(
                file: PrivateFacts.fileName, size: sealed.length, sha256: sealed.digest.description,
                keys: sealed.recipients.map(\.description))
        } catch {
            file.discard()
            throw error
        }
    }

    /// Digests of the images in use; what cannot be asked is left out, for a backup does not hang on it.
    private func imageDigests(_ users: [Container]) async -> [String: [String]] {
        guard let engine = site.engine.engine, !users.isEmpty else { return [:] }
        let images = (try? await engine.images(Set(users.map(\.imageID)))) ?? [:]
        return Dictionary(users.map { ($0.image, images[$0.imageID]?.digests ?? []) }) { one, _ in one }
    }
}
