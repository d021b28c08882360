import Glibc
package import Machine

/// The restore points of one backup directory: the only truth about what there is.
package struct Catalog: Sendable {
    /// Where the points lie.
    package let directory: String

    package init(_ directory: String) { self.directory = directory }

    /// One published point, with its manifest or why that cannot be read.
    package struct Point: Sendable {
        package let name: PointName
        package let path: String
        /// The bytes that were signed and digested.
        package let manifestBytes: [UInt8]
        package let manifest: Result<Manifest, RestorePointError>

        /// The digest by which the next point refers to this one.
        package var digest: Digest { Digest.of(manifestBytes) }

        /// Whether it lost its name since: whoever looks at it without the lock may see it pruned.
        package var isGone: Bool { Descriptor.status(at: path) == nil && errno == ENOENT }
    }

    /// All published points, oldest first; one that is removed while it is looked at is not among them.
    ///
    /// - Throws: when the directory is there but cannot be listed; a directory that is missing holds no points.
    package func points() throws -> [Point] {
        guard let folder = try open() else { return [] }
        let names = try folder.names().compactMap(PointName.init).sorted()
        return onAllCores(names.count) { load(names[$0], in: folder) }.compactMap { $0 }
    }

    /// The point of that name, or the newest for `latest`.
    ///
    /// - Throws: ``RestorePointError`` that names the nearest ones when it is not there.
    package func point(_ name: String) throws -> Point {
        let names = try open()?.names().compactMap(PointName.init).sorted() ?? []
        let wanted = name == "latest" ? names.last : PointName(name)
        if let wanted, names.contains(wanted), let folder = try open(), let point = load(wanted, in: folder) {
            return point
        }
        guard !names.isEmpty else {
            throw RestorePointError(
                "none", "There is no restore point yet.", place: directory, remedy: "Make one: holdfast backup")
        }
        throw RestorePointError(
            "missing", "There is no restore point “\(RawPath(name))”.", place: directory,
            remedy:
                "The nearest are: \(nearest(wanted, names).map(\.description).joined(separator: ", ")). All: holdfast list"
        )
    }

    /// Three names, in order: those around a moment, or the newest for what is no moment.
    private func nearest(_ wanted: PointName?, _ names: [PointName]) -> [PointName] {
        guard let wanted else { return names.suffix(3) }
        return names.sorted { abs($0.moment.since(wanted.moment)) < abs($1.moment.since(wanted.moment)) }.prefix(3)
            .sorted()
    }

    /// The newest point in which `item` is whole, among those whose manifest can be read.
    ///
    /// - Parameter isSpoilt: whether a file of a point is known to be no good.
    package func newest(whole item: Item, unless isSpoilt: (String, Manifest) -> Bool = { _, _ in false }) throws
        -> Point?
    {
        try points().last { point in
            guard case .success(let manifest) = point.manifest, let record = manifest.record(of: item),
                record.outcome == .whole, let file = record.archive
            else { return false }
            return !isSpoilt(file, manifest)
        }
    }

    /// The newest point, and those of the same host that hold the newest whole copy of an item: what one would restore from.
    /// Oldest first.
    package func newestOfEach() throws -> [Point] {
        let points = try points()
        guard let newest = points.last else { return [] }
        guard case .success(let manifest) = newest.manifest else { return [newest] }
        var seen: Set<Item> = []
        return points.reversed().filter { point in
            guard let other = try? point.manifest.get(), other.host == manifest.host else { return false }
            let whole = other.items.filter { $0.outcome == .whole }
            return whole.filter { seen.insert($0.item).inserted }.count > 0 || point.name == newest.name
        }.reversed()
    }

    /// What is in the directory under an unfinished name; only a holder of the lock may remove it.
    package func unfinished() throws -> [String] { try names(endingIn: DurableFile.partialSuffix) }

    /// What is left in the directory of points that were being removed; only a holder of the lock may touch it.
    package func beingRemoved() throws -> [String] { try names(endingIn: PointRemoval.suffix) }

    /// Names of points with something behind them.
    private func names(endingIn suffix: String) throws -> [String] {
        try open()?.names().filter { $0.hasSuffix(suffix) && PointName(String($0.dropLast(suffix.count))) != nil } ?? []
    }

    /// The directory; nil where there is none.
    func open() throws -> Descriptor? {
        do {
            return try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        } catch let error as MachineError where error.errno == ENOENT {
            return nil
        }
    }

    /// - Returns: nil when it is not there any more.
    private func load(_ name: PointName, in folder: Descriptor) -> Point? {
        let path = "\(directory)/\(name)"
        do {
            let point = try folder.folder(name.description)
            let file = try point.open(Manifest.fileName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let bytes = try file.readAll(limit: Self.manifestLimit)
            let manifest = Result { try Manifest.read(bytes, folder: name, place: file.path) }.mapError(unreadable)
            return Point(name: name, path: path, manifestBytes: bytes, manifest: manifest)
        } catch {
            guard folder.has(name.description) else { return nil }
            return Point(name: name, path: path, manifestBytes: [], manifest: .failure(unreadable(error)))
        }
    }

    private func unreadable(_ error: any Error) -> RestorePointError {
        let explained = explain(error)
        let code = (error as? RestorePointError)?.code.dropFirst("point.".count).description ?? "unreadable"
        return RestorePointError(
            code, explained.what, place: explained.place,
            remedy: explained.remedy
                ?? "Restore from another point (holdfast list), or fetch this one from an off-site copy.")
    }

    private static let manifestLimit = 16 << 20
}
