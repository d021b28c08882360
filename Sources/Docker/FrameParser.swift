/// Takes apart the stream of a command in a container, in whatever pieces it comes.
///
///      0        1..3     4......7            8
///     +--------+--------+-------------------+---------+
///     | stream | 0 0 0  | length, big endian | payload |
///     +--------+--------+-------------------+---------+
///
/// Stream 0 and 1 are standard output, 2 is standard error. No frame is ever held as a whole.
package struct FrameParser {
    /// What was written to.
    package enum Stream: UInt8 { case output = 1, errors = 2 }

    /// The stream is not made of frames.
    package struct Malformed: Error {}

    private var header: [UInt8] = []
    private var stream = Stream.output
    private var left = 0

    package init() {}

    /// Hands the payload in `bytes` to `each`, in order.
    ///
    /// - Throws: ``Malformed``, and what `each` throws.
    package mutating func feed(
        _ bytes: UnsafeRawBufferPointer, _ each: (Stream, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            if left == 0 {
                let taken = rest.prefix(8 - header.count)
                header += taken
                rest = rest.dropFirst(taken.count)
                if header.count == 8 { try begin() }
            } else {
                let payload = rest.prefix(left)
                left -= payload.count
                rest = rest.dropFirst(payload.count)
                try each(stream, UnsafeRawBufferPointer(rebasing: payload))
            }
        }
    }

    /// Whether the stream may end here.
    package var isBetweenFrames: Bool { left == 0 && header.isEmpty }

    private mutating func begin() throws {
        (stream, left) = try Self.read(header: header)
        header = []
    }

    /// What the eight bytes before a payload say of it.
    static func read(header: [UInt8]) throws -> (stream: Stream, length: Int) {
        guard header[0] <= 2, header[1...3].allSatisfy({ $0 == 0 }) else { throw Malformed() }
        return (Stream(rawValue: header[0]) ?? .output, header[4...].reduce(0) { $0 << 8 | Int($1) })
    }
}
