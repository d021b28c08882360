/// One scrape as it lies in `recent.sqlite` (`docs/formats/timeseries.md`).
struct BatchPacker {
    private(set) var bytes: [UInt8]
    private let time: Int64
    private var id: Int64 = -1
    private(set) var latest = Int64.min

    init(time: Int64, reserving count: Int) {
        self.time = time
        bytes = [0, 0, 0, 0]
        bytes.reserveCapacity(16 + 8 * count)
        bytes.appendVarint(zigzag(time))
    }

    @inline(__always)
    mutating func add(_ newID: UInt32, _ time: Int64, _ value: UInt64) {
        let number = Double(bitPattern: value)
        // −0 is not 0.
        let whole = value == 1 << 63 ? nil : Int64(exactly: number)
        let kind: UInt64 = number.isStaleMarker ? 2 : whole.map { $0.magnitude < 1 << 48 } ?? false ? 0 : 1
        let hasOwnTime: UInt64 = time == self.time ? 0 : 4
        bytes.appendVarint(zigzag(Int64(newID) - id - 1) << 3 | hasOwnTime | kind)
        id = Int64(newID)
        latest = max(latest, time)
        if hasOwnTime != 0 { bytes.appendVarint(zigzag(time &- self.time)) }
        switch kind {
        case 0: bytes.appendVarint(zigzag(whole ?? 0))
        case 1: withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        default: break
        }
    }

    /// What is to be written.
    mutating func sealed() -> [UInt8] {
        bytes.sealFront()
        return bytes
    }
}

/// Shows each sample of a scrape.
///
/// - Returns: false when the bytes are damaged; nothing was shown then.
func unpackBatch(_ bytes: [UInt8], _ body: (_ id: UInt32, _ time: Int64, _ value: UInt64) -> Void) -> Bool {
    var position = 4
    guard bytes.isSealed, let time = bytes.varint(at: &position).map(unzigzag) else { return false }
    var id: Int64 = -1
    while position < bytes.count {
        guard let head = bytes.varint(at: &position) else { return false }
        id += unzigzag(head >> 3) + 1
        var ownTime = time
        if head & 4 != 0 {
            guard let offset = bytes.varint(at: &position) else { return false }
            ownTime = time &+ unzigzag(offset)
        }
        var value: UInt64 = 0
        switch head & 3 {
        case 0:
            guard let whole = bytes.varint(at: &position) else { return false }
            value = Double(unzigzag(whole)).bitPattern
        case 1:
            guard bytes.count - position >= 8 else { return false }
            value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt64.self) }
            value = UInt64(littleEndian: value)
            position += 8
        default: value = Double.staleMarker.bitPattern
        }
        body(UInt32(truncatingIfNeeded: id), ownTime, value)
    }
    return true
}
