internal import CZlib
internal import CZstd
import Glibc
import Machine

/// Takes a stream in blocks of memory that it lends, and gives it on, compressed.
///
/// For one thread: lend, fill, take, and so on. After a throw it is of no more use.
protocol Compressor: AnyObject {
    /// A block to fill, at least a ``streamBufferSize`` large and always of the same size.
    func lend() throws -> UnsafeMutableRawBufferPointer
    /// Takes the first `count` bytes, at least one, of the block lent last, which is not to be touched any more.
    func take(_ count: Int) throws
    /// Writes the compressed stream's end; its last call.
    func finish() throws
}

/// The compressor for `compression`, which writes into `sink`.
func compressor(_ compression: Compression, to sink: any ByteSink) throws -> any Compressor {
    switch compression {
    case .zstd(let level): zstdCompressor(level: level, to: sink)
    case .gzip(let level): try GzipCompressor(to: sink, level: level)
    case .none: PlainCompressor(to: sink)
    }
}

private final class PlainCompressor: Compressor {
    private let sink: any ByteSink
    private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: streamBufferSize, alignment: 4096)

    init(to sink: any ByteSink) { self.sink = sink }

    deinit { block.deallocate() }

    func lend() -> UnsafeMutableRawBufferPointer { block }
    func take(_ count: Int) throws { try sink.write(UnsafeRawBufferPointer(rebasing: block[..<count])) }
    func finish() {}
}

/// One gzip member.
private final class GzipCompressor: Compressor {
    private let sink: any ByteSink
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: streamBufferSize, alignment: 4096)
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)

    init(to sink: any ByteSink, level: Int) throws {
        self.sink = sink
        stream.initialize(to: z_stream())
        guard zlib_start_gzip(stream, Int32(clamping: level)) == Z_OK else { throw ArchiveError.noMemory("compress") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        block.deallocate()
        output.deallocate()
    }

    func lend() -> UnsafeMutableRawBufferPointer { block }

    func take(_ count: Int) throws {
        stream.pointee.next_in = block.bindMemory(to: Bytef.self).baseAddress
        stream.pointee.avail_in = uInt(count)
        while stream.pointee.avail_in > 0 { _ = try step(Z_NO_FLUSH) }
    }

    func finish() throws {
        stream.pointee.avail_in = 0
        while try step(Z_FINISH) != Z_STREAM_END {}
    }

    private func step(_ flush: Int32) throws -> Int32 {
        stream.pointee.next_out = output.bindMemory(to: Bytef.self).baseAddress
        stream.pointee.avail_out = uInt(output.count)
        let result = deflate(stream, flush)
        precondition(result == Z_OK || result == Z_STREAM_END, "BUG: zlib refused to compress (\(result))")
        let count = output.count - Int(stream.pointee.avail_out)
        if count > 0 { try sink.write(UnsafeRawBufferPointer(rebasing: output[..<count])) }
        return result
    }
}

extension ArchiveError {
    static func noMemory(_ purpose: String) -> ArchiveError {
        ArchiveError(
            code: "archive.no-memory", what: "There is not enough memory to \(purpose).",
            remedy: "Free some memory, or use a lower compression level.")
    }

    static func zstd(_ result: Int) -> ArchiveError {
        ArchiveError(code: "archive.zstd", what: "zstd failed: \(String(cString: ZSTD_getErrorName(result))).")
    }
}
