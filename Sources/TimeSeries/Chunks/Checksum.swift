/// CRC-32C (Castagnoli), by a table.
private let table: [UInt32] = (0..<256).map { number in
    var rest = UInt32(number)
    for _ in 0..<8 { rest = rest & 1 == 1 ? rest >> 1 ^ 0x82f6_3b78 : rest >> 1 }
    return rest
}

func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var rest = ~UInt32(0)
    table.withUnsafeBufferPointer { table in
        for byte in bytes { rest = rest >> 8 ^ table[Int(UInt8(truncatingIfNeeded: rest) ^ byte)] }
    }
    return ~rest
}

extension [UInt8] {
    /// Puts the checksum of all that follows into the first four bytes, the lowest first.
    mutating func sealFront() {
        let sum = withUnsafeBytes { checksum(UnsafeRawBufferPointer(rebasing: $0[4...])) }
        for index in 0..<4 { self[index] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * index)) }
    }

    /// Whether the first four bytes are the checksum of the others.
    var isSealed: Bool {
        guard count >= 4 else { return false }
        return withUnsafeBytes {
            UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))
                == checksum(UnsafeRawBufferPointer(rebasing: $0[4...]))
        }
    }
}
