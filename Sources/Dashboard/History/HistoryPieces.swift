package import Machine

/// A file of OpenMetrics in pieces that each are an exposition: whole lines, and `# EOF` behind them.
package struct HistoryPieces {
    /// Bytes that are read at once. A line has to be shorter.
    package static let size = 8 << 20
    private static let end = Array("# EOF\n".utf8)

    private let source: any ByteSource
    /// What was read of the line that is not whole yet.
    private var rest: [UInt8] = []
    private var hasEnded = false
    /// Lines before the piece that comes next.
    package private(set) var lines = 0

    package init(of source: any ByteSource) { self.source = source }

    /// The next piece; nil behind the last. That a file ends without `# EOF`, or goes on behind it, the reader of the pieces sees.
    ///
    /// - Throws: what the source throws; `MachineError` when a line is longer than a piece.
    package mutating func next() throws -> [UInt8]? {
        guard !hasEnded else { return nil }
        var piece = rest
        piece.reserveCapacity(Self.size + Self.end.count)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { room.deallocate() }
        while piece.count < Self.size {
            let count = try source.read(into: room)
            if count == 0 {
                hasEnded = true
                return piece
            }
            piece.append(contentsOf: room[..<count])
        }
        guard let last = piece.lastIndex(of: UInt8(ascii: "\n")) else {
            throw MachineError(
                code: "history.line", what: "Line \(lines + 1) is longer than \(ByteCount(Self.size)).", place: nil)
        }
        rest = Array(piece[(last + 1)...])
        piece.removeSubrange((last + 1)...)
        lines += piece.count { $0 == UInt8(ascii: "\n") }
        return piece + Self.end
    }
}
