import Machine

/// What reading one archive is about, whosever it is: what is wanted, where it goes, and what came of it.
final class Reading {
    var report = ExtractionReport()
    /// Where it is extracted to; nil when it is only read.
    var tree: StagedTree?
    var each: ((ListedEntry) throws -> Void)?

    let meter: Meter
    let stop: StopSignal
    private let prefix: [UInt8]
    private var selection: PathSelection?
    private let space: Int64
    private var foundPrefix: Bool

    init(
        meter: Meter, stop: StopSignal, prefix: RawPath? = nil, selection: PathSelection? = nil, space: ByteCount? = nil
    ) {
        self.meter = meter
        self.stop = stop
        self.prefix = Array((prefix?.components ?? []).joined(separator: [0x2f]))
        self.selection = selection
        self.space = space?.bytes ?? .max
        foundPrefix = prefix == nil
    }

    /// Counts an entry, and makes it if it is wanted.
    ///
    /// - Returns: the entry with the path that it has below the staging folder; nil if it is not wanted.
    func begin(_ entry: Entry) throws -> Entry? {
        try stop.check()
        report.entries += 1
        guard report.entries <= Limits.entries else {
            throw ArchiveError.limit("too-many-entries", "The archive has more than \(Limits.entries) entries.")
        }
        guard entry.dataSize <= space - report.bytes else {
            throw ArchiveError.limit(
                "no-space", "The archive holds more than the \(ByteCount(space)) that there is room for.",
                entry.shownPath, remedy: "Free some space, or restore to another file system.")
        }
        report.bytes += entry.dataSize
        meter.addEntry()
        try each?(ListedEntry(entry))
        guard let tree, let wanted = wanted(entry) else { return nil }
        if entry.kind == .hardlink, let selection, wanted.link.isEmpty || !selection.covers(wanted.link) {
            throw ArchiveError.limit(
                "link-not-selected", "It is another name of “\(RawPath(entry.link))”, which is not selected.",
                entry.shownPath, remedy: "Select that one as well: --path '\(RawPath(entry.link))'")
        }
        report.extracted += 1
        try tree.make(wanted)
        return wanted
    }

    /// To be called when all of the archive has been read.
    func finish() throws {
        guard foundPrefix else {
            throw ArchiveError(
                code: "archive.no-such-item", what: "The archive holds nothing called “\(RawPath(prefix))”.",
                remedy: "holdfast show POINT lists what it holds.")
        }
        report.missing = selection?.missing ?? []
        if let tree {
            report.ownersKept = tree.privileged
            try tree.finish()
        }
    }

    private func wanted(_ entry: Entry) -> Entry? {
        var entry = entry
        if !prefix.isEmpty {
            guard isBelow(entry.path, prefix) else { return nil }
            foundPrefix = true
            entry.path.removeFirst(min(prefix.count + 1, entry.path.count))
            if entry.kind == .hardlink {
                entry.link = isBelow(entry.link, prefix) ? Array(entry.link.dropFirst(prefix.count + 1)) : []
            }
        }
        if selection?.wants(entry) == false { return nil }
        return entry
    }
}
