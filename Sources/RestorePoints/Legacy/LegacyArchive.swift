internal import Archives
import Glibc
package import Machine
internal import OpenPGP

/// An archive that an older script made: one file, that nothing describes but its name.
package struct LegacyArchive: Sendable, Equatable {
    package let directory: String
    /// The file's name, as it is.
    package let file: String
    /// What that says.
    package let name: LegacyName
    package let size: ByteCount
    /// Tells the file from another one of its name.
    let inode: UInt64

    package var path: String { "\(directory)/\(file)" }

    /// What is visibly wrong with it, or why that cannot be told; nil for an archive that looks whole from outside.
    ///
    /// All of it is read: packets of an encrypted one up to the last, the compressed stream of another one up to its end.
    /// What is in it is for `verify` and the private key to say.
    package func damage(stop: StopSignal) throws -> String? {
        if size.bytes == 0 { return "it is empty" }
        do {
            let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let sink = InspectingSink(isEncrypted: name.isEncrypted)
            if name.isEncrypted {
                try file.copy(to: sink, stop: stop)
                try sink.finish()
            } else {
                guard isCompressedAsNamed(file) else { return "it is not compressed, as its name says it is" }
                try CompressedStream.withPlain(file) { try $0.copy(to: sink, stop: stop) }
                if sink.isEmpty { return "nothing is in it" }
            }
            return nil
        } catch is Interrupted {
            throw Interrupted()
        } catch {
            return explain(error).what
        }
    }

    /// By its first bytes, which stay to be read.
    private func isCompressedAsNamed(_ file: Descriptor) -> Bool {
        guard let compression = name.compression, let expected = Self.firstBytes[compression] else { return true }
        var start = [UInt8](repeating: 0, count: expected.count)
        return pread(file.raw, &start, start.count, 0) == expected.count && start == expected
    }

    private static let firstBytes: [String: [UInt8]] = [
        "gz": [0x1f, 0x8b], "zst": [0x28, 0xb5, 0x2f, 0xfd], "xz": [0xfd, 0x37, 0x7a, 0x58], "bz2": [0x42, 0x5a, 0x68],
    ]
}

/// Lets packets be inspected, and takes anything else as it is.
private final class InspectingSink: ByteSink {
    private var inspector: PacketInspector?
    private(set) var isEmpty = true

    init(isEncrypted: Bool) { inspector = isEncrypted ? PacketInspector() : nil }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        if !bytes.isEmpty { isEmpty = false }
        try inspector?.take(bytes)
    }

    func finish() throws { _ = try inspector?.finish() }
}
