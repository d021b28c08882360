import Glibc

/// Tells when to stop waiting at a child's pipes: what the child itself started may hold them open for ever.
///
/// - Note: `@unchecked Sendable`: each of the threads at the pipes has one of its own.
final class ChildWatch: @unchecked Sendable {
    /// Its other end is closed when the child has ended.
    private let ended: Descriptor
    private var endSeen: Double?

    init(_ ended: Descriptor) { self.ended = ended }

    /// Waits until `file` can be read or written without blocking.
    ///
    /// - Returns: false once the child has ended, and then at the latest after ``patience``: a program behind a pipe of the
    ///   child's may still be about to write its last.
    func wait(for file: Descriptor, _ events: Int32) throws -> Bool {
        while true {
            var polled = [pollfd(fd: file.raw, events: Int16(events), revents: 0)]
            let timeout: Int32
            if let endSeen {
                timeout = Int32(max(0, (endSeen + Self.patience - monotonicSeconds()) * 1000))
            } else {
                polled.append(pollfd(fd: ended.raw, events: Int16(POLLIN), revents: 0))
                timeout = -1
            }
            let count = retrying { poll(&polled, nfds_t(polled.count), timeout) }
            guard count >= 0 else { throw MachineError.call("wait for", file.path) }
            if polled[0].revents != 0 { return endSeen == nil || timeout > 0 }
            if endSeen != nil { return false }
            endSeen = monotonicSeconds()
        }
    }

    private static let patience = 1.0
}

/// What a child writes: to the end of the pipe, or for as long as the child lives.
struct ChildOutput: ByteSource {
    let reader: Descriptor
    let watch: ChildWatch

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try watch.wait(for: reader, POLLIN) ? reader.read(into: buffer) : 0
    }

    /// Reads to the end and keeps the last `limit` bytes, so that a child that talks without end neither stops nor fills us.
    func tail(_ limit: Int) throws -> String {
        var kept: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while case let count = try read(into: buffer), count > 0 {
            kept += buffer[..<count]
            if kept.count > 2 * limit { kept.removeFirst(kept.count - limit) }
        }
        return String(decoding: kept.suffix(limit), as: UTF8.self)
    }
}

/// What a child reads.
struct ChildInput {
    let bytes: [UInt8]
    let writer: Descriptor
    let watch: ChildWatch

    /// Writes all of it, or as much as the child wants: one that does not read says why by its status.
    func write() throws {
        defer { try? writer.close() }
        do {
            try bytes.withUnsafeBytes { bytes in
                var rest = bytes
                while !rest.isEmpty, try watch.wait(for: writer, POLLOUT) {
                    // No more than a pipe that can be written to takes at once.
                    let count = min(rest.count, Int(PIPE_BUF))
                    try writer.write(UnsafeRawBufferPointer(rebasing: rest[..<count]))
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                }
            }
        } catch let error as MachineError where error.errno == EPIPE {}
    }
}
