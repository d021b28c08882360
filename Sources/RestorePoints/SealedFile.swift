import Glibc
package import Machine
package import OpenPGP

/// A file of a point, read once from its beginning to its end, and held against the manifest while it streams by.
package final class SealedFile: Sendable {
    private let archive: Manifest.Archive
    private let file: Descriptor

    /// Opens it, and compares its size.
    package init(_ archive: Manifest.Archive, in path: String) throws {
        self.archive = archive
        do {
            file = try Descriptor.open("\(path)/\(archive.file)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch let error as MachineError where [ENOENT, ELOOP].contains(error.errno) {
            throw RestorePointError(
                "file-missing", "\(archive.file) is not there\(error.errno == ELOOP ? ", but a link" : "").",
                place: path,
                remedy: "Restore from another point (holdfast list), or fetch this file from an off-site copy.")
        }
        let size = Int64(try file.status().st_size)
        guard size == archive.size else {
            throw damaged("is \(size) bytes long, the manifest says \(archive.size)")
        }
    }

    /// Reads all of it.
    ///
    /// - Parameters:
    ///   - sink: gets the bytes on the way, before it is known whether they are right.
    /// - Throws: ``RestorePointError`` after the last byte, if digest or recipients are not those of the manifest.
    package func read(into sink: (any ByteSink)? = nil, meter: Meter, stop: StopSignal) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: streamBufferSize, alignment: 4096)
        defer { buffer.deallocate() }
        let hasher = Hasher256()
        var inspector = PacketInspector()
        while case let count = try file.read(into: buffer), count > 0 {
            try stop.check()
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hasher.update(bytes)
            try judged { try inspector.take(bytes) }
            try sink?.write(bytes)
            meter.add(bytes: count)
        }
        guard hasher.finish().description == archive.sha256 else {
            throw damaged("does not have the SHA-256 that the manifest says")
        }
        if let error = mislabelled(try judged { try inspector.finish() }.recipients) { throw error }
    }

    /// What is wrong with a file whose packets name these keys; nil if they are those of the manifest.
    package func mislabelled(_ recipients: [KeyID]) -> RestorePointError? {
        let keys = recipients.map(\.description)
        guard keys.sorted() != archive.keys.sorted() else { return nil }
        return damaged("is made for the keys \(keys.joined(separator: ", ")), the manifest says others")
    }

    /// Says which file it is that the inspector speaks of.
    private func judged<Result>(_ inspect: () throws -> Result) throws -> Result {
        do { return try inspect() } catch let error as OpenPGPError {
            throw damaged("is not the message that was written", " " + error.what)
        }
    }

    private func damaged(_ how: String, _ more: String = "") -> RestorePointError {
        RestorePointError(
            "damaged", "\(archive.file) \(how).\(more)", place: file.path,
            remedy:
                "It was changed after it was made: see to the disk, and restore from another point or an off-site copy."
        )
    }
}
