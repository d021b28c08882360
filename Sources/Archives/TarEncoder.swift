import Machine

/// Makes the header blocks of tar members: POSIX.1-2017 pax, with GNU's records for sparse files and star's for extended
/// attributes and ACLs.
///
/// It is our own because names, times and attributes have to come out exactly as they are: libarchive 3.6.2 rewrites
/// names that are CESU-8, and times before 1970 with a fraction come out a second off.
struct TarEncoder {
    /// The blocks of the entry encoded last; its data, padded to 512 bytes, comes next.
    private(set) var blocks: [UInt8] = []
    /// A sparse file's map, padded to 512 bytes, which comes before its data; part of ``blocks``.
    private var map: [UInt8] = []
    private var records: [UInt8] = []
    private var name: [UInt8] = []
    /// Of the record that is being made.
    private var value: [UInt8] = []

    /// Encodes the header of one entry into ``blocks``.
    ///
    /// - Parameter isControl: a member of our own: its path is written without `./`.
    /// - Throws: `archive.header-too-large`, `archive.path-too-long`.
    mutating func encode(_ entry: Entry, isControl: Bool = false) throws {
        guard entry.path.count <= Limits.path else {
            throw ArchiveError.limit(
                "path-too-long", "A path is longer than \(ByteCount(Limits.path)).", remedy: "Exclude it.")
        }
        blocks.removeAll(keepingCapacity: true)
        records.removeAll(keepingCapacity: true)
        map.removeAll(keepingCapacity: true)
        makeName(of: entry, isControl: isControl)
        if let extents = entry.extents { makeMap(extents, size: entry.size) }
        let storedSize = Int64(map.count) + entry.dataSize
        makeRecords(of: entry, storedSize: storedSize)
        guard records.count <= Limits.paxHeader else {
            throw ArchiveError.limit(
                "header-too-large",
                "Its extended attributes and ACLs take more than \(ByteCount(Limits.paxHeader)).", entry.shownPath)
        }
        if !records.isEmpty {
            appendHeader(kind: 0x78, size: Int64(records.count)) { header in
                header.put("./PaxHeaders", at: 0)
                header.put(octal: 0o644, at: 100, width: 8)
                header.put(octal: 0, at: 108, width: 8)
                header.put(octal: 0, at: 116, width: 8)
                header.put(octal: entry.headerTime, at: 136, width: 12)
            }
            blocks += records
            pad()
        }
        let name = name
        appendHeader(kind: entry.kind.rawValue, size: storedSize > Self.largestSize ? 0 : storedSize) { header in
            if entry.extents != nil {
                header.put("./GNUSparseFile.0/", at: 0)
                let last = entry.path.reversed().prefix { $0 != 0x2f }.prefix(80)
                header.put(Array(last.reversed())[...], at: 18)
            } else if let split = Self.split(name) {
                header.put(name[split.name], at: 0)
                header.put(name[split.prefix], at: 345)
            } else {
                header.put(name.prefix(100), at: 0)
            }
            header.put(octal: UInt64(entry.mode), at: 100, width: 8)
            header.put(octal: entry.owner > Self.largestID ? Self.nobody : UInt64(entry.owner), at: 108, width: 8)
            header.put(octal: entry.group > Self.largestID ? Self.nobody : UInt64(entry.group), at: 116, width: 8)
            header.put(octal: entry.headerTime, at: 136, width: 12)
            header.put(entry.link.prefix(100), at: 157)
            header.put(octal: UInt64(entry.major), at: 329, width: 8)
            header.put(octal: UInt64(entry.minor), at: 337, width: 8)
        }
        blocks += map
    }

    /// Seven octal digits are the most that these fields hold; larger ids stand in pax records.
    private static let largestID: UInt32 = 0o7777777
    private static let nobody: UInt64 = 65_534
    static let largestSize: Int64 = 0o77777777777

    private mutating func makeName(of entry: Entry, isControl: Bool) {
        name.removeAll(keepingCapacity: true)
        if !isControl { name.append("./") }
        name += entry.path
        if entry.kind == .directory, !entry.path.isEmpty { name.append(0x2f) }
    }

    /// `count LF (offset LF length LF)…`, as GNU tar's sparse format 1.0 has it; a hole at the end is a part without data.
    private mutating func makeMap(_ extents: [Entry.Extent], size: Int64) {
        let end = extents.last.map { $0.offset + $0.length } ?? 0
        map.append(decimal: extents.count + (end < size || extents.isEmpty ? 1 : 0))
        map.append(0x0a)
        for extent in extents {
            map.append(decimal: extent.offset)
            map.append(0x0a)
            map.append(decimal: extent.length)
            map.append(0x0a)
        }
        if end < size || extents.isEmpty {
            map.append(decimal: size)
            map.append("\n0\n")
        }
        map.append(contentsOf: repeatElement(0, count: -map.count & 511))
    }

    private mutating func makeRecords(of entry: Entry, storedSize: Int64) {
        if entry.extents != nil {
            record("GNU.sparse.major", [0x31])
            record("GNU.sparse.minor", [0x30])
            record("GNU.sparse.name", name)
            record(number: entry.size, "GNU.sparse.realsize")
        } else if Self.split(name) == nil {
            record("path", name)
        }
        if entry.link.count > 100 { record("linkpath", entry.link) }
        if storedSize > Self.largestSize {
            record(number: storedSize, "size")
        }
        if entry.owner > Self.largestID {
            record(number: Int64(entry.owner), "uid")
        }
        if entry.group > Self.largestID {
            record(number: Int64(entry.group), "gid")
        }
        if entry.modified.nanoseconds != 0 || Int64(entry.headerTime) != entry.modified.seconds {
            record(time: entry.modified, "mtime")
        }
        if let accessed = entry.accessed { record(time: accessed, "atime") }
        if !entry.accessList.isEmpty { record("SCHILY.acl.access", entry.accessList) }
        if !entry.defaultAccessList.isEmpty { record("SCHILY.acl.default", entry.defaultAccessList) }
        for attribute in entry.attributes {
            var key = Array("SCHILY.xattr.".utf8)
            for byte in attribute.name {
                // As GNU tar writes them: the key ends at the first "=".
                switch byte {
                case 0x25: key.append("%25")
                case 0x3d: key.append("%3D")
                default: key.append(byte)
                }
            }
            record(keyed: key, attribute.value)
        }
    }

    private mutating func record(time: Timestamp, _ key: StaticString) {
        value.removeAll(keepingCapacity: true)
        value.append(time, trimmed: true)
        record(key, value)
    }

    private mutating func record(number: Int64, _ key: StaticString) {
        value.removeAll(keepingCapacity: true)
        value.append(decimal: number)
        record(key, value)
    }

    private mutating func record(_ key: StaticString, _ value: [UInt8]) {
        startRecord(length: key.utf8CodeUnitCount + value.count)
        records.append(key)
        endRecord(value)
    }

    private mutating func record(keyed key: [UInt8], _ value: [UInt8]) {
        startRecord(length: key.count + value.count)
        records += key
        endRecord(value)
    }

    /// A record is `LENGTH SPACE KEY = VALUE LF`, and its length counts its own digits.
    private mutating func startRecord(length: Int) {
        let rest = length + 3
        var digits = 1
        var power = 10
        while rest + digits >= power {
            digits += 1
            power *= 10
        }
        records.append(decimal: rest + digits)
        records.append(0x20)
    }

    private mutating func endRecord(_ value: [UInt8]) {
        records.append(0x3d)
        records += value
        records.append(0x0a)
    }

    /// How a name goes into the header's two fields of 155 and 100 bytes, with a slash between them that is not
    /// written; nil if it does not.
    private static func split(_ name: [UInt8]) -> (prefix: Range<Int>, name: Range<Int>)? {
        if name.count <= 100 { return (0..<0, 0..<name.count) }
        guard name.count <= 256 else { return nil }
        var slash = max(1, name.count - 101)
        while slash < name.count - 1, name[slash] != 0x2f { slash += 1 }
        guard slash < name.count - 1, slash <= 155 else { return nil }
        return (0..<slash, slash + 1..<name.count)
    }

    private mutating func appendHeader(kind: UInt8, size: Int64, _ fill: (inout TarHeader) -> Void) {
        let start = blocks.count
        blocks += Self.zeros
        blocks.withUnsafeMutableBytes { buffer in
            var header = TarHeader(block: UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
            header.put(octal: UInt64(size), at: 124, width: 12)
            header.block[156] = kind
            header.put("ustar\u{0}00", at: 257)
            fill(&header)
            header.seal()
        }
    }

    private mutating func pad() { blocks += Self.zeros.prefix(-blocks.count & 511) }

    private static let zeros = [UInt8](repeating: 0, count: 512)
}

/// One header block of 512 bytes in the making, all zeros at first.
private struct TarHeader {
    let block: UnsafeMutableRawBufferPointer

    mutating func put(_ text: StaticString, at offset: Int) {
        let bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        UnsafeMutableRawBufferPointer(rebasing: block[offset...]).copyMemory(from: bytes)
    }

    mutating func put(_ bytes: ArraySlice<UInt8>, at offset: Int) {
        bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: block[offset...]).copyMemory(from: $0) }
    }

    /// Right-aligned octal digits that fill `width` but for a closing NUL.
    mutating func put(octal value: UInt64, at offset: Int, width: Int) {
        var rest = value
        for index in stride(from: offset + width - 2, through: offset, by: -1) {
            block[index] = UInt8(0x30 + rest & 7)
            rest >>= 3
        }
    }

    /// Writes the sum of all bytes, its own field counted as spaces.
    mutating func seal() {
        put(octal: headerSum(UnsafeRawBufferPointer(block)), at: 148, width: 7)
        block[155] = 0x20
    }
}

/// The sum of a header's bytes, the eight of the sum's own field taken for spaces.
func headerSum(_ block: UnsafeRawBufferPointer) -> UInt64 {
    // Four sums of 16 bits each in one word: 128 bytes of at most 255 fit.
    let even: UInt64 = 0x00ff_00ff_00ff_00ff
    var sums: UInt64 = 0
    for offset in stride(from: 0, to: 512, by: 8) {
        let bytes = block.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        sums &+= (bytes & even) &+ (bytes >> 8 & even)
    }
    let sum = (sums & 0xffff) + (sums >> 16 & 0xffff) + (sums >> 32 & 0xffff) + (sums >> 48)
    return (148..<156).reduce(sum) { $0 + 0x20 - UInt64(block[$1]) }
}

extension Entry {
    /// The time that fits into a header's eleven octal digits.
    var headerTime: UInt64 { UInt64(min(max(modified.seconds, 0), TarEncoder.largestSize)) }
}
