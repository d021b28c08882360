internal import CLinux
import Glibc
import Machine

/// The tree that is being extracted into an empty folder.
///
/// Nothing can leave that folder: names are used one component at a time in open folders, and no link is ever
/// followed, so that what one entry plants cannot lead another one astray. A folder gets its owner, mode, attributes and
/// times when it is left, because writing into it would change them again, and pass its ACLs on.
final class StagedTree {
    /// Whether owners, and attributes that only root can set, are kept.
    let privileged = geteuid() == 0

    let attributes = AttributeReader()
    private let strict: Bool
    let root: Descriptor
    private var folders: [OpenFolder] = []
    /// Of the innermost open folder.
    private var path: [UInt8] = []
    private var file: Int32 = -1

    private struct OpenFolder {
        let raw: Int32
        /// Of ``StagedTree/path`` for this folder.
        let pathLength: Int
        /// What it gets when it is left.
        var metadata: Entry?
        /// What it had when it was entered again.
        var former: stat?
    }

    /// - Parameter strict: for archives of ours: no entry comes twice, and each folder before what is in it.
    init(in root: Descriptor, strict: Bool) throws {
        self.root = root
        self.strict = strict
        guard try root.names().isEmpty else {
            throw ArchiveError(
                code: "archive.not-empty", what: "Archives are extracted into an empty folder only.", place: root.path)
        }
        let again = openat(root.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard again >= 0 else { throw MachineError.call("open", root.path) }
        removeInheritedAccessLists(again)
        folders.append(OpenFolder(raw: again, pathLength: 0, metadata: nil, former: nil))
    }

    deinit {
        if file >= 0 { close(file) }
        for folder in folders { close(folder.raw) }
    }

    /// Makes an entry; a file is then open for ``write(_:at:)`` until ``finishFile(_:)``.
    func make(_ entry: Entry) throws {
        if entry.path.isEmpty {
            folders[0].metadata = entry
            return
        }
        let slash = entry.path.lastIndex(of: 0x2f)
        let parent = try open(entry.path[..<(slash ?? 0)])
        try RawPath(Array(entry.path[(slash.map { $0 + 1 } ?? 0)...])).withCString { name in
            switch entry.kind {
            case .directory: try makeFolder(entry, name, in: parent)
            case .file:
                file = try making(entry, name, in: parent) {
                    openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
                }
            case .hardlink:
                try withTarget(of: entry) { folder, target in
                    _ = try making(entry, name, in: parent) { linkat(folder, target, parent, name, 0) }
                }
            case .symlink:
                _ = try RawPath(entry.link).withCString { text in
                    try making(entry, name, in: parent) { symlinkat(text, parent, name) }
                }
                try finish(entry, name, in: parent)
            case .fifo, .character, .block:
                let kind = entry.kind == .fifo ? S_IFIFO : entry.kind == .block ? S_IFBLK : S_IFCHR
                let device = gnu_dev_makedev(entry.major, entry.minor)
                _ = try making(entry, name, in: parent) { mknodat(parent, name, kind | 0o600, dev_t(device)) }
                try finish(entry, name, in: parent)
            }
        }
    }

    /// Writes a part of the file that was made last.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {
        var rest = bytes
        var offset = offset
        while !rest.isEmpty {
            let count = retrying { pwrite(file, rest.baseAddress, rest.count, off_t(offset)) }
            guard count > 0 else {
                throw MachineError.call("write to", root.path, errno: count == 0 ? ENOSPC : errno)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            offset += Int64(count)
        }
    }

    /// Gives the file that was made last its owner, mode, attributes and times, and closes it.
    func finishFile(_ entry: Entry) throws {
        let raw = file
        file = -1
        defer { close(raw) }
        if entry.extents != nil, ftruncate(raw, off_t(entry.size)) != 0 { throw failed("set the length of", entry) }
        try setMetadata(of: entry, raw)
        lastFound = Entry()
        try readBack(entry, .file(raw), try status(raw, entry))
    }

    /// What the file system says about the entry that was finished last; a hard link, and a folder that is still open,
    /// as it was given.
    var lastFound = Entry()

    /// Leaves all folders, and makes everything survive a power cut.
    func finish() throws {
        while !folders.isEmpty { try leave() }
        guard linux_syncfs(root.raw) == 0 else { throw MachineError.call("write to disk (syncfs)", root.path) }
    }

    // MARK: - Folders

    /// The open folder at `path`, entering and leaving what lies between.
    private func open(_ wanted: ArraySlice<UInt8>) throws -> Int32 {
        while !wanted.elementsEqual(path) {
            if path.isEmpty || wanted.count > path.count && wanted.starts(with: path) && wanted[path.count] == 0x2f {
                let start = path.isEmpty ? 0 : path.count + 1
                let end = wanted[start...].firstIndex(of: 0x2f) ?? wanted.endIndex
                try enter(wanted[start..<end])
            } else {
                try leave()
            }
        }
        return folders[folders.count - 1].raw
    }

    /// Enters a folder that no member of the archive made just before.
    private func enter(_ name: ArraySlice<UInt8>) throws {
        let parent = folders[folders.count - 1].raw
        let inner = RawPath(path).appending(RawPath(Array(name)))
        guard !strict else { throw ArchiveError.damaged("an entry comes without its folder", inner) }
        try RawPath(Array(name)).withCString { name in
            if mkdirat(parent, name, 0o755) == 0 { return push(try openFolder(name, in: parent, inner), inner) }
            guard errno == EEXIST else { throw MachineError.call("make the folder", inner.description) }
            let raw = try openFolder(name, in: parent, inner)
            push(raw, inner)
            var former = stat()
            guard fstat(raw, &former) == 0 else { throw MachineError.call("look at", inner.description) }
            folders[folders.count - 1].former = former
            if former.st_mode & 0o700 != 0o700 { _ = fchmod(raw, former.st_mode & 0o7777 | 0o700) }
        }
    }

    private func makeFolder(_ entry: Entry, _ name: UnsafePointer<CChar>, in parent: Int32) throws {
        if mkdirat(parent, name, 0o700) != 0 {
            guard errno == EEXIST else { throw failed("make the folder", entry) }
            guard !strict else { throw ArchiveError.unsafePath(entry.shownPath, "comes twice") }
        }
        push(try openFolder(name, in: parent, entry.shownPath), entry.shownPath)
        folders[folders.count - 1].metadata = entry
        lastFound = entry
    }

    private func openFolder(_ name: UnsafePointer<CChar>, in parent: Int32, _ place: RawPath) throws -> Int32 {
        guard folders.count <= Limits.depth else {
            throw ArchiveError.limit("too-deep", "Folders lie more than \(Limits.depth) deep in one another.", place)
        }
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var raw = openat(parent, name, flags)
        if raw < 0, errno == EMFILE {
            linux_raise_file_limit()
            raw = openat(parent, name, flags)
        }
        guard raw >= 0 else {
            if errno == ELOOP || errno == ENOTDIR {
                throw ArchiveError.unsafePath(place, "leads through something that is no folder")
            }
            throw MachineError.call("open the folder", place.description)
        }
        return raw
    }

    private func push(_ raw: Int32, _ place: RawPath) {
        path = place.bytes
        folders.append(OpenFolder(raw: raw, pathLength: path.count, metadata: nil, former: nil))
    }

    /// Leaves the innermost folder, after which it has what its entry says.
    private func leave() throws {
        let folder = folders.removeLast()
        defer {
            close(folder.raw)
            path.removeLast(path.count - (folders.last?.pathLength ?? 0))
        }
        if let entry = folder.metadata {
            try setMetadata(of: entry, folder.raw)
            let kept = lastFound
            try readBack(entry, .file(folder.raw), try status(folder.raw, entry))
            let found = lastFound
            lastFound = kept
            if strict { try compare(found, with: entry) }
        } else if let former = folder.former {
            var times = [former.st_atim, former.st_mtim]
            guard fchmod(folder.raw, former.st_mode & 0o7777) == 0, futimens(folder.raw, &times) == 0 else {
                throw MachineError.call("set the times of", RawPath(path).description)
            }
        }
    }

    private func compare(_ found: Entry, with expected: Entry) throws {
        var left: [UInt8] = []
        var right: [UInt8] = []
        left.appendLine(of: found, digest: nil)
        right.appendLine(of: expected, digest: nil)
        if left != right { throw ArchiveError.differs(expected.shownPath, firstDifference(left[...], right[...])) }
    }

    // MARK: - Names

    /// Runs the call that makes a name; what an earlier entry of a stranger's archive made there is replaced.
    private func making(
        _ entry: Entry, _ name: UnsafePointer<CChar>, in parent: Int32, _ call: () -> Int32
    ) throws -> Int32 {
        var result = call()
        if result < 0, errno == EEXIST {
            guard !strict else { throw ArchiveError.unsafePath(entry.shownPath, "comes twice") }
            guard try isSameKind(entry, name, in: parent), unlinkat(parent, name, 0) == 0 else {
                throw ArchiveError.unsafePath(entry.shownPath, "comes twice, and as something else")
            }
            result = call()
        }
        if entry.kind == .hardlink { lastFound = entry }
        guard result >= 0 else { throw failed("make", entry) }
        return result
    }

    private func isSameKind(_ entry: Entry, _ name: UnsafePointer<CChar>, in parent: Int32) throws -> Bool {
        var status = stat()
        guard fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return false }
        let kind = Entry.Kind(mode: status.st_mode)
        return kind == entry.kind || entry.kind == .hardlink && kind == .file
    }

    /// Calls `body` with the folder and name of what a hard link is another name of.
    private func withTarget(of entry: Entry, _ body: (Int32, UnsafePointer<CChar>) throws -> Void) throws {
        var folder = openat(folders[0].raw, ".", linux_o_path | O_DIRECTORY | O_CLOEXEC)
        defer { if folder >= 0 { close(folder) } }
        let parts = entry.link.split(separator: 0x2f)
        for part in parts.dropLast() {
            let next = RawPath(Array(part)).withCString {
                openat(folder, $0, linux_o_path | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            if folder >= 0 { close(folder) }
            folder = next
        }
        guard folder >= 0, let last = parts.last else { throw missingTarget(entry) }
        try RawPath(Array(last)).withCString { name in
            guard faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 else { throw missingTarget(entry) }
            try body(folder, name)
        }
    }

    private func missingTarget(_ entry: Entry) -> ArchiveError {
        ArchiveError.unsafePath(
            entry.shownPath, "is another name of “\(RawPath(entry.link))”, which is not in the archive before it")
    }
}
