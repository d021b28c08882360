/// Bits one behind the other, the highest first.
struct BitWriter: Sendable {
    /// Full words, in the order of bytes that they have on disk.
    private var words: [UInt64] = []
    private var pending: UInt64 = 0
    private var free = 64

    var count: Int { words.count * 64 + 64 - free }

    /// - Parameters:
    ///   - bits: nothing is set above the lowest `count`.
    ///   - count: 1…64.
    @inline(__always)
    mutating func append(_ bits: UInt64, count: Int) {
        if count < free {
            free -= count
            pending |= bits &<< UInt64(free)
            return
        }
        let rest = count - free
        words.append((pending | bits &>> UInt64(rest)).bigEndian)
        pending = rest == 0 ? 0 : bits &<< UInt64(64 - rest)
        free = 64 - rest
    }

    /// All of them, the last byte filled with zeros.
    var bytes: [UInt8] {
        let length = (count + 7) / 8
        return [UInt8](unsafeUninitializedCapacity: length) { buffer, filled in
            words.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            for index in words.count * 8..<length {
                buffer[index] = UInt8(truncatingIfNeeded: pending >> UInt64(56 - 8 * (index - words.count * 8)))
            }
            filled = length
        }
    }
}

/// Takes bits from where a ``BitWriter`` put them; past the end there are zeros.
struct BitReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// - Parameter count: 1…64.
    @inline(__always)
    mutating func take(_ count: Int) -> UInt64 {
        if count > 57 {
            let high = take(count - 32)
            return high << 32 | take(32)
        }
        let shifted = window()
        position += count
        return shifted &>> UInt64(64 - count)
    }

    /// How many ones stand before the next zero, at most `limit`; takes them and the zero, if it comes before the limit.
    @inline(__always)
    mutating func takeOnes(limit: Int) -> Int {
        let ones = min((~window()).leadingZeroBitCount, limit)
        position += ones < limit ? ones + 1 : ones
        return ones
    }

    /// At least 57 bits from here, the next one highest.
    @inline(__always)
    private func window() -> UInt64 {
        let first = position >> 3
        if first + 8 <= bytes.count {
            let word = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: first, as: UInt64.self))
            return word &<< UInt64(position & 7)
        }
        var word: UInt64 = 0
        for index in 0..<8 where first + index < bytes.count {
            word |= UInt64(bytes[first + index]) << UInt64(56 - 8 * index)
        }
        return word &<< UInt64(position & 7)
    }
}
