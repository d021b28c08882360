import Machine

/// Reads the tar that ``TarEncoder`` writes, and nothing else: whatever it does not know is damage.
struct TarDecoder {
    enum Member {
        /// One of our own: its name without the folder, and its content.
        case control(String, [UInt8])
        /// An entry of the tree; its data, if any, has to be taken from the source before the next member.
        case tree
    }

    /// The entry that ``next()`` found last.
    private(set) var entry = Entry()
    private let source: PlainSource
    private var controlFolder: ArraySlice<UInt8>?

    init(_ source: PlainSource) { self.source = source }

    /// Whether a stream that begins with this block can be ours.
    static func isOurs(_ block: UnsafeRawBufferPointer) -> Bool {
        let name = field(block, 0, 100)
        return name.starts(with: ".holdfast".utf8) && name.reversed().starts(with: "/begin.json".utf8.reversed())
    }

    /// The next member; nil behind the last.
    ///
    /// - Parameter first: the block that was read already, to see whether the archive is ours.
    mutating func next(_ first: UnsafeRawBufferPointer? = nil) throws -> Member? {
        entry.attributes.removeAll(keepingCapacity: true)
        entry.accessList.removeAll(keepingCapacity: true)
        entry.defaultAccessList.removeAll(keepingCapacity: true)
        entry.extents = nil
        entry.accessed = nil
        guard var block = try first ?? source.record() else { throw ArchiveError.cut("the tar has no end") }
        if block.isZero {
            guard let second = try source.record() else { throw ArchiveError.cut("the tar's end is not complete") }
            guard second.isZero else { throw ArchiveError.damaged("there is an empty block in it") }
            return nil
        }
        var records: [UInt8] = []
        if try kind(of: block) == 0x78 {
            let size = try octal(block, 124, 12)
            guard size <= Limits.paxHeader else { throw ArchiveError.damaged("a pax header is too large") }
            records = try source.bytes(Int(size))
            try skipPadding(size)
            guard let main = try source.record() else { throw ArchiveError.cut("it ends within a member") }
            block = main
        }
        guard let kind = Entry.Kind(rawValue: try kind(of: block)) else {
            throw ArchiveError.damaged("a member is of a kind that holdfast does not write")
        }
        entry.kind = kind
        entry.mode = UInt32(try octal(block, 100, 8))
        entry.owner = UInt32(try octal(block, 108, 8))
        entry.group = UInt32(try octal(block, 116, 8))
        entry.modified = Timestamp(seconds: try octal(block, 136, 12))
        entry.size = try octal(block, 124, 12)
        entry.major = UInt32(try octal(block, 329, 8))
        entry.minor = UInt32(try octal(block, 337, 8))
        entry.link.removeAll(keepingCapacity: true)
        entry.link += Self.field(block, 157, 100)
        var name: [UInt8] = []
        let prefix = Self.field(block, 345, 155)
        if !prefix.isEmpty {
            name += prefix
            name.append(0x2f)
        }
        name += Self.field(block, 0, 100)
        let sparse = try apply(records, name: &name)
        guard entry.mode <= 0o7777, kind == .file || entry.size == 0 else {
            throw ArchiveError.damaged("a header", RawPath(name))
        }
        if let realSize = sparse { try readMap(realSize: realSize) }
        if name.starts(with: [0x2e, 0x2f]) {
            try take(name)
            return .tree
        }
        return try control(name)
    }

    /// Skips the zeros up to the next block, after data of `size` bytes.
    func skipPadding(_ size: Int64) throws {
        var rest = -size & 511
        while rest > 0 {
            let part = try source.some(rest)
            guard !part.isEmpty else { throw ArchiveError.cut("it ends within a member") }
            guard part.isZero else { throw ArchiveError.damaged("a member is not padded with zeros") }
            rest -= Int64(part.count)
        }
    }

    /// Checks a tree's name and makes it the entry's path.
    private mutating func take(_ name: [UInt8]) throws {
        var path = name[2...]
        if entry.kind == .directory, path.last == 0x2f { path = path.dropLast() }
        try checkPath(path)
        if entry.kind == .hardlink { try checkPath(entry.link[...]) }
        guard !entry.link.contains(0) else { throw ArchiveError.damaged("a link's text", RawPath(name)) }
        entry.path.removeAll(keepingCapacity: true)
        entry.path += path
    }

    private func checkPath(_ path: ArraySlice<UInt8>) throws {
        guard path.count <= Limits.path else { throw ArchiveError.unsafePath(RawPath("…"), "is longer than 64 KiB") }
        if path.isEmpty, entry.kind == .directory { return }
        var start = path.startIndex
        while true {
            let end = path[start...].firstIndex(of: 0x2f) ?? path.endIndex
            let part = path[start..<end]
            if part.isEmpty || part.elementsEqual([0x2e]) || part.elementsEqual([0x2e, 0x2e]) || part.contains(0) {
                throw ArchiveError.unsafePath(
                    RawPath(Array(path)), "leads out of the tree, or is not in its plain form")
            }
            if end == path.endIndex { return }
            start = end + 1
        }
    }

    private mutating func control(_ name: [UInt8]) throws -> Member {
        guard let slash = name.lastIndex(of: 0x2f), name.starts(with: ".holdfast".utf8), entry.kind == .file,
            entry.extents == nil, controlFolder ?? name[..<slash] == name[..<slash]
        else { throw ArchiveError.damaged("it has a member that holdfast does not write", RawPath(name)) }
        controlFolder = name[..<slash]
        let base = String(decoding: name[(slash + 1)...], as: UTF8.self)
        let limit = base.hasPrefix("manifest-") ? Limits.manifest : Limits.control
        guard entry.size <= limit else { throw ArchiveError.damaged("\(base) is too large") }
        let content = try source.bytes(Int(entry.size))
        try skipPadding(entry.size)
        return .control(base, content)
    }

    /// Puts a pax header's records into the entry; returns a sparse file's real size.
    private mutating func apply(_ records: [UInt8], name: inout [UInt8]) throws -> Int64? {
        var realSize: Int64?
        var rest = records[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: 0x20), let length = number(rest[..<space]), length <= rest.count,
                length > space - rest.startIndex + 1, rest[rest.startIndex + Int(length) - 1] == 0x0a,
                let equals = rest[space...].firstIndex(of: 0x3d), equals < rest.startIndex + Int(length) - 1
            else { throw ArchiveError.damaged("a pax header", RawPath(name)) }
            let key = rest[(space + 1)..<equals]
            let value = rest[(equals + 1)..<(rest.startIndex + Int(length) - 1)]
            rest = rest[(rest.startIndex + Int(length))...]
            func integer() throws -> Int64 {
                guard let integer = number(value) else { throw ArchiveError.damaged("a pax header", RawPath(name)) }
                return integer
            }
            func id() throws -> UInt32 {
                guard let id = UInt32(exactly: try integer()) else {
                    throw ArchiveError.damaged("an owner", RawPath(name))
                }
                return id
            }
            func moment() throws -> Timestamp {
                guard let moment = time(value) else { throw ArchiveError.damaged("a time", RawPath(name)) }
                return moment
            }
            switch String(decoding: key, as: UTF8.self) {
            case "path", "GNU.sparse.name": name = Array(value)
            case "linkpath": entry.link = Array(value)
            case "size": entry.size = try integer()
            case "uid": entry.owner = try id()
            case "gid": entry.group = try id()
            case "mtime": entry.modified = try moment()
            case "atime": entry.accessed = try moment()
            case "GNU.sparse.realsize": realSize = try integer()
            case "GNU.sparse.major":
                guard value == [0x31] else { throw ArchiveError.damaged("a sparse file", RawPath(name)) }
            case "GNU.sparse.minor":
                guard value == [0x30] else { throw ArchiveError.damaged("a sparse file", RawPath(name)) }
            case "SCHILY.acl.access": entry.accessList = Array(value)
            case "SCHILY.acl.default": entry.defaultAccessList = Array(value)
            default:
                guard key.starts(with: "SCHILY.xattr.".utf8) else {
                    throw ArchiveError.damaged("a pax header has an unknown record", RawPath(name))
                }
                let attribute = Self.unescaped(key.dropFirst("SCHILY.xattr.".utf8.count))
                guard !attribute.isEmpty, !attribute.contains(0) else {
                    throw ArchiveError.damaged("an attribute", RawPath(name))
                }
                entry.attributes.append(Entry.Attribute(name: attribute, value: Array(value)))
            }
        }
        return realSize
    }

    private mutating func readMap(realSize: Int64) throws {
        let stored = entry.size
        var taken: Int64 = 0
        var digits: [UInt8] = []
        var block: [UInt8] = []
        var index = 0
        func damaged() -> ArchiveError { ArchiveError.damaged("a sparse file's map") }
        func value() throws -> Int64 {
            digits.removeAll(keepingCapacity: true)
            while true {
                if index == block.count {
                    guard taken + 512 <= stored else { throw damaged() }
                    block = try source.bytes(512)
                    index = 0
                    taken += 512
                }
                let byte = block[index]
                index += 1
                if byte == 0x0a { break }
                guard digits.count < 19 else { throw damaged() }
                digits.append(byte)
            }
            guard let value = number(digits) else { throw damaged() }
            return value
        }
        let count = try value()
        guard count >= 1, count <= Limits.extents + 1 else { throw damaged() }
        var extents: [Entry.Extent] = []
        var end: Int64 = 0
        for _ in 0..<count {
            let extent = Entry.Extent(offset: try value(), length: try value())
            guard extent.offset >= end, extent.length <= realSize, extent.offset <= realSize - extent.length else {
                throw damaged()
            }
            end = extent.offset + extent.length
            extents.append(extent)
        }
        guard end == realSize, extents.dropLast().allSatisfy({ $0.length > 0 }) else { throw damaged() }
        // A hole at the end is in the map as a part without data.
        if extents.last?.length == 0 { extents.removeLast() }
        entry.extents = extents
        entry.size = realSize
        guard entry.dataSize == stored - taken else { throw damaged() }
    }

    /// The type flag of a header whose sum and magic are right.
    private func kind(of block: UnsafeRawBufferPointer) throws -> UInt8 {
        guard try octal(block, 148, 7) == Int64(headerSum(block)), block[257..<265].elementsEqual("ustar\u{0}00".utf8)
        else {
            throw ArchiveError.damaged("a member's header")
        }
        return block[156]
    }

    private func octal(_ block: UnsafeRawBufferPointer, _ offset: Int, _ width: Int) throws -> Int64 {
        var value: Int64 = 0
        for index in offset..<offset + width - 1 {
            guard (0x30...0x37).contains(block[index]) else {
                // Links and our pax headers leave some fields empty.
                if block[offset] == 0 { return 0 }
                throw ArchiveError.damaged("a member's header")
            }
            value = value << 3 | Int64(block[index] - 0x30)
        }
        return value
    }

    private static func field(_ block: UnsafeRawBufferPointer, _ offset: Int, _ width: Int) -> Slice<
        UnsafeRawBufferPointer
    > {
        let field = block[offset..<offset + width]
        return field.prefix { $0 != 0 }
    }

    /// An attribute's name as GNU tar and we write it, with `%25` for `%` and `%3D` for `=`.
    static func unescaped(_ name: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var rest = name
        while let byte = rest.popFirst() {
            if byte == 0x25, rest.starts(with: "25".utf8) || rest.starts(with: "3D".utf8) {
                result.append(rest.first == 0x32 ? 0x25 : 0x3d)
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return result
    }
}
