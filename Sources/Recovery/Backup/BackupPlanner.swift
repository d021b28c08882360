internal import Archives
internal import Docker
internal import Glibc
internal import Machine
internal import OpenPGP
internal import RestorePoints
internal import Settings

/// Looks at host and settings, and decides what a run will do. Changes nothing, and creates nothing: a wrong name is an
/// error, never an empty volume.
package struct BackupPlanner: Sendable {
    let site: Site
    var warnings: [String] = []

    package init(_ site: Site) { self.site = site }

    /// Makes the plan.
    ///
    /// - Throws: when a name is unknown, nothing is selected, a recipient is not usable, or an engine that is there does
    ///   not answer.
    package mutating func plan(_ request: BackupRequest) async throws -> BackupPlan {
        let recipients = try await usableRecipients(site)
        for key in recipients { warnings += expiryWarning(key) }
        let last = lastRecords()
        var items: [PlannedItem] = []
        if request.kind == nil || request.kind == .volume { items += try await volumes(last) }
        if request.kind == nil || request.kind == .files { items += try await files(last) }
        if request.kind == nil || request.kind == .database { items += try await databases(last) }
        items = try filter(items, request)
        if request.file != nil, request.kind == .database { items = [try theOne(of: items, request)] }
        guard !items.isEmpty else {
            throw RecoveryError.refused(
                "nothing", "There is nothing to back up: no volume is selected, no folder and no database is named.",
                place: site.settings.file,
                remedy: "See backup.volumes.include, backup.files and backup.databases, then: holdfast check")
        }
        let expected = items.compactMap(\.expected?.bytes)
        let directory = request.file?.folder ?? site.settings.backup.directory
        let isSingle = request.singleArchive || request.file != nil
        return BackupPlan(
            directory: directory,
            compression: request.file?.compression ?? Compression(site.settings.backup.compression),
            recipients: recipients, lanes: isSingle ? singleLane(of: items) : lanes(of: items),
            singleArchive: isSingle, forecast: expected.isEmpty ? nil : ByteCount(expected.reduce(0, +)),
            free: freeSpace(at: directory), warnings: warnings)
    }

    // MARK: - Volumes

    private mutating func volumes(_ last: [Item: LastTime]) async throws -> [PlannedItem] {
        let settings = site.settings.backup.volumes
        guard case .reachable(let engine) = site.engine else { return try volumesWithoutEngine(last) }
        let containers = try await engine.containers()
        let volumes = try await engine.volumes()
        let root: String = if let root = settings.root { root } else { try await engine.info().volumesRoot }
        var planned = unused(settings.missing(from: volumes.map(\.name)), in: root, last)
        for volume in volumes where settings.selects(volume.name) {
            planned.append(plan(volume, users: containers.filter { $0.uses(volume) }, last[Item(.volume, volume.name)]))
        }
        let present = Set(planned.map(\.item.name))
        for gone in volumesOfPoints(site) where settings.selects(gone) && !present.contains(gone) {
            warnings.append("The volume \(gone) is in earlier restore points, but no longer there.")
        }
        return planned
    }

    private func plan(_ volume: Volume, users: [Container], _ last: LastTime?) -> PlannedItem {
        func planned(
            _ still: [PlannedItem.Stilled], _ before: [PlannedItem.Hook], _ after: [PlannedItem.Hook],
            _ problem: (any Explained)?
        ) -> PlannedItem {
            PlannedItem(
                item: Item(.volume, volume.name), path: volumePath(volume), source: nil,
                mayBeEmpty: site.settings.backup.volumes.mayBeEmpty(volume.name), still: still, before: before,
                after: after,
                volume: volume, users: users, expected: last?.size, expectedData: last?.data, problem: problem)
        }
        do {
            return planned(
                try stilled(volume.name, users), try hooks(volume.name, users, \.before, PlannedItem.Label.before),
                try hooks(volume.name, users, \.after, PlannedItem.Label.after), nil)
        } catch {
            return planned([], [], [], explain(error))
        }
    }

    private func volumePath(_ volume: Volume) -> String {
        guard let root = site.settings.backup.volumes.root else { return volume.mountpoint }
        return "\(root)/\(volume.name)/_data"
    }

    private mutating func volumesWithoutEngine(_ last: [Item: LastTime]) throws -> [PlannedItem] {
        let settings = site.settings.backup.volumes
        guard let root = settings.root else { return try unreachable(last) }
        warnings.append("There is no engine: the volumes in \(root) are read as they lie, nothing is stopped or asked.")
        let names = try volumeNames(in: root)
        return unused(names.filter(settings.selects) + settings.missing(from: names), in: root, last)
    }

    /// Without an engine and without a root, volumes that earlier points hold are failures; if there are none, so is the run.
    private func unreachable(_ last: [Item: LastTime]) throws -> [PlannedItem] {
        guard !site.settings.backup.volumes.include.isEmpty, case .absent(let reason) = site.engine else { return [] }
        let known = last.keys.filter { $0.kind == .volume && site.settings.backup.volumes.selects($0.name) }.sorted()
        guard !known.isEmpty else { throw reason }
        return unused(known.map(\.name), in: "/var/lib/docker/volumes", last).map { item in
            var item = item
            item.problem = reason
            return item
        }
    }

    /// Volumes of which the engine knows nothing: they are read as they lie, and are failures if they do not.
    private func unused(_ names: [String], in root: String, _ last: [Item: LastTime]) -> [PlannedItem] {
        names.map { name in
            let item = Item(.volume, name)
            return PlannedItem(
                item: item, path: "\(root)/\(name)/_data", source: nil,
                mayBeEmpty: site.settings.backup.volumes.mayBeEmpty(name), still: [],
                before: [], after: [], volume: nil, users: [], expected: last[item]?.size,
                expectedData: last[item]?.data)
        }
    }

    // MARK: - Quiescing and hooks

    private func stilled(_ volume: String, _ users: [Container]) throws -> [PlannedItem.Stilled] {
        let configured = site.settings.backup.volumes.quiesce(for: volume)
        return try users.filter { $0.state == .running }.compactMap { user in
            let mode = try configured ?? labelled(user) ?? .none
            if mode == .stop, user.isAutoRemoved {
                throw RecoveryError.refused(
                    "would-delete", "\(user.name) was started with --rm: stopping it would delete it.",
                    place: "volume \(volume)",
                    remedy: "Use `pause` or `none` for this volume, or start that container without --rm.")
            }
            return mode == .none ? nil : PlannedItem.Stilled(id: user.id, name: user.name, mode: mode)
        }
    }

    private func labelled(_ user: Container) throws -> Settings.Quiesce? {
        guard let word = user.labels[PlannedItem.Label.quiesce] else { return nil }
        guard let mode = Settings.Quiesce(rawValue: word) else {
            throw RecoveryError.refused(
                "bad-label", "The label \(PlannedItem.Label.quiesce) of \(user.name) says “\(word)”.",
                place: "container \(user.name)",
                remedy: "It may say stop, pause or none.")
        }
        return mode
    }

    /// The commands of the settings, in the one container that uses the volume, then those of the containers' labels.
    private func hooks(
        _ volume: String, _ users: [Container], _ part: KeyPath<Settings.Hooks, [String]>, _ label: String
    ) throws -> [PlannedItem.Hook] {
        let running = users.filter { $0.state == .running }
        var hooks: [PlannedItem.Hook] = []
        if let commands = site.settings.backup.volumes.hooks(for: volume)?[keyPath: part], !commands.isEmpty {
            guard running.count == 1, let user = running.first else {
                throw RecoveryError.refused(
                    "hook-container",
                    "The hooks of \(volume) need exactly one running container that uses it, there are \(running.count).",
                    place: site.settings.file,
                    remedy:
                        "Put the commands into labels of the container they belong to: \(PlannedItem.Label.before), \(PlannedItem.Label.after)."
                )
            }
            hooks += commands.map { PlannedItem.Hook(container: user.id, name: user.name, command: $0) }
        }
        for user in running {
            guard let command = user.labels[label] else { continue }
            hooks.append(PlannedItem.Hook(container: user.id, name: user.name, command: command))
        }
        return hooks
    }

    /// Joins items that cannot be read side by side into one lane each: those that keep the same container still, also one
    /// whose server is dumped, and a database's file with the tree that it lies in, for SQLite's locks go when anybody else
    /// here closes that file.
    private func lanes(of items: [PlannedItem]) -> [[PlannedItem]] {
        var lanes: [(shared: Set<String>, items: [PlannedItem])] = []
        for item in items.sorted(by: { $0.item < $1.item }) {
            var lane = (shared: shared(by: item, items), items: [item])
            let joined = lanes.filter { !$0.shared.isDisjoint(with: lane.shared) }
            lanes.removeAll { !$0.shared.isDisjoint(with: lane.shared) }
            for other in joined {
                lane.shared.formUnion(other.shared)
                lane.items = other.items + lane.items
            }
            lanes.append(lane)
        }
        // The largest first, so that the last one to end is a short one.
        return lanes.map(\.items).sorted { weight($0) > weight($1) }
    }

    /// What an item needs for itself while it is read.
    private func shared(by item: PlannedItem, _ items: [PlannedItem]) -> Set<String> {
        var shared = Set(item.still.map(\.id) + [item.item.description])
        if let file = item.dump?.file {
            shared.formUnion(items.filter { $0.dump == nil && file.hasPrefix($0.path + "/") }.map(\.item.description))
        }
        // A server that another item stops is dumped before that; what nobody stops is dumped side by side.
        if let container = item.dump?.container, items.contains(where: { $0.still.contains { $0.id == container } }) {
            shared.insert(container)
        }
        return shared
    }

    /// All trees go into one archive; a dump is a file of its own, for there are no files in it.
    private func singleLane(of items: [PlannedItem]) -> [[PlannedItem]] {
        // One after the other: the dumps of a lane come before its archives.
        let isApart = { (item: PlannedItem) in item.dump != nil && item.dump?.file == nil && item.dump?.container == nil
        }
        let together = items.filter { !isApart($0) }.sorted { $0.item < $1.item }
        return (together.isEmpty ? [] : [together]) + items.filter(isApart).map { [$0] }
    }

    private func weight(_ lane: [PlannedItem]) -> Int64 { lane.reduce(0) { $0 + ($1.expectedData?.bytes ?? 0) } }

    // MARK: - Files

    private func files(_ last: [Item: LastTime]) async throws -> [PlannedItem] {
        site.settings.backup.files.map { source in
            let item = Item(.files, source.name)
            return PlannedItem(
                item: item, path: source.path, source: source, mayBeEmpty: false, still: [], before: [], after: [],
                volume: nil,
                users: [], expected: last[item]?.size, expectedData: last[item]?.data)
        }
    }

    // MARK: - Selection and forecast

    private func filter(_ items: [PlannedItem], _ request: BackupRequest) throws -> [PlannedItem] {
        guard !request.names.isEmpty else { return items }
        return try request.names.reduce(into: []) { chosen, name in
            // A database entry's name stands for all that it has, its globals among it.
            let ofEntry = items.filter { $0.item.kind == .database && DatabaseItems.entry(of: $0.item) == name }
            if !ofEntry.isEmpty, !items.contains(where: { $0.item.kind != .database && $0.item.name == name }) {
                chosen += ofEntry.filter { one in !chosen.contains { $0.item == one.item } }
                return
            }
            let found = items.filter { $0.item.name == name || $0.item.description == name }
            guard found.count == 1, let one = found.first else {
                let known = items.map { $0.item.name }.joined(separator: ", ")
                throw RecoveryError.refused(
                    "unknown-name",
                    found.isEmpty
                        ? "There is no volume, folder or database “\(RawPath(name))” among what is to be backed up."
                        : "“\(name)” is \(found.map(\.item.kind.words).joined(separator: " and ")).",
                    remedy: found.isEmpty
                        ? "There are: \(known). Nothing was made."
                        : "Say which: holdfast backup volumes|files|databases \(name)")
            }
            if !chosen.contains(where: { $0.item == one.item }) { chosen.append(one) }
        }
    }

    typealias LastTime = (size: ByteCount?, data: ByteCount)

    /// What each item took in the newest point that has it whole.
    private func lastRecords() -> [Item: LastTime] {
        var last: [Item: LastTime] = [:]
        for point in (try? site.catalog.points().suffix(50)) ?? [] {
            guard case .success(let manifest) = point.manifest else { continue }
            for record in manifest.items where record.outcome == .whole {
                let size = record.within == nil ? record.archive.flatMap { manifest.archive(named: $0)?.size } : nil
                last[record.item] = (size.map { ByteCount($0) }, ByteCount(record.bytes))
            }
        }
        return last
    }

    private func expiryWarning(_ key: PublicKey) -> [String] {
        guard case .usable(let until?) = key.encryptionState(at: site.clock.now()) else { return [] }
        let days = Int(until.since(site.clock.now()) / 86_400)
        return days <= 30
            ? ["The key \(key.fingerprint) expires in \(days) days (\(until)): then backups stop. See holdfast check."]
            : []
    }
}

extension Settings.Volumes {
    /// Names, not patterns, under `include` that no volume has: somebody counts on their being saved.
    func missing(from names: [String]) -> [String] {
        include.filter { $0.isExact && selects($0.text) && Item.isName($0.text) }.map(\.text).filter {
            !names.contains($0)
        }
    }
}

/// The volumes that the latest points hold whole, sorted.
func volumesOfPoints(_ site: Site) -> [String] {
    let points = (try? site.catalog.points().suffix(50)) ?? []
    let records = points.flatMap { (try? $0.manifest.get().items) ?? [] }
    return Set(records.filter { $0.item.kind == .volume && $0.outcome == .whole }.map(\.item.name)).sorted()
}

/// The volumes that lie in a folder as Docker lays them out: `NAME/_data`.
func volumeNames(in root: String) throws -> [String] {
    try Descriptor.open(root, O_RDONLY | O_DIRECTORY).names().filter { name in
        Item.isName(name) && access("\(root)/\(name)/_data", F_OK) == 0
    }
}

/// The keys to encrypt to, every one of them usable now.
func usableRecipients(_ site: Site) async throws -> [PublicKey] {
    guard !site.recipients.isEmpty else {
        throw RecoveryError.refused(
            "no-recipients", "Nobody is named who could read the backups.", place: site.settings.file,
            remedy:
                "Import a public key (holdfast key import FILE) and write its fingerprint under backup.encryption.recipients."
        )
    }
    var keys: [PublicKey] = []
    for recipient in site.recipients {
        let key = try await site.keyring.key(for: recipient)
        try key.requireEncryption(at: site.clock.now())
        if !keys.contains(where: { $0.fingerprint == key.fingerprint }) { keys.append(key) }
    }
    return keys
}

/// What is free for this user on the file system that `path`, or the nearest folder above it, lies on.
func freeSpace(at path: String) -> ByteCount? {
    var path = path
    while true {
        var status = statvfs()
        if statvfs(path, &status) == 0 { return ByteCount(UInt64(status.f_bavail) * UInt64(status.f_frsize)) }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), path != "/" else { return nil }
        path = slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension Compression {
    /// The codec for what the settings say.
    init(_ setting: Settings.Compression) {
        switch setting {
        case .zstd(let level): self = .zstd(level: level)
        case .gzip(let level): self = .gzip(level: level)
        case .none: self = .none
        }
    }
}
