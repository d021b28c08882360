import Machine

/// The tar that is being made: a block of the compressor's, which gets it back whenever it is full.
///
/// Files are read straight into it, so that their bytes are copied once less.
final class TarStream {
    private let compressor: any Compressor
    private var buffer: UnsafeMutableRawBufferPointer
    private var filled = 0

    init(to compressor: any Compressor) throws {
        self.compressor = compressor
        buffer = try compressor.lend()
    }

    /// The most that ``room(_:)`` can give.
    var capacity: Int { buffer.count }

    /// The free end of the buffer, at least `count` bytes of it; ``commit(_:)`` says how many were filled.
    func room(_ count: Int) throws -> UnsafeMutableRawBufferPointer {
        if buffer.count - filled < count { try flush() }
        precondition(count <= buffer.count, "BUG: more room asked for than the buffer has")
        return UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
    }

    func commit(_ count: Int) { filled += count }

    func append(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                if filled == buffer.count { try flush() }
                let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                let part = rest.prefix(room.count)
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
                filled += part.count
                rest = rest[part.endIndex...]
            }
        }
    }

    func appendZeros(_ count: Int64) throws {
        var rest = count
        while rest > 0 {
            if filled == buffer.count { try flush() }
            let part = Int(min(rest, Int64(buffer.count - filled)))
            UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + part]).initializeMemory(
                as: UInt8.self, repeating: 0)
            filled += part
            rest -= Int64(part)
        }
    }

    /// Fills the last block of a member whose data was of `size` bytes.
    func pad(_ size: Int64) throws { try appendZeros(-size & 511) }

    /// Writes the two empty blocks that close a tar, and ends the compressed stream.
    func finish() throws {
        try appendZeros(1024)
        try compressor.take(filled)
        try compressor.finish()
    }

    private func flush() throws {
        try compressor.take(filled)
        buffer = try compressor.lend()
        filled = 0
    }
}
