package import Glibc

/// The one way in which files are published: `NAME.partial`, write, length check, fsync, close, rename, fsync folder.
///
/// The final name appears only when all bytes are on disk, and never replaces another file unless told to. A file that
/// is neither published nor discarded leaves its `.partial` behind, which the next run sweeps.
///
/// - Note: `@unchecked Sendable`: one thread writes, and whoever publishes waits for it first.
package final class DurableFile: ByteSink, @unchecked Sendable {
    /// What unfinished files and folders are called until they are published.
    package static let partialSuffix = ".partial"

    package let name: String
    /// Bytes taken so far.
    package private(set) var length: Int64 = 0

    private let folder: Descriptor
    private let file: Descriptor
    private var flushed: Int64 = 0
    /// Why bytes are missing: such a file is never published, whatever its length.
    private var failure: (any Error)?

    /// Creates `NAME.partial` in `folder`; one that an earlier run left behind is replaced.
    ///
    /// - Parameter mode: whatever the umask is.
    package init(in folder: Descriptor, name: String, mode: mode_t = 0o600) throws {
        self.folder = folder
        self.name = name
        let partial = name + Self.partialSuffix
        try? folder.unlink(partial)
        file = try folder.open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        if mode != 0o600, folder.kernel.setMode(file.raw, mode) != 0 {
            throw MachineError.call("set the rights of", file.path)
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            try file.write(bytes)
        } catch {
            failure = error
            throw error
        }
        length += Int64(bytes.count)
        // Starts writing back early, so that the fsync at the end finds little left to do.
        if length - flushed >= Self.flushDistance {
            file.kernel.startWriteback(file.raw, Int(flushed), Int(length - flushed))
            flushed = length
        }
    }

    /// Gives the file its name, durably.
    ///
    /// - Parameter replacing: whether a file of that name may be there already.
    /// - Throws: after which the `.partial` is gone, and the final name does not stand for this file; but for a failed fsync
    ///   of the folder, after which it does, though perhaps not after a power cut.
    package func publish(replacing: Bool = false) throws {
        do {
            if let failure { throw failure }
            let status = try file.status()
            guard status.st_size == length else {
                throw MachineError(
                    code: "machine.short-file",
                    what: "The file holds \(status.st_size) bytes, but \(length) were written.",
                    place: file.path, remedy: "The file system lost data: see `dmesg`.")
            }
            try file.synchronize()
            try file.close()
            try folder.rename(name + Self.partialSuffix, to: name, replacing: replacing)
        } catch {
            discard()
            throw error
        }
        try folder.synchronize()
    }

    /// Removes the `.partial`, durably if the disk lets it; for every way out that is not `publish()`.
    package func discard() {
        try? file.close()
        try? folder.unlink(name + Self.partialSuffix)
        try? folder.synchronize()
    }

    private static let flushDistance: Int64 = 32 << 20
}

extension Descriptor {
    /// Publishes a small file in this folder in one go.
    package func publish(_ name: String, _ bytes: [UInt8], replacing: Bool = false, mode: mode_t = 0o600) throws {
        let file = try DurableFile(in: self, name: name, mode: mode)
        do {
            try file.write(bytes)
        } catch {
            file.discard()
            throw error
        }
        try file.publish(replacing: replacing)
    }
}

extension Descriptor {
    /// Removes the files of this folder that somebody began to write and was killed before they had their name; only for
    /// whoever keeps all others from writing here.
    package func removeUnfinished() throws {
        for name in try names() where name.hasSuffix(DurableFile.partialSuffix) { try removeTree(name) }
    }
}
