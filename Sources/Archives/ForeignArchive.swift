internal import CArchive
import Glibc
import Machine

/// Reads a tar of any dialect that anybody made, through libarchive.
///
/// It has no manifest, so that only its compression and its end say whether it is whole. What could harm this host is
/// refused, not skipped, unless the policy allows it.
final class ForeignArchive {
    private let source: PlainSource
    private let reading: Reading
    private let policy: ForeignPolicy
    private let archive: OpaquePointer
    /// How many bytes of zeros the stream ended with so far.
    private var zeros: Int64 = 0

    init(_ source: PlainSource, _ reading: Reading, _ policy: ForeignPolicy) throws {
        self.source = source
        self.reading = reading
        self.policy = policy
        archive = try Codec.reading()
    }

    deinit { archive_read_free(archive) }

    /// Reads all of it; `first` is its first block.
    func read(_ first: UnsafeRawBufferPointer) throws {
        // In any other locale libarchive would rewrite names to composed characters; in "C" it leaves their bytes alone.
        let plain = newlocale(1 << LC_CTYPE, "C", nil)
        let former = uselocale(plain)
        defer {
            uselocale(former)
            freelocale(plain)
        }
        var start: [UInt8]? = Array(first)
        let held = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 16)
        defer { held.deallocate() }
        let feed = Codec.Feed { [self] in
            if let bytes = start {
                start = nil
                held.copyBytes(from: bytes)
                countZeros(UnsafeRawBufferPointer(held))
                return UnsafeRawBufferPointer(held)
            }
            let bytes = try source.some(.max)
            countZeros(bytes)
            return bytes
        }
        archive_read_support_format_tar(archive)
        do {
            try feed.open(archive)
        } catch let error as ArchiveError where error.code == "archive.damaged" {
            // Nothing was read but what tells the format.
            throw ArchiveError(
                code: "archive.no-tar", what: "This is no tar archive.",
                remedy: "holdfast restores tar archives, plain or compressed with zstd, gzip, xz or bzip2.")
        }
        var header: OpaquePointer?
        var end: Int64 = 0
        while true {
            let result = archive_read_next_header(archive, &header)
            if result == ARCHIVE_EOF { break }
            try feed.check(result, archive)
            // It goes on without the names and sizes of a pax header that it cannot read; that a name is no UTF-8, of which
            // it warns as well, does not matter here.
            guard result != ARCHIVE_WARN || archive_errno(archive) != Codec.malformed else {
                throw ArchiveError.damaged(Codec.message(archive))
            }
            guard let header else { break }
            try take(header, feed)
            try feed.check(archive_read_data_skip(archive), archive)
            end = archive_filter_bytes(archive, 0)
        }
        while case let rest = try source.some(.max), !rest.isEmpty {
            guard rest.isZero else { throw ArchiveError.damaged("something follows its end") }
            countZeros(rest)
        }
        // All that follows the last member has to be zeros, and two blocks of them at least.
        guard source.position - end >= 1024, zeros >= source.position - end else {
            throw ArchiveError.cut("it lacks the empty blocks that close a tar")
        }
    }

    private func countZeros(_ bytes: UnsafeRawBufferPointer) {
        let trailing = bytes.reversed().prefix { $0 == 0 }.count
        zeros = trailing == bytes.count ? zeros + Int64(trailing) : Int64(trailing)
    }

    private func take(_ header: OpaquePointer, _ feed: Codec.Feed) throws {
        let entry = try entry(of: header)
        if policy.ignored.contains(entry.shownPath) {
            reading.report.ignored.append(entry.shownPath)
            return
        }
        try policy.judge(entry)
        let wanted = try reading.begin(entry)
        guard entry.kind == .file else { return }
        var end: Int64 = 0
        while true {
            try reading.stop.check()
            var bytes: UnsafeRawPointer?
            var count = 0
            var offset: la_int64_t = 0
            let result = archive_read_data_block(archive, &bytes, &count, &offset)
            if result == ARCHIVE_EOF { break }
            try feed.check(result, archive)
            guard count > 0 else { continue }
            guard offset >= end, offset + Int64(count) <= entry.size else {
                throw ArchiveError.damaged("a file's data", entry.shownPath)
            }
            end = offset + Int64(count)
            if wanted != nil { try reading.tree?.write(UnsafeRawBufferPointer(start: bytes, count: count), at: offset) }
            reading.meter.add(bytes: count)
        }
        if var wanted {
            // Sets the length, for a hole at the end.
            if end < entry.size { wanted.extents = [] }
            try reading.tree?.finishFile(wanted)
        }
    }

    // MARK: - From libarchive's entry to ours

    private func entry(of header: OpaquePointer) throws -> Entry {
        guard let name = archive_entry_pathname(header) else { throw ArchiveError.damaged("an entry has no name") }
        var entry = Entry()
        entry.path = try Self.plainPath(RawPath(cString: name))
        if let target = archive_entry_hardlink(header) {
            entry.kind = .hardlink
            entry.link = try Self.plainPath(RawPath(cString: target))
            return entry
        }
        guard let kind = Entry.Kind(mode: archive_entry_filetype(header)) else {
            throw ArchiveError.damaged("an entry is of an unknown kind", entry.shownPath)
        }
        entry.kind = kind
        entry.mode = archive_entry_perm(header) & 0o7777
        guard let owner = UInt32(exactly: archive_entry_uid(header)),
            let group = UInt32(exactly: archive_entry_gid(header))
        else { throw ArchiveError.damaged("an owner", entry.shownPath) }
        entry.owner = owner
        entry.group = group
        entry.size = kind == .file ? max(0, archive_entry_size(header)) : 0
        entry.modified = Self.moment(archive_entry_mtime(header), archive_entry_mtime_nsec(header))
        if archive_entry_atime_is_set(header) != 0 {
            entry.accessed = Self.moment(archive_entry_atime(header), archive_entry_atime_nsec(header))
        }
        if kind == .symlink, let target = archive_entry_symlink(header) { entry.link = RawPath(cString: target).bytes }
        entry.major = UInt32(truncatingIfNeeded: archive_entry_rdevmajor(header))
        entry.minor = UInt32(truncatingIfNeeded: archive_entry_rdevminor(header))
        if kind == .file, archive_entry_sparse_reset(header) > 0 { entry.extents = try extents(header, entry) }
        readAttributes(header, into: &entry)
        entry.accessList = try accessList(header, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, entry.shownPath)
        // libarchive puts the owning group's permissions into the mode; the kernel keeps the mask there.
        if let mask = AccessList.mask(of: entry.accessList) { entry.mode = entry.mode & ~0o70 | mask << 3 }
        entry.defaultAccessList = try accessList(header, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, entry.shownPath)
        return entry
    }

    /// libarchive gives a sparse file's map as it stands there.
    private func extents(_ header: OpaquePointer, _ entry: Entry) throws -> [Entry.Extent] {
        var offset: la_int64_t = 0
        var length: la_int64_t = 0
        var extents: [Entry.Extent] = []
        var end: Int64 = 0
        while archive_entry_sparse_next(header, &offset, &length) == ARCHIVE_OK {
            guard offset >= end, length >= 0, offset <= entry.size, length <= entry.size - offset else {
                throw ArchiveError.damaged("a sparse file's map", entry.shownPath)
            }
            end = offset + length
            extents.append(Entry.Extent(offset: offset, length: length))
        }
        return extents
    }

    /// Without `./` and doubled or closing slashes; empty for the root.
    private static func plainPath(_ name: RawPath) throws -> [UInt8] {
        guard name.bytes.first != 0x2f else { throw ArchiveError.unsafePath(name, "is absolute") }
        guard name.bytes.count <= Limits.path else {
            throw ArchiveError.unsafePath(RawPath("…"), "is longer than 64 KiB")
        }
        let parts = name.components.filter { !$0.elementsEqual([0x2e]) }
        guard !parts.contains(where: { $0.elementsEqual([0x2e, 0x2e]) }) else {
            throw ArchiveError.unsafePath(name, "leads out of the folder (..)")
        }
        return Array(parts.joined(separator: [0x2f]))
    }

    /// libarchive gives `-1.5` as −1 s and 0.5 · 10⁹ ns, counted away from zero.
    private static func moment(_ seconds: time_t, _ nanoseconds: Int) -> Timestamp {
        if seconds < 0, nanoseconds > 0 {
            return Timestamp(seconds: Int64(seconds) - 1, nanoseconds: Int32(1_000_000_000 - nanoseconds))
        }
        return Timestamp(seconds: Int64(seconds), nanoseconds: Int32(truncatingIfNeeded: nanoseconds))
    }

    private func readAttributes(_ header: OpaquePointer, into entry: inout Entry) {
        guard archive_entry_xattr_reset(header) > 0 else { return }
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(header, &name, &value, &size) == ARCHIVE_OK, let name {
            let attribute = TarDecoder.unescaped(RawPath(cString: name).bytes[...])
            // ACLs have records of their own, and files' NFSv4 forms mean nothing here.
            if attribute.starts(with: "system.".utf8) { continue }
            entry.attributes.append(
                Entry.Attribute(name: attribute, value: Array(UnsafeRawBufferPointer(start: value, count: size))))
        }
    }

    private func accessList(_ header: OpaquePointer, _ type: Int32, _ path: RawPath) throws -> [UInt8] {
        guard archive_entry_acl_reset(header, type) > 0 else { return [] }
        var lines: [(order: Int, text: [UInt8])] = []
        var kind: Int32 = 0
        var bits: Int32 = 0
        var tag: Int32 = 0
        var id: Int32 = 0
        var name: UnsafePointer<CChar>?
        while archive_entry_acl_next(header, type, &kind, &bits, &tag, &id, &name) == ARCHIVE_OK {
            let known: [(tag: Int32, word: StaticString, hasID: Bool)] = [
                (ARCHIVE_ENTRY_ACL_USER_OBJ, "user", false), (ARCHIVE_ENTRY_ACL_USER, "user", true),
                (ARCHIVE_ENTRY_ACL_GROUP_OBJ, "group", false), (ARCHIVE_ENTRY_ACL_GROUP, "group", true),
                (ARCHIVE_ENTRY_ACL_MASK, "mask", false), (ARCHIVE_ENTRY_ACL_OTHER, "other", false),
            ]
            guard let order = known.firstIndex(where: { $0.tag == tag }) else { continue }
            var text: [UInt8] = []
            text.append(known[order].word)
            text.append(0x3a)
            if known[order].hasID {
                text.append(decimal: try Self.id(id, name, isUser: tag == ARCHIVE_ENTRY_ACL_USER, path))
            }
            text.append(0x3a)
            text.append(bits & ARCHIVE_ENTRY_ACL_READ != 0 ? 0x72 : 0x2d)
            text.append(bits & ARCHIVE_ENTRY_ACL_WRITE != 0 ? 0x77 : 0x2d)
            text.append(bits & ARCHIVE_ENTRY_ACL_EXECUTE != 0 ? 0x78 : 0x2d)
            lines.append((order, text))
        }
        let isTrivial = type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS && lines.count <= 3
        if isTrivial { return [] }
        return Array(lines.sorted { $0.order < $1.order }.map(\.text).joined(separator: [0x2c]))
    }

    /// GNU tar writes names into ACLs, unless it was called with `--numeric-owner`.
    private static func id(_ id: Int32, _ name: UnsafePointer<CChar>?, isUser: Bool, _ path: RawPath) throws -> UInt32 {
        guard id == -1, let name, name.pointee != 0 else { return UInt32(bitPattern: id) }
        if isUser, let user = getpwnam(name) { return user.pointee.pw_uid }
        if !isUser, let group = getgrnam(name) { return group.pointee.gr_gid }
        let word = isUser ? "user" : "group"
        throw ArchiveError(
            code: "archive.unknown-owner",
            what: "An ACL names the \(word) “\(RawPath(cString: name))”, who is unknown on this host.",
            place: path.description, remedy: "Make that \(word) first (\(word)add), with the id that it had.")
    }
}
