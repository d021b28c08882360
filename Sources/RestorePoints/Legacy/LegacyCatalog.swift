import Glibc
internal import Machine

/// The archives of older scripts in one folder; folders in it are not looked into.
package struct LegacyCatalog: Sendable {
    package let directory: String

    package init(_ directory: String) { self.directory = directory }

    /// What lies in the folder.
    package struct Listing: Sendable {
        /// By series, oldest first; those without a date come first.
        package let archives: [LegacyArchive]
        /// What is called like an archive and is no regular file: links above all.
        package let strangers: [String]
    }

    /// Lists the folder.
    ///
    /// - Throws: ``RestorePointError`` `no-directory` when it is not there: that is not the same as one without archives.
    package func list() throws -> Listing {
        let folder: Descriptor
        do {
            folder = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        } catch let error as MachineError where error.errno == ENOENT {
            throw RestorePointError(
                "no-directory", "The folder of older archives is not there.", place: directory,
                remedy: "Is its disk mounted? If it is gone for good, take it out of `backup.legacy`.")
        }
        var archives: [LegacyArchive] = []
        var strangers: [String] = []
        for file in try folder.names() {
            guard let name = LegacyName(file) else { continue }
            var status = stat()
            guard fstatat(folder.raw, file, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            guard status.st_mode & S_IFMT == S_IFREG else {
                strangers.append(file)
                continue
            }
            archives.append(
                LegacyArchive(
                    directory: directory, file: file, name: name, size: ByteCount(status.st_size),
                    inode: UInt64(status.st_ino)))
        }
        return Listing(
            archives: archives.sorted {
                ($0.name.series, $0.name.moment ?? .distantPast, $0.file)
                    < ($1.name.series, $1.name.moment ?? .distantPast, $1.file)
            }, strangers: strangers)
    }

    /// Removes an archive, durably.
    ///
    /// - Throws: ``RestorePointError`` `changed` when another file has its name by now.
    package func remove(_ archive: LegacyArchive) throws {
        let folder = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        var status = stat()
        guard fstatat(folder.raw, archive.file, &status, AT_SYMLINK_NOFOLLOW) == 0,
            UInt64(status.st_ino) == archive.inode, Int64(status.st_size) == archive.size.bytes
        else {
            throw RestorePointError(
                "changed", "It is no longer the file that was looked at.", place: archive.path,
                remedy: "Something else writes here: run the command again once that is done.")
        }
        guard unlinkat(folder.raw, archive.file, 0) == 0 else { throw MachineError.call("remove", archive.path) }
        try folder.synchronize()
    }
}
