import Machine

/// Reads an archive of ours: compares its identity before anything is written, and every entry – what the file system
/// says after writing, and the digest of the bytes that arrived – with the manifest.
final class OwnArchive {
    private let source: PlainSource
    private let reading: Reading
    private let expected: ArchiveIdentity?
    /// What it may hold if nobody's signature speaks for it: anybody can write what ours begin with.
    private let policy: ForeignPolicy?
    private let hasher = Hasher256()
    private var decoder: TarDecoder
    private var identity: ArchiveIdentity?
    private var isClosed = false
    private var manifests: Int64 = 0
    /// Lines of the entries since the last manifest, built from what arrived.
    private var lines: [UInt8] = []
    private var pendingEntries = 0
    /// The folder that the last entry lies in, or is.
    private var trail: [UInt8] = []

    init(
        _ source: PlainSource, _ reading: Reading, expecting expected: ArchiveIdentity?, judgedBy policy: ForeignPolicy?
    ) {
        self.source = source
        self.reading = reading
        self.expected = expected
        self.policy = policy
        decoder = TarDecoder(source)
    }

    /// Reads all of it; `first` is its first block.
    func read(_ first: UnsafeRawBufferPointer) throws {
        var block: UnsafeRawBufferPointer? = first
        while let member = try decoder.next(block) {
            block = nil
            guard !isClosed else { throw ArchiveError.damaged("something follows end.json") }
            switch member {
            case .control(let name, let content): try take(control: name, content)
            case .tree: try takeEntry()
            }
        }
        guard isClosed else { throw ArchiveError.cut("it has no end.json") }
        try source.drain()
    }

    private func take(control name: String, _ content: [UInt8]) throws {
        switch name {
        case "begin.json" where identity == nil:
            let found = try ControlRecord(parsing: content, isEnd: false).identity
            if let expected, found != expected { throw ArchiveError.other(found, than: expected) }
            identity = found
            reading.report.identity = found
        case _ where identity == nil: throw ArchiveError.notOurs
        case "end.json":
            let record = try ControlRecord(parsing: content, isEnd: true)
            let report = reading.report
            let totals = ArchiveTotals(
                entries: report.entries, bytes: report.bytes, manifests: manifests, torn: report.torn)
            guard pendingEntries == 0, record.identity == identity, record.totals == totals else {
                throw ArchiveError.damaged("its totals are not what it holds")
            }
            isClosed = true
        case _ where name.hasPrefix("manifest-"):
            manifests += 1
            guard Int64(name.dropFirst("manifest-".count).prefix { $0 != "." }) == manifests else {
                throw ArchiveError.damaged("a manifest is missing")
            }
            try compare(with: content)
        default: throw ArchiveError.damaged("it has a member that holdfast does not write")
        }
    }

    private func takeEntry() throws {
        guard identity != nil else { throw ArchiveError.notOurs }
        let entry = decoder.entry
        try checkOrder(entry)
        try policy?.judge(entry)
        let wanted = try reading.begin(entry)
        var digest: Digest?
        if entry.kind == .file {
            try takeData(of: entry, to: wanted == nil ? nil : reading.tree)
            digest = hasher.finish()
        }
        if let wanted, let tree = reading.tree, entry.kind != .directory, entry.kind != .hardlink {
            if entry.kind == .file { try tree.finishFile(wanted) }
            var found = tree.lastFound
            found.path = entry.path
            lines.appendLine(of: found, digest: digest)
        } else {
            // A folder is compared with its header again when it is left, and a hard link has nothing of its own.
            lines.appendLine(of: entry, digest: digest)
        }
        pendingEntries += 1
        guard pendingEntries <= Limits.manifestEntries, lines.count <= Limits.manifest else {
            throw ArchiveError.damaged("a manifest is missing")
        }
    }

    private func takeData(of entry: Entry, to tree: StagedTree?) throws {
        for part in entry.extents ?? [Entry.Extent(offset: 0, length: entry.size)] {
            var offset = part.offset
            let end = part.offset + part.length
            while offset < end {
                try reading.stop.check()
                let bytes = try source.some(end - offset)
                guard !bytes.isEmpty else { throw ArchiveError.cut("it ends within a file") }
                hasher.update(bytes)
                try tree?.write(bytes, at: offset)
                offset += Int64(bytes.count)
                reading.meter.add(bytes: bytes.count)
            }
        }
        try decoder.skipPadding(entry.dataSize)
    }

    /// Each folder comes before what is in it, and all of that together.
    private func checkOrder(_ entry: Entry) throws {
        let path = entry.path
        if path.isEmpty {
            guard reading.report.entries == 0 else { throw ArchiveError.unsafePath(entry.shownPath, "comes twice") }
            return
        }
        let parent = Array(path[..<(path.lastIndex(of: 0x2f) ?? 0)])
        guard isBelow(trail, parent) else {
            throw ArchiveError.damaged("an entry comes without its folder", entry.shownPath)
        }
        trail = entry.kind == .directory ? path : parent
    }

    /// Compares what arrived since the last manifest with this one, byte for byte.
    private func compare(with manifest: [UInt8]) throws {
        defer {
            lines.removeAll(keepingCapacity: true)
            pendingEntries = 0
        }
        if manifest == lines { return }
        // There are notes in it, or it differs.
        var rest = lines[...]
        for line in manifest.split(separator: 0x0a) {
            if line.starts(with: "{\"note\":".utf8) {
                take(note: line)
                continue
            }
            let end = rest.firstIndex(of: 0x0a) ?? rest.endIndex
            let mine = rest[..<end]
            guard mine.elementsEqual(line) else {
                throw ArchiveError.differs(path(of: mine.isEmpty ? line : mine), firstDifference(mine, line))
            }
            rest = rest[min(end + 1, rest.endIndex)...]
        }
        guard rest.isEmpty else {
            throw ArchiveError.differs(path(of: rest.prefix { $0 != 0x0a }), "presence: it is not in the manifest")
        }
    }

    private func take(note line: ArraySlice<UInt8>) {
        guard let kind = FlatJSON.members(line).first.flatMap({ FlatJSON.string($0.value) }) else { return }
        let note = String(decoding: kind, as: UTF8.self)
        if note == "torn" || note == "vanished" { reading.report.torn += 1 }
        if reading.report.notes.count < PathList.limit {
            reading.report.notes.append("\(RawPath(note)): \(path(of: line))")
        }
    }

    private func path(of line: ArraySlice<UInt8>) -> RawPath {
        for (key, value) in FlatJSON.members(line) {
            if key == "path", let path = FlatJSON.string(value) { return RawPath(path) }
            if key == "path64", let path = FlatJSON.base64(value) { return RawPath(path) }
        }
        return RawPath("?")
    }
}
