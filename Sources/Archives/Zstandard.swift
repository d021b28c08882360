internal import CZstd
import Machine

/// Small documents as one zstd frame, in memory.
package enum Zstandard {
    package static func compress(_ bytes: [UInt8]) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { buffer, count in
            let result = ZSTD_compress(buffer.baseAddress, buffer.count, bytes, bytes.count, 3)
            guard ZSTD_isError(result) == 0 else { throw ArchiveError.zstd(result) }
            count = result
        }
    }

    /// The content of one whole frame.
    ///
    /// - Parameter limit: how many bytes it may hold.
    package static func decompress(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        let size = ZSTD_getFrameContentSize(bytes, bytes.count)
        // The two highest values mean: not known, no frame.
        guard size < UInt64.max - 1, size <= UInt64(limit) else {
            throw ArchiveError(
                code: "archive.zstd", what: "This is no zstd frame, or one that holds more than \(ByteCount(limit)).",
                remedy: "Take another copy of it.")
        }
        return try [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            let result = ZSTD_decompress(buffer.baseAddress, buffer.count, bytes, bytes.count)
            guard ZSTD_isError(result) == 0 else { throw ArchiveError.zstd(result) }
            count = result
        }
    }
}
