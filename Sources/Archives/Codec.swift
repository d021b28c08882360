internal import CArchive
import Glibc
import Machine

/// What reading with libarchive takes, which turns bytes into entries here and never touches a file itself.
enum Codec {
    static func reading() throws -> OpaquePointer {
        guard let archive = archive_read_new() else { throw ArchiveError.noMemory("read the archive") }
        return archive
    }

    /// libarchive's ARCHIVE_ERRNO_MISC, which its header describes without giving it away.
    static let malformed: Int32 = -1

    static func message(_ archive: OpaquePointer) -> String {
        archive_error_string(archive).map { RawPath(cString: $0).description } ?? "libarchive does not say how"
    }

    /// Gives libarchive its bytes, and keeps what was thrown on the way, which cannot pass through C.
    ///
    /// It has to live as long as the archive.
    final class Feed {
        private let next: () throws -> UnsafeRawBufferPointer
        private var error: (any Error)?

        /// - Parameter next: gives some bytes, valid until the next call; none at the end.
        init(_ next: @escaping () throws -> UnsafeRawBufferPointer) { self.next = next }

        func open(_ archive: OpaquePointer) throws {
            let context = Unmanaged.passUnretained(self).toOpaque()
            let result = archive_read_open(
                archive, context, nil,
                { archive, context, buffer in
                    guard let context, let buffer else { return -1 }
                    let feed = Unmanaged<Feed>.fromOpaque(context).takeUnretainedValue()
                    do {
                        let bytes = try feed.next()
                        buffer.pointee = bytes.baseAddress
                        return bytes.count
                    } catch {
                        feed.error = error
                        archive_set_error_text(archive, EIO, "the source failed")
                        return -1
                    }
                }, nil)
            try check(result, archive)
        }

        /// - Throws: what the source threw; or `archive.damaged`, unless libarchive is content or only warns.
        func check(_ result: Int32, _ archive: OpaquePointer) throws {
            if result == ARCHIVE_OK || result == ARCHIVE_WARN || result == ARCHIVE_EOF { return }
            try rethrow()
            throw ArchiveError.damaged(Codec.message(archive))
        }

        func rethrow() throws {
            if let error { throw error }
        }
    }
}
