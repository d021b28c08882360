import Glibc
package import Machine

/// A restore point in the making: a `.partial` folder that gets its name as the very last deed.
package final class PointWriter: Sendable {
    package let name: PointName
    private let directory: Descriptor
    private let folder: Descriptor

    /// Makes the folder; a name that is taken, or that the newest point is ahead of by seconds, moves on.
    ///
    /// - Parameter directory: the backup directory. It is never made here: where a disk is not mounted, that would fill
    ///   the wrong one.
    package init(in directory: String, at moment: Timestamp) throws {
        do {
            self.directory = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        } catch let error as MachineError where error.errno == ENOENT {
            throw RestorePointError(
                "no-directory", "The backup directory is not there.", place: directory,
                remedy: "Is its disk mounted? If it is new: mkdir -p -m 0700 \(directory)")
        }
        var name = PointName(moment)
        // Never before the newest, which may bear a name of the next seconds: prune may have freed this one, and the points
        // behind it were made after another of that name. A point of a clock that was wrong is not followed.
        if let newest = try self.directory.names().compactMap(PointName.init).max(),
            (0...Self.tolerance).contains(newest.moment.since(name.moment))
        {
            name = PointName(newest.moment.advanced(by: 1))
        }
        while self.directory.has(name.description) || self.directory.has(Self.partial(name)) {
            name = PointName(name.moment.advanced(by: 1))
        }
        self.name = name
        let partial = Self.partial(name)
        try self.directory.makeFolder(partial)
        folder = try self.directory.folder(partial)
    }

    /// Begins a file of this point.
    package func file(_ name: String) throws -> DurableFile { try DurableFile(in: folder, name: name) }

    /// Removes a file that was finished, but is not wanted any more.
    package func remove(_ name: String) throws { try folder.removeTree(name) }

    /// Writes manifest and signature, makes all of it durable and gives the point its name.
    ///
    /// - Throws: ``RestorePointError`` when the folder holds anything that the manifest does not name, or less, and for a
    ///   manifest that nobody could read afterwards; `directory-gone` when the disk was unmounted meanwhile.
    package func publish(_ manifest: [UInt8], signature: [UInt8], files: [String]) throws {
        let there = try folder.names()
        let named = try Manifest.read(manifest, folder: name, place: folder.path).archives.map(\.file)
        guard there == files.sorted(), there == named.sorted() else {
            throw RestorePointError(
                "bug", "The point's folder holds \(there), but its manifest names \(named.sorted()).",
                place: folder.path,
                remedy: "This is a mistake of holdfast's own: please report it. Nothing was published.")
        }
        try folder.publish(Manifest.fileName, manifest)
        try folder.publish(Manifest.signatureName, signature)
        try folder.synchronize()
        guard directory.isAtItsPath else {
            throw RestorePointError(
                "directory-gone", "The backup directory is not the one any more that the point was written to.",
                place: directory.path,
                remedy: "Was its disk unmounted meanwhile? Mount it, then back up again. Nothing was published.")
        }
        try directory.rename(Self.partial(name), to: name.description)
        try directory.synchronize()
    }

    /// Removes all of it; for every way out that is not ``publish(_:signature:files:)``.
    package func discard() throws { try directory.removeTree(Self.partial(name)) }

    /// Removes what earlier runs left unfinished, and makes the names durable that one gave right before it was killed. Call it
    /// only while holding the lock.
    ///
    /// - Returns: the names that were removed.
    package static func sweep(_ directory: String) throws -> [String] {
        let catalog = Catalog(directory)
        guard let folder = try catalog.open() else { return [] }
        let unfinished = try catalog.unfinished()
        for name in unfinished { try folder.removeTree(name) }
        try folder.synchronize()
        return unfinished
    }

    /// Seconds by which the newest point may be ahead of the clock.
    private static let tolerance = 300.0

    private static func partial(_ name: PointName) -> String { name.description + DurableFile.partialSuffix }
}
