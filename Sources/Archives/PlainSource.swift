import Glibc
import Machine

/// An archive's tar stream, decompressed on a thread of its own.
///
/// ``close()`` has to be called before its source goes away.
final class PlainSource {
    /// Bytes taken so far.
    private(set) var position: Int64 = 0

    private let queue = BlockQueue()
    private var block: (memory: UnsafeMutableRawBufferPointer, count: Int)?
    private var offset = 0
    private let carry = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 16)

    init(_ source: any ByteSource) {
        let decoder = Decoder(source, into: queue)
        startHelperThread("decompress") { decoder.run() }
    }

    deinit { carry.deallocate() }

    /// Ends the other thread, and waits for it. Nothing may be read afterwards.
    func close() { queue.abandon() }

    /// At least one and at most `limit` bytes, valid until the next call; empty at the end of the stream.
    func some(_ limit: Int64) throws -> UnsafeRawBufferPointer {
        if let current = block, offset == current.count {
            queue.giveBack(current.memory)
            block = nil
        }
        while block == nil {
            guard let next = try queue.takeFull() else { return UnsafeRawBufferPointer(start: nil, count: 0) }
            if next.count > 0 { block = (next.block, next.count) } else { queue.giveBack(next.block) }
            offset = 0
        }
        guard let block else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let count = Int(min(Int64(block.count - offset), limit))
        let bytes = UnsafeRawBufferPointer(rebasing: block.memory[offset..<offset + count])
        offset += count
        position += Int64(count)
        return bytes
    }

    /// The next 512 bytes, valid until the next call; nil at the end of the stream.
    ///
    /// - Throws: `archive.cut` when the stream ends within them.
    func record() throws -> UnsafeRawBufferPointer? {
        let first = try some(512)
        if first.count == 512 { return first }
        if first.isEmpty { return nil }
        carry.copyMemory(from: first)
        var filled = first.count
        while filled < 512 {
            let more = try some(Int64(512 - filled))
            guard !more.isEmpty else { throw ArchiveError.cut("it ends within a block") }
            UnsafeMutableRawBufferPointer(rebasing: carry[filled...]).copyMemory(from: more)
            filled += more.count
        }
        return UnsafeRawBufferPointer(carry)
    }

    /// Exactly `count` bytes.
    func bytes(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            let more = try some(Int64(count - bytes.count))
            guard !more.isEmpty else { throw ArchiveError.cut("it ends within a member") }
            bytes += more
        }
        return bytes
    }

    /// Reads to the end of the stream, in which nothing may be left but zeros.
    func drain() throws {
        while case let rest = try some(.max), !rest.isEmpty {
            guard rest.isZero else { throw ArchiveError.damaged("something follows its end") }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether every byte is 0.
    var isZero: Bool {
        guard let base = baseAddress, count > 0 else { return true }
        return self[0] == 0 && memcmp(base, base + 1, count - 1) == 0
    }
}
