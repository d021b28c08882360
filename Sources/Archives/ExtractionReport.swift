package import Machine

/// What came of reading an archive.
package struct ExtractionReport: Sendable {
    /// Of one of ours; nil for anybody else's.
    package internal(set) var identity: ArchiveIdentity?
    /// Entries in the archive, and bytes of data in them, holes not counted.
    package internal(set) var entries: Int64 = 0
    package internal(set) var bytes: Int64 = 0
    /// Entries that were written to the staging folder.
    package internal(set) var extracted: Int64 = 0
    /// Entries that had shrunk or vanished when the archive was made.
    package internal(set) var torn: Int64 = 0
    /// The first of the notes that were made about the source, as `torn: PATH`.
    package internal(set) var notes: [String] = []
    /// False when we are not root, so that everything belongs to us, and attributes that only root can set are missing.
    package internal(set) var ownersKept = true
    /// What was selected, but is not in the archive.
    package internal(set) var missing: [RawPath] = []
    /// What was passed over because the policy said so.
    package internal(set) var ignored: [RawPath] = []

    package init() {}

    /// Of a part of what was extracted.
    package init(entries: Int64, bytes: Int64, ownersKept: Bool) {
        self.entries = entries
        self.bytes = bytes
        self.ownersKept = ownersKept
        extracted = entries
    }
}

/// An entry as lists show it.
package struct ListedEntry: Sendable {
    /// `.` is the root.
    package let path: RawPath
    /// `file`, `directory`, `symlink`, `hardlink`, `fifo`, `char` or `block`.
    package let kind: String
    package let mode: UInt32
    package let owner: UInt32
    package let group: UInt32
    /// Of a file, holes included.
    package let size: ByteCount
    package let modified: Timestamp
    /// Of a link: where it leads.
    package let link: RawPath?

    init(_ entry: Entry) {
        path = entry.shownPath
        kind = entry.kind.word.description
        mode = entry.mode
        owner = entry.owner
        group = entry.group
        size = ByteCount(entry.size)
        modified = entry.modified
        link = entry.link.isEmpty ? nil : RawPath(entry.link)
    }
}

/// What is wanted of an archive: files, or folders with all that is below them.
package struct PathSelection: Sendable {
    private let paths: [RawPath]
    private var found: [Bool]

    /// Paths below the item's root; `./` in front and `/` at the end do not matter.
    package init(_ paths: [RawPath]) {
        self.paths = paths.map { path in
            let parts = path.components.filter { !$0.elementsEqual([0x2e]) }
            return RawPath(Array(parts.joined(separator: [0x2f])))
        }
        found = paths.map { _ in false }
    }

    /// What of it did not come by.
    var missing: [RawPath] { zip(paths, found).filter { !$0.1 }.map(\.0) }

    /// Whether a path is selected itself, or lies in a folder that is.
    func covers(_ path: [UInt8]) -> Bool { paths.contains { isBelow(path, $0.bytes) } }

    /// Whether the entry is wanted, or leads to what is.
    mutating func wants(_ entry: Entry) -> Bool {
        var wanted = false
        for index in paths.indices {
            let path = paths[index].bytes
            if isBelow(entry.path, path) {
                found[index] = true
                wanted = true
            } else if entry.kind == .directory, isBelow(path, entry.path) {
                wanted = true
            }
        }
        return wanted
    }
}

/// Whether `path` is `folder` or lies in it.
func isBelow(_ path: [UInt8], _ folder: [UInt8]) -> Bool {
    if folder.isEmpty { return true }
    guard path.count >= folder.count, path.starts(with: folder) else { return false }
    return path.count == folder.count || path[folder.count] == 0x2f
}
