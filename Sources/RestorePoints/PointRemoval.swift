import Glibc
internal import Machine

/// Takes a restore point away so that at no moment a part of it looks like a point; `docs/formats/restore-point.md`.
package enum PointRemoval {
    /// What a folder is called while it is removed.
    package static let suffix = ".removing"

    /// Takes its name from a point, durably, then removes all of it. Call it only while holding the lock.
    ///
    /// - Throws: before the point lost its name, when that cannot be done; or after it, when a part of it could not be
    ///   removed, which ``sweep(_:)`` tries again.
    package static func remove(_ name: PointName, in directory: String) throws {
        let folder = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        let removing = name.description + suffix
        try folder.rename(name.description, to: removing)
        try folder.synchronize()
        try folder.removeTree(removing)
    }

    /// Removes the rest of points whose removal was interrupted. Call it only while holding the lock.
    ///
    /// - Returns: the names of those points.
    package static func sweep(_ directory: String) throws -> [String] {
        let rests = try Catalog(directory).beingRemoved()
        guard !rests.isEmpty else { return [] }
        let folder = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        for name in rests { try folder.removeTree(name) }
        return rests.map { String($0.dropLast(suffix.count)) }
    }
}
