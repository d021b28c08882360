internal import CZlib

/// One gzip member, piece by piece. For one task at a time.
///
/// `@unchecked Sendable`: it is handed on, and nobody keeps it.
final class Gzip: @unchecked Sendable {
    /// Fast rather than small: the network here is seldom slow.
    private static let level: Int32 = 4

    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init() {
        stream.initialize(to: z_stream())
        precondition(zlib_start_gzip(stream, Self.level) == Z_OK, "BUG: zlib has no memory for a stream")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// The compressed bytes that are due; perhaps none before the last piece.
    func compress(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        var (input, output) = (bytes, [UInt8]())
        input.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = uInt(input.count)
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1 << 15) { room in
                repeat {
                    stream.pointee.next_out = room.baseAddress
                    stream.pointee.avail_out = uInt(room.count)
                    let result = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    precondition(result != Z_STREAM_ERROR, "BUG: zlib refused to compress")
                    output.append(contentsOf: room[..<(room.count - Int(stream.pointee.avail_out))])
                } while stream.pointee.avail_out == 0
            }
        }
        return output
    }
}
