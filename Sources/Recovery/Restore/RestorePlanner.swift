internal import Archives
internal import Docker
internal import Glibc
internal import Machine
internal import OpenPGP
package import RestorePoints
internal import Settings

/// Decides where each item comes from and goes to, and who has to stop meanwhile. Changes nothing.
package struct RestorePlanner: Sendable {
    let site: Site
    private let trust: SignerTrust

    package init(_ site: Site, trust: SignerTrust) {
        self.site = site
        self.trust = trust
    }

    /// Makes the plan.
    ///
    /// - Throws: when an item is in no point, a point is not signed by who is trusted, the target is not usable, an
    ///   earlier restore of the same item is neither kept nor undone, or the space will not do.
    package func plan(_ request: RestoreRequest) async throws -> RestorePlan {
        guard request.paths.isEmpty || request.to != nil else {
            throw RecoveryError.refused(
                "path-needs-to", "Single files are taken out into a folder, never put into live data.",
                remedy: "Say where to: --to DIR")
        }
        let names = try request.names.isEmpty ? allNames(request) : request.names
        var items: [RestoreItem] = []
        for name in names where !items.contains(where: { $0.item.name == name }) {
            items.append(try await plan(name, request, alone: names.count == 1))
        }
        try await checkSignatures(items)
        return try await plan(items)
    }

    /// Makes the plan for one archive that a person named.
    ///
    /// - Parameters:
    ///   - volume: the volume that it is to become; else `to`, a new or empty folder.
    package func plan(_ file: ArchiveFile, volume: String?, to: String?, paths: [String]) async throws -> RestorePlan {
        let item = Item(volume == nil ? .files : .volume, volume ?? "archive")
        guard Item.isName(item.name), volume == nil || to == nil, volume != nil || to != nil else {
            throw RecoveryError.refused(
                "no-target", "An archive needs one place to go to.", remedy: "Say --to DIR, or --volume NAME.")
        }
        let target = try await target(item, to, alone: true)
        return try await plan([
            RestoreItem(
                item: item, source: .file(file), target: target,
                selection: paths.isEmpty ? nil : PathSelection(paths.map { RawPath($0) }),
                free: freeSpace(at: target.stagingFolder ?? "/"))
        ])
    }

    func plan(_ items: [RestoreItem]) async throws -> RestorePlan {
        try refusePending(items)
        try refuseWithoutSpace(items)
        return RestorePlan(items: items, users: try await users(of: items), warnings: warnings(items))
    }

    // MARK: - One item

    private func plan(_ name: String, _ request: RestoreRequest, alone: Bool) async throws -> RestoreItem {
        guard Item.isName(name) else {
            throw RecoveryError.refused(
                "bad-name", "“\(RawPath(name))” can be no \(request.kind.rawValue)’s name.",
                remedy: "See: holdfast list")
        }
        let item = Item(request.kind, name)
        let point = try point(for: item, request.from)
        let (record, archive) = try point.contents(of: item)
        let target = try await target(item, request.to, alone: alone)
        return RestoreItem(
            item: item, source: .point(point, record, archive), target: target,
            selection: request.paths.isEmpty ? nil : PathSelection(request.paths.map(RawPath.init)),
            free: freeSpace(at: target.stagingFolder ?? site.settings.backup.directory))
    }

    /// The point of that name, or the newest in which the item is whole.
    func point(for item: Item, _ name: String?) throws -> Catalog.Point {
        if let name {
            let point = try site.catalog.point(name)
            _ = try point.manifest.get()
            return point
        }
        let damage = KnownDamage(RunRecords(site.state).latest())
        if let point = try site.catalog.newest(whole: item, unless: damage.spoils) { return point }
        // Better one that may be damaged than none: what is wrong with it shows before anything live changes.
        if let point = try site.catalog.newest(whole: item) { return point }
        let known = Set(try site.catalog.points().flatMap { (try? $0.manifest.get().items) ?? [] }.map(\.item))
        throw RecoveryError.refused(
            "in-no-point", "\(item) is whole in no restore point.", place: site.settings.backup.directory,
            remedy: known.isEmpty
                ? "There are none: see backup.directory in \(site.settings.file)."
                : "There are: \(known.sorted().map(\.description).joined(separator: ", ")). A torn one can be named with --from POINT."
        )
    }

    private func allNames(_ request: RestoreRequest) throws -> [String] {
        throw RecoveryError.refused(
            "no-name", "Nothing is named to be restored.",
            remedy: "holdfast restore \(request.kind.rawValue) NAME…; what there is: holdfast list")
    }

    // MARK: - Targets

    func target(_ item: Item, _ to: String?, alone: Bool) async throws -> RestoreTarget {
        if let to { return try folderTarget(alone ? to : "\(to)/\(item.name)") }
        switch item.kind {
        case .files:
            guard let source = site.settings.backup.files.first(where: { $0.name == item.name }) else {
                throw RecoveryError.refused(
                    "no-place", "\(item) has no place on this host: backup.files does not name it.",
                    place: site.settings.file,
                    remedy: "Add it there, or say where to: --to DIR")
            }
            return try liveTarget(source.path)
        case .database: preconditionFailure("BUG: a database was taken for a tree of files")
        case .volume:
            guard case .reachable(let engine) = site.engine else {
                return try liveTarget("\(try volumesRoot())/\(item.name)/_data")
            }
            guard let volume = try await engine.volume(item.name) else { return .newVolume(item.name) }
            guard volume.isPlain else {
                throw RecoveryError.refused(
                    "mounted-volume",
                    "The volume \(volume.name) has mount options: its data cannot be exchanged in one step.",
                    place: volume.mountpoint, remedy: "Restore beside it with --to DIR, then copy what you need.")
            }
            return try liveTarget(volume.mountpoint)
        }
    }

    private func volumesRoot() throws -> String {
        if let root = site.settings.backup.volumes.root { return root }
        guard case .absent(let reason) = site.engine else { return "" }
        throw RecoveryError.refused(
            "no-engine", "There is no engine to ask where volumes lie: \(reason.what)", place: reason.place,
            remedy: "Start it, or set backup.volumes.root, or restore into a folder with --to DIR.")
    }

    private func liveTarget(_ configured: String) throws -> RestoreTarget {
        // A link to the folder stays: what is exchanged is the folder that it leads to.
        let path = resolved(configured)
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw RecoveryError.refused(
                "bad-place", "\(path) cannot be exchanged in one step.", place: path, remedy: "Use --to DIR.")
        }
        guard !isMounted(path) else {
            throw RecoveryError.refused(
                "mount-point", "Something is mounted on it, so it cannot be exchanged in one step.", place: path,
                remedy: "Restore beside it with --to DIR, then copy what you need.")
        }
        return .live(folder: String(path[..<slash]), live: String(path[path.index(after: slash)...]))
    }

    private func folderTarget(_ path: String) throws -> RestoreTarget {
        let path = absolute(path)
        guard access(path, F_OK) == 0 else { return .folder(path) }
        guard let folder = try? Descriptor.folder(path), try folder.isEmpty() else {
            throw RecoveryError.refused(
                "not-empty", "The folder to restore into is not empty, and nothing in it will be overwritten.",
                place: path,
                remedy: "Name one that is not there yet.")
        }
        return .folder(path)
    }

    // MARK: - What could stand in the way

    private func checkSignatures(_ items: [RestoreItem]) async throws {
        var checked: Set<PointName> = []
        for item in items {
            guard case .point(let point, _, _) = item.source, checked.insert(point.name).inserted else { continue }
            try await Self.requireSignature(of: point, trust: trust)
        }
    }

    /// - Throws: when the point's manifest is not signed by who is trusted, or that cannot be checked.
    static func requireSignature(of point: Catalog.Point, trust: SignerTrust) async throws {
        switch await PointCheck.signatureVerdict(of: point, trust: trust) {
        case .passed: break
        case .failed(let error): throw error
        case .notChecked(let reason):
            throw RecoveryError.refused(
                "signer-unknown", "Whether the manifest of \(point.name) is genuine cannot be checked: \(reason)",
                place: point.path,
                remedy: "Read the signing fingerprint off the recovery card: --signer FINGERPRINT")
        }
    }

    private func refusePending(_ items: [RestoreItem]) throws {
        let pending = try Restores(site.state).all()
        for item in items {
            guard case .live(let folder, let live) = item.target else { continue }
            guard let record = pending.first(where: { $0.swaps.contains { $0.folder == folder && $0.live == live } })
            else { continue }
            throw RecoveryError.refused(
                "pending", "\(item.item) was restored before (\(record.restore)), and its former data is still kept.",
                place: "\(folder)/\(live)",
                remedy: "First drop that (holdfast restore commit) or go back to it (holdfast restore undo).")
        }
    }

    private func refuseWithoutSpace(_ items: [RestoreItem]) throws {
        for item in items where item.selection == nil {
            guard let free = item.free, let data = item.source.data, data > free else { continue }
            throw RecoveryError.refused(
                "no-space", "\(item.item) needs \(data) beside the present data, \(free) are free.",
                place: item.target.stagingFolder, remedy: "Free some space, or restore elsewhere with --to DIR.")
        }
    }

    private func users(of items: [RestoreItem]) async throws -> [Container] {
        let places = items.compactMap { item -> (Item, String)? in
            guard case .live(let folder, let live) = item.target else { return nil }
            return (item.item, "\(folder)/\(live)")
        }
        return try await Users.find(of: places, site)
    }

    private func warnings(_ items: [RestoreItem]) -> [String] {
        var warnings: [String] = []
        for item in items {
            guard case .point(let point, let record, _) = item.source, record.outcome == .torn else { continue }
            warnings.append("\(item.item) is torn in \(point.name): \(record.torn) files changed while they were read.")
        }
        let damage = KnownDamage(RunRecords(site.state).latest())
        for item in items {
            guard case .point(let point, _, _) = item.source, let newer = try? site.catalog.newest(whole: item.item),
                newer.name > point.name, let manifest = try? newer.manifest.get(),
                let file = manifest.record(of: item.item)?.archive, damage.spoils(file, of: manifest)
            else { continue }
            warnings.append(
                "\(item.item) is in \(newer.name) as well, which was found damaged: this is from \(point.name).")
        }
        let live = items.contains { if case .live = $0.target { true } else { false } }
        if live, site.engine.engine == nil {
            warnings.append("There is no engine to ask who uses the data: stop those programs yourself first.")
        }
        return warnings
    }
}

extension RestoreTarget {
    /// Where the data is staged; nil while the volume is not there yet.
    var stagingFolder: String? {
        switch self {
        case .live(let folder, _): folder
        case .newVolume: nil
        case .folder(let path): parent(of: path)
        }
    }
}

/// The folder above; "/" has itself.
func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
}

/// Where a path leads once its links are followed; the path itself if nothing is there.
func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
}

/// The path from the root, seen from the working directory.
func absolute(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    if path.hasPrefix("/") { return path }
    guard let here = getcwd(nil, 0) else { return path }
    defer { free(here) }
    return String(cString: here) + "/" + path
}
