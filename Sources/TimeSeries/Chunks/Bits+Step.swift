/// How much longer or shorter than the last one the way to the next sample is.
extension BitWriter {
    mutating func append(step change: Int64) {
        let pattern = UInt64(bitPattern: change)
        switch change {
        case 0: append(0, count: 1)
        case -64..<64: append(0b10 << 7 | pattern & 0x7f, count: 9)
        case -8192..<8192: append(0b110 << 14 | pattern & 0x3fff, count: 17)
        case -524_288..<524_288: append(0b1110 << 20 | pattern & 0xf_ffff, count: 24)
        default:
            append(0b1111, count: 4)
            append(pattern, count: 64)
        }
    }
}

extension BitReader {
    @inline(__always)
    mutating func takeStep() -> Int64 {
        switch takeOnes(limit: 4) {
        case 0: 0
        case 1: takeSigned(7)
        case 2: takeSigned(14)
        case 3: takeSigned(20)
        default: takeSigned(64)
        }
    }

    /// A number in two's complement of so many bits, 1…64.
    @inline(__always)
    mutating func takeSigned(_ count: Int) -> Int64 {
        let unused = Int64(64 - count)
        return (Int64(bitPattern: take(count)) << unused) >> unused
    }
}
