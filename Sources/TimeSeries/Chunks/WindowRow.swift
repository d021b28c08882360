/// What one series measured in one window, as it lies in a day's file (`docs/formats/timeseries.md`).
package enum WindowRow {
    /// In the byte of a chunk's count: the values are decimals.
    private static let decimal: UInt8 = 0x80

    /// - Parameter chunks: of the window that begins at `start`, ascending, and at least one.
    package static func pack(_ chunks: [Chunk], start: Int64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4)
        bytes.reserveCapacity(chunks.reduce(16) { $0 + $1.bits.count + 16 })
        var samples: [Sample] = []
        for chunk in chunks {
            var (kind, bits): (UInt8, [UInt8]) = (0, chunk.bits)
            if bits.count > Self.constantLimit {
                samples.removeAll(keepingCapacity: true)
                chunk.unpack(in: Int64.min...Int64.max, into: &samples)
                if let decimals = DecimalPacking.pack(samples), decimals.count < bits.count {
                    (kind, bits) = (Self.decimal, decimals)
                }
            }
            let length = (bits.lastIndex { $0 != 0 } ?? -1) + 1
            bytes.append(UInt8(chunk.count) | kind)
            bytes.appendVarint(UInt64(length))
            bytes.appendVarint(UInt64(chunk.firstTime - start))
            bytes.append(contentsOf: bits[..<length])
        }
        bytes.sealFront()
        return bytes
    }

    /// Bytes of a full chunk whose value never changes: not worth another try.
    private static let constantLimit = 44

    /// Adds the samples that lie in `range` to `samples`.
    ///
    /// - Returns: false when the row is damaged; what was added until then is whole.
    package static func unpack(
        _ bytes: [UInt8], start: Int64, in range: ClosedRange<Int64>, into samples: inout [Sample]
    ) -> Bool {
        guard bytes.isSealed else { return false }
        var position = 4
        while position < bytes.count {
            let (count, isDecimal) = (Int(bytes[position] & ~decimal), bytes[position] & decimal != 0)
            position += 1
            guard (1...ChunkWriter.limit).contains(count), let length = bytes.varint(at: &position),
                let offset = bytes.varint(at: &position), length <= UInt64(bytes.count - position),
                offset < UInt64(Window.length)
            else { return false }
            let firstTime = start + Int64(offset)
            if firstTime > range.upperBound { return true }
            let isWhole = bytes.withUnsafeBytes {
                let bits = UnsafeRawBufferPointer(rebasing: $0[position..<position + Int(length)])
                return isDecimal
                    ? DecimalPacking.unpack(bits, count: count, firstTime: firstTime, in: range, into: &samples)
                    : TimeSeries.unpack(bits, count: count, firstTime: firstTime, in: range, into: &samples)
            }
            guard isWhole else { return false }
            position += Int(length)
        }
        return true
    }

    /// Samples, ascending in time and of one window, in chunks.
    package static func chunks(_ samples: [Sample]) -> [Chunk] {
        var chunks: [Chunk] = []
        var writer = ChunkWriter()
        for sample in samples {
            if writer.isFull {
                chunks.append(writer.chunk)
                writer = ChunkWriter()
            }
            writer.append(sample.time, sample.value.bitPattern)
        }
        if writer.count > 0 { chunks.append(writer.chunk) }
        return chunks
    }
}
