package import Machine

/// Streams without files in them, such as a database's dump: compressed, and back.
package enum CompressedStream {
    /// Reads `source` to its end and writes it, compressed, to `sink`.
    ///
    /// - Parameter meter: counts the bytes before compression.
    package static func compress(
        _ source: any ByteSource, _ compression: Compression, to sink: any ByteSink, meter: Meter, stop: StopSignal
    ) throws {
        let compressor = try compressor(compression, to: sink)
        var ended = false
        while !ended {
            let block = try compressor.lend()
            var filled = 0
            while !ended, filled < block.count {
                let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: block[filled...]))
                try stop.check()
                meter.add(bytes: count)
                filled += count
                ended = count == 0
            }
            if filled > 0 { try compressor.take(filled) }
        }
        try compressor.finish()
    }

    /// Gives `body` what is in a compressed stream, or the stream itself if it is not compressed.
    ///
    /// What `body` leaves unread is read and checked all the same.
    package static func withPlain<Result>(
        _ source: any ByteSource, _ body: (any ByteSource) throws -> Result
    ) throws -> Result {
        let decoded = PlainSource(source)
        defer { decoded.close() }
        let plain = DecodedSource(plain: decoded)
        let result = try body(plain)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while try plain.read(into: buffer) > 0 {}
        return result
    }
}

/// A decompressed stream, copied out of the decoder's blocks.
private struct DecodedSource: ByteSource {
    let plain: PlainSource

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if buffer.isEmpty { return 0 }
        let bytes = try plain.some(Int64(buffer.count))
        buffer.copyMemory(from: bytes)
        return bytes.count
    }
}
