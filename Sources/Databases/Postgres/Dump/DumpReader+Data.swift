extension DumpReader {
    /// The block that is passing.
    struct Block {
        var id = 0
        var owner: DumpContents.Source?
        /// So many bytes of the chunk have still to come.
        var chunkLeft = 0
        /// Line ends of its data, so far.
        var lines: Int64 = 0
        /// Bytes of its data, so far.
        var size: Int64 = 0
        /// The last eight of them, the last one lowest.
        var tail: UInt64 = 0
    }

    // MARK: Blocks

    mutating func takeBlockType() throws {
        guard collected[0] == 1 || collected[0] == 3 else { throw damaged("a block is of kind \(collected[0])") }
        block = Block()
        block.id = collected[0] == 3 ? -1 : 0
        expect(.blockID)
    }

    mutating func takeBlockID() throws {
        let isOfLargeObjects = block.id == -1
        block.id = try number(collected)
        guard var source = contents.sources[block.id] else {
            throw damaged("there is data for an entry \(block.id), which has none")
        }
        guard !source.isSeen else { throw damaged("the data of \(source) comes twice") }
        guard (source.kind == .largeObjects) == isOfLargeObjects else {
            throw damaged("the data of \(source) is of the wrong kind")
        }
        source.isSeen = true
        contents.sources[block.id] = source
        block.owner = source
        expect(isOfLargeObjects ? .largeObject : .chunkLength)
    }

    mutating func takeLargeObject() throws {
        if try number(collected) == 0 { return expect(.blockType, 1) }
        largeObjects += 1
        expect(.chunkLength)
    }

    // MARK: Chunks

    /// A chunk's length, where it was split or is the first.
    mutating func takeChunkLength() throws {
        let length = try number(collected)
        guard length >= 0, length <= Int(Int32.max) else { throw damaged("a piece of data has \(length) bytes") }
        if length == 0 { return try endChunks() }
        block.chunkLeft = length
        expect(.chunk)
    }

    /// pg_dump writes a chunk for every row: this is where the time goes, so it works on local variables alone.
    mutating func takeChunks(_ bytes: UnsafeRawBufferPointer, from start: Int) throws -> Int {
        guard let base = bytes.baseAddress else { return start }
        let end = bytes.count
        var at = start
        var left = block.chunkLeft
        var lines = block.lines
        var size = block.size
        var tail = block.tail
        var isAtEnd = false
        while true {
            let part = min(left, end - at)
            lines &+= Int64(countLines(base + at, part, &tail))
            size &+= Int64(part)
            at &+= part
            left &-= part
            guard left == 0, end - at >= Self.intLength else { break }
            let length = UInt32(littleEndian: (base + at + 1).loadUnaligned(as: UInt32.self))
            guard base.load(fromByteOffset: at, as: UInt8.self) == 0, length <= UInt32(Int32.max) else {
                position += Int64(at - start)
                throw damaged("a piece of data has no proper length")
            }
            at &+= Self.intLength
            left = Int(length)
            if left == 0 {
                isAtEnd = true
                break
            }
        }
        block.chunkLeft = left
        block.lines = lines
        block.size = size
        block.tail = tail
        if isAtEnd { try endChunks() } else if left == 0 { expect(.chunkLength) }
        return at
    }

    private mutating func endChunks() throws {
        guard let owner = block.owner else { return }
        switch owner.kind {
        case .largeObjects: return expect(.largeObject)
        case .other: return expect(.blockType, 1)
        case .table: break
        }
        // `\.` and three line ends; in front of it, if anything, the end of a row.
        let isAlone = block.size == 5 && block.tail & 0xff_ffff_ffff == 0x5c_2e0a_0a0a
        guard isAlone || block.size > 5 && block.tail & 0xffff_ffff_ffff == 0x0a5c_2e0a_0a0a else {
            throw damaged("the data of \(owner) does not end with \\. as COPY's does")
        }
        finished.append(DumpSummary.Table(name: owner.name, rows: block.lines - 3, bytes: block.size - 5))
        expect(.blockType, 1)
    }
}

/// How many line ends there are among `count` bytes; eight at a time. Keeps `tail` up to the last eight bytes.
@inline(__always)
private func countLines(_ bytes: UnsafeRawPointer, _ count: Int, _ tail: inout UInt64) -> Int {
    guard count >= 8 else {
        var lines = 0
        for index in 0..<count {
            let byte = bytes.load(fromByteOffset: index, as: UInt8.self)
            lines &+= byte == 0x0a ? 1 : 0
            tail = tail << 8 | UInt64(byte)
        }
        return lines
    }
    var lines = 0
    var at = 0
    while at <= count - 8 {
        lines &+= linesAmong(bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        at &+= 8
    }
    let last = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
    // Those of the last eight that were not among the others are its high bytes; zeros are no line ends.
    if at < count { lines &+= linesAmong(last &>> UInt64(8 &* (8 &- (count &- at)))) }
    tail = last.byteSwapped
    return lines
}

/// How many of the eight bytes are line ends.
@inline(__always)
private func linesAmong(_ word: UInt64) -> Int {
    let low: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
    let differing = word ^ 0x0a0a_0a0a_0a0a_0a0a
    // The highest bit of each byte that is zero in `differing`, and of no other.
    let hits = ~(((differing & low) &+ low) | differing | low)
    return Int(truncatingIfNeeded: ((hits &>> 7) &* 0x0101_0101_0101_0101) &>> 56)
}
