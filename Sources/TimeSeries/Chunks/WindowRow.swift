/// What one series measured in one window, as it lies in a day's file (`docs/formats/timeseries.md`).
enum WindowRow {
    /// - Parameter chunks: of this window, ascending, and at least one.
    static func pack(_ chunks: [Chunk], of window: Window) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4)
        bytes.reserveCapacity(chunks.reduce(16) { $0 + $1.bits.count + 16 })
        for chunk in chunks {
            bytes.append(UInt8(chunk.count))
            bytes.appendVarint(UInt64(chunk.bits.count))
            bytes.appendVarint(UInt64(chunk.firstTime - window.start))
            bytes.append(contentsOf: chunk.bits)
        }
        bytes.sealFront()
        return bytes
    }

    /// Adds the samples that lie in `range` to `samples`.
    ///
    /// - Returns: false when the row is damaged; what was added until then is whole.
    static func unpack(
        _ bytes: [UInt8], of window: Window, in range: ClosedRange<Int64>, into samples: inout [Sample]
    ) -> Bool {
        guard bytes.isSealed else { return false }
        var position = 4
        while position < bytes.count {
            let count = Int(bytes[position])
            position += 1
            guard (1...ChunkWriter.limit).contains(count), let length = bytes.varint(at: &position),
                let offset = bytes.varint(at: &position), length <= UInt64(bytes.count - position),
                offset < UInt64(Window.length)
            else { return false }
            let firstTime = window.start + Int64(offset)
            if firstTime > range.upperBound { return true }
            let isWhole = bytes.withUnsafeBytes {
                TimeSeries.unpack(
                    UnsafeRawBufferPointer(rebasing: $0[position..<position + Int(length)]), count: count,
                    firstTime: firstTime, in: range, into: &samples)
            }
            guard isWhole else { return false }
            position += Int(length)
        }
        return true
    }

    /// Samples, ascending in time and of one window, in chunks.
    static func chunks(_ samples: [Sample]) -> [Chunk] {
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
