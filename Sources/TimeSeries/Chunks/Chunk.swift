/// Up to ``ChunkWriter/limit`` samples of one series within one window, packed (`docs/formats/timeseries.md`).
package struct Chunk: Sendable {
    package let count: Int
    package let firstTime: Int64
    package let lastTime: Int64
    package let bits: [UInt8]
}

/// Packs samples of ascending time.
package struct ChunkWriter: Sendable {
    /// A chunk is full with so many samples.
    package static let limit = 120

    package private(set) var count = 0
    private(set) var firstTime: Int64 = 0
    private(set) var lastTime: Int64 = 0
    private(set) var lastBits: UInt64 = 0
    private var lastStep: Int64 = 0
    /// Zeros before and behind the bits that the last value told; more than there can be: none was told yet.
    private var leading = 64
    private var trailing = 64
    private var bits = BitWriter()

    package init() {}

    package var isFull: Bool { count == Self.limit }

    /// - Precondition: not full, and `time` is later than the last one.
    package mutating func append(_ time: Int64, _ value: UInt64) {
        if count == 0 {
            firstTime = time
            bits.append(value, count: 64)
        } else {
            let step = time &- lastTime
            bits.append(step: step &- lastStep)
            append(change: value ^ lastBits)
            lastStep = step
        }
        lastTime = time
        lastBits = value
        count += 1
    }

    private mutating func append(change: UInt64) {
        if change == 0 { return bits.append(0, count: 1) }
        let newLeading = min(change.leadingZeroBitCount, 31)
        let newTrailing = change.trailingZeroBitCount
        if newLeading >= leading, newTrailing >= trailing {
            bits.append(0b10, count: 2)
            bits.append(change >> UInt64(trailing), count: 64 - leading - trailing)
            return
        }
        (leading, trailing) = (newLeading, newTrailing)
        let significant = 64 - leading - trailing
        bits.append(UInt64(0b11 << 11 | leading << 6 | (significant - 1)), count: 13)
        bits.append(change >> UInt64(trailing), count: significant)
    }

    /// What was packed so far; the writer can go on.
    package var chunk: Chunk { Chunk(count: count, firstTime: firstTime, lastTime: lastTime, bits: bits.bytes) }
}

/// Adds the samples of a chunk that lie in `range` to `samples`.
///
/// - Returns: false when there can be no such bits; what came until then was added.
package func unpack(
    _ bytes: UnsafeRawBufferPointer, count: Int, firstTime: Int64, in range: ClosedRange<Int64>,
    into samples: inout [Sample]
) -> Bool {
    var bits = BitReader(bytes)
    var (time, step, value) = (firstTime, Int64(0), bits.take(64))
    var (significant, trailing) = (0, 0)
    for index in 0..<count {
        if index > 0 {
            step &+= bits.takeStep()
            time &+= step
            switch bits.takeOnes(limit: 2) {
            case 0: break
            case 1:
                guard significant > 0 else { return false }
                value ^= bits.take(significant) << UInt64(trailing)
            default:
                let told = bits.take(11)
                significant = Int(told & 0x3f) + 1
                trailing = 64 - Int(told >> 6) - significant
                guard trailing >= 0 else { return false }
                value ^= bits.take(significant) << UInt64(trailing)
            }
        }
        if time > range.upperBound { return true }
        if time >= range.lowerBound { samples.append(Sample(time: time, value: Double(bitPattern: value))) }
    }
    return true
}

extension Chunk {
    /// Adds the samples that lie in `range` to `samples`.
    package func unpack(in range: ClosedRange<Int64>, into samples: inout [Sample]) {
        let isWhole = bits.withUnsafeBytes {
            TimeSeries.unpack($0, count: count, firstTime: firstTime, in: range, into: &samples)
        }
        precondition(isWhole, "BUG: a chunk that was packed here cannot be unpacked")
    }
}
