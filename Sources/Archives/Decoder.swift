internal import CArchive
internal import CZlib
internal import CZstd
import Glibc
import Machine

/// Decompresses whatever a source holds – zstd, gzip, xz, bzip2 or nothing – into a queue.
///
/// The source is always read to its end, and every layer has to be complete: an end that comes too early is
/// `archive.cut`, something behind the end is `archive.damaged`.
///
/// - Note: `@unchecked Sendable`: only the one thread that `run()` is called on touches it, and whoever made it waits for
///   that thread through the queue before it uses the source again.
final class Decoder: @unchecked Sendable {
    private let source: any ByteSource
    private let queue: BlockQueue
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
    /// What of `input` has not been decoded.
    private var pending = 0..<0
    private var output: BlockQueue.Block?
    private var filled = 0

    /// Thrown to end the thread when nobody wants more; never leaves it.
    private struct Abandoned: Error {}

    init(_ source: any ByteSource, into queue: BlockQueue) {
        self.source = source
        self.queue = queue
    }

    deinit { input.deallocate() }

    func run() {
        queue.finish(Result { try decode() })
    }

    private func decode() throws {
        while pending.count < 6 {
            let rest = UnsafeMutableRawBufferPointer(rebasing: input[pending.upperBound...])
            let count = try source.read(into: rest)
            if count == 0 { break }
            pending = 0..<pending.upperBound + count
        }
        let start = Array(input[pending].prefix(6))
        switch start {
        case _ where start.starts(with: [0x28, 0xb5, 0x2f, 0xfd]): try decodeZstd()
        case _ where start.starts(with: [0x1f, 0x8b]): try decodeGzip()
        case _ where start == [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], _ where start.starts(with: [0x42, 0x5a, 0x68]):
            try decodeOther()
        default: try copy()
        }
        if let output, filled > 0 { queue.put(output, count: filled) }
    }

    /// Makes sure that there is something in `pending`; false at the source's end.
    private func fill() throws -> Bool {
        if !pending.isEmpty { return true }
        pending = 0..<(try source.read(into: input))
        return !pending.isEmpty
    }

    /// The free end of the block that is being filled.
    private func room() throws -> UnsafeMutableRawBufferPointer {
        if let output, filled < output.count { return UnsafeMutableRawBufferPointer(rebasing: output[filled...]) }
        if let output { queue.put(output, count: filled) }
        output = nil
        filled = 0
        guard let next = queue.takeFree() else { throw Abandoned() }
        output = next
        return next
    }

    private func copy() throws {
        while try fill() {
            let room = try room()
            let count = min(room.count, pending.count)
            room.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[pending.prefix(count)]))
            pending = pending.dropFirst(count)
            filled += count
        }
    }

    /// Any number of frames: ours have one, those of others (pzstd) several.
    private func decodeZstd() throws {
        guard let context = ZSTD_createDCtx() else { throw ArchiveError.noMemory("decompress") }
        defer { ZSTD_freeDCtx(context) }
        var remaining = 1
        while try fill() {
            var from = ZSTD_inBuffer(src: input.baseAddress, size: pending.upperBound, pos: pending.lowerBound)
            while from.pos < from.size {
                let room = try room()
                var to = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
                remaining = ZSTD_decompressStream(context, &to, &from)
                if ZSTD_isError(remaining) != 0 {
                    throw ArchiveError.damaged("zstd says: \(String(cString: ZSTD_getErrorName(remaining)))")
                }
                filled += to.pos
            }
            pending = 0..<0
        }
        // What is decoded may still wait for room.
        while remaining != 0 {
            let room = try room()
            var from = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
            var to = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
            remaining = ZSTD_decompressStream(context, &to, &from)
            if ZSTD_isError(remaining) != 0 || to.pos == 0 && remaining != 0 {
                throw ArchiveError.cut("its zstd frame has no end")
            }
            filled += to.pos
        }
    }

    /// Any number of members. With zlib, because libarchive's filter does not check the CRC.
    private func decodeGzip() throws {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer {
            inflateEnd(stream)
            stream.deallocate()
        }
        guard zlib_start_gunzip(stream) == Z_OK else { throw ArchiveError.noMemory("decompress") }
        var result = Z_OK
        while try fill() {
            if result == Z_STREAM_END {
                // gzip itself ignores zeros behind the end, as a tape leaves them.
                if input[pending].allSatisfy({ $0 == 0 }) {
                    pending = 0..<0
                    continue
                }
                inflateReset(stream)
            }
            let room = try room()
            stream.pointee.next_in = (input.baseAddress ?? UnsafeMutableRawPointer(stream))
                .advanced(by: pending.lowerBound).assumingMemoryBound(to: Bytef.self)
            stream.pointee.avail_in = uInt(pending.count)
            stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: Bytef.self)
            stream.pointee.avail_out = uInt(room.count)
            result = inflate(stream, Z_NO_FLUSH)
            guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
                let message = stream.pointee.msg.map { String(cString: $0) } ?? "error \(result)"
                throw ArchiveError.damaged("gzip says: \(message)")
            }
            pending = pending.upperBound - Int(stream.pointee.avail_in)..<pending.upperBound
            filled += room.count - Int(stream.pointee.avail_out)
        }
        while result != Z_STREAM_END {
            let room = try room()
            stream.pointee.avail_in = 0
            stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: Bytef.self)
            stream.pointee.avail_out = uInt(room.count)
            result = inflate(stream, Z_NO_FLUSH)
            let count = room.count - Int(stream.pointee.avail_out)
            guard result == Z_STREAM_END || result == Z_OK && count > 0 else {
                throw ArchiveError.cut("its gzip member has no end")
            }
            filled += count
        }
    }

    /// What only strangers use, through libarchive's filters.
    private func decodeOther() throws {
        let archive = try Codec.reading()
        defer { archive_read_free(archive) }
        archive_read_support_format_raw(archive)
        archive_read_support_filter_xz(archive)
        archive_read_support_filter_bzip2(archive)
        let feed = Codec.Feed { [self] in
            guard try fill() else { return UnsafeRawBufferPointer(start: nil, count: 0) }
            defer { pending = 0..<0 }
            return UnsafeRawBufferPointer(rebasing: input[pending])
        }
        try feed.open(archive)
        var entry: OpaquePointer?
        try feed.check(archive_read_next_header(archive, &entry), archive)
        while true {
            let room = try room()
            let count = archive_read_data(archive, room.baseAddress, room.count)
            if count == 0 { break }
            guard count > 0 else {
                try feed.rethrow()
                throw ArchiveError.damaged(Codec.message(archive))
            }
            filled += count
        }
        while try fill() { pending = 0..<0 }
    }
}
