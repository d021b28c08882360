internal import CArchive
internal import CZstd
import Glibc
import Machine

/// Takes the tar stream and gives it on, compressed.
protocol Compressor: AnyObject {
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Writes the compressed stream's end; nothing may be written after it.
    func finish() throws
}

/// The compressor for `compression`, which writes into `sink`.
func compressor(_ compression: Compression, to sink: any ByteSink) throws -> any Compressor {
    switch compression {
    case .zstd(let level): try ZstdCompressor(to: sink, level: level)
    case .gzip(let level): try GzipCompressor(to: sink, level: level)
    case .none: PlainCompressor(to: sink)
    }
}

private final class PlainCompressor: Compressor {
    private let sink: any ByteSink

    init(to sink: any ByteSink) { self.sink = sink }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try sink.write(bytes) }
    func finish() {}
}

/// One zstd frame with a content checksum, compressed on as many threads as there are cores, at most four.
private final class ZstdCompressor: Compressor {
    /// Input of one thread's turn. With zstd's own choice (8 MiB at level 3) buffers alone would take 50 MiB.
    private static let jobSize: Int32 = 2 << 20

    private let sink: any ByteSink
    private let context: OpaquePointer
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)

    init(to sink: any ByteSink, level: Int) throws {
        self.sink = sink
        guard let context = ZSTD_createCCtx() else { throw ArchiveError.noMemory("compress") }
        self.context = context
        let workers = Int32(clamping: min(4, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
        for (parameter, value) in [
            (ZSTD_c_compressionLevel, Int32(clamping: level)), (ZSTD_c_checksumFlag, 1), (ZSTD_c_nbWorkers, workers),
            (ZSTD_c_jobSize, Self.jobSize),
        ] {
            let result = ZSTD_CCtx_setParameter(context, parameter, value)
            // A libzstd that was built without threads refuses workers, and compresses on ours.
            let optional = parameter == ZSTD_c_nbWorkers || parameter == ZSTD_c_jobSize
            if ZSTD_isError(result) != 0, !optional { throw ArchiveError.zstd(result) }
        }
    }

    deinit {
        ZSTD_freeCCtx(context)
        output.deallocate()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        while input.pos < input.size { _ = try step(&input, ZSTD_e_continue) }
    }

    func finish() throws {
        var input = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
        while try step(&input, ZSTD_e_end) != 0 {}
    }

    private func step(_ input: inout ZSTD_inBuffer, _ directive: ZSTD_EndDirective) throws -> Int {
        var result = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let remaining = ZSTD_compressStream2(context, &result, &input, directive)
        if ZSTD_isError(remaining) != 0 { throw ArchiveError.zstd(remaining) }
        if result.pos > 0 { try sink.write(UnsafeRawBufferPointer(rebasing: output[..<result.pos])) }
        return remaining
    }
}

/// One gzip member.
private final class GzipCompressor: Compressor {
    private let sink: any ByteSink
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)

    init(to sink: any ByteSink, level: Int) throws {
        self.sink = sink
        stream.initialize(to: z_stream())
        guard zlib_start_gzip(stream, Int32(clamping: level)) == Z_OK else { throw ArchiveError.noMemory("compress") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        // zlib counts in 32 bits, and does not change its input although it takes it as if it did.
        precondition(bytes.count <= Int32.max, "BUG: more than 2 GiB for zlib at once")
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: Bytef.self).baseAddress)
        stream.pointee.avail_in = uInt(bytes.count)
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
