internal import CLinux
import Glibc
import Machine

/// Walks one tree, depth first and each folder before its content, and writes it into an archive.
///
/// Names are always looked up one at a time in an open folder and no link is followed, so that a tree that changes can
/// mislead it nowhere. Memory grows with depth and with files that have several names, not with entries.
final class TreeWalk {
    let writer: ArchiveWriter
    let meter: Meter
    let stop: StopSignal
    var report = TreeReport()
    /// Of what is being looked at, in the archive.
    var path: [UInt8]
    var entry = Entry()

    private let root: Descriptor
    private let excluded: ((RawPath) -> Bool)?
    private let prefixLength: Int
    private var levels: [Level] = []
    private var links: [FileID: (path: [UInt8], unseen: UInt)] = [:]
    private var noatime = linux_o_noatime
    private var canRefuseMounts = true

    /// An open folder that is being listed.
    private struct Level {
        let stream: OpaquePointer
        let descriptor: Int32
        let device: dev_t
        /// Of ``TreeWalk/path`` for the folder itself.
        let pathLength: Int
    }

    private struct FileID: Hashable {
        let device: dev_t
        let inode: ino_t
    }

    init(
        _ writer: ArchiveWriter, _ root: Descriptor, prefix: RawPath?, excluded: ((RawPath) -> Bool)?, meter: Meter,
        stop: StopSignal
    ) {
        self.writer = writer
        self.root = root
        self.excluded = excluded
        self.meter = meter
        self.stop = stop
        path = prefix?.bytes ?? []
        prefixLength = path.isEmpty ? 0 : path.count + 1
    }

    deinit { while let level = levels.popLast() { closedir(level.stream) } }

    /// Walks it all; may be called once.
    func run() throws -> TreeReport {
        let again = openName(root.raw, ".", O_RDONLY | O_DIRECTORY)
        guard again >= 0 else { throw MachineError.call("open", root.path) }
        let status = try status(of: again)
        try enter(again, status, parentLength: 0)
        while let level = levels.last {
            errno = 0
            guard let found = readdir(level.stream) else {
                guard errno == 0 else { throw MachineError.call("list", place) }
                closedir(level.stream)
                levels.removeLast()
                path.removeLast(path.count - (levels.last?.pathLength ?? 0))
                continue
            }
            let name = (UnsafeRawPointer(found) + nameOffset).assumingMemoryBound(to: CChar.self)
            if name[0] == 0x2e, name[1] == 0 || name[1] == 0x2e && name[2] == 0 { continue }
            try stop.check()
            try visit(name, hint: Int32(found.pointee.d_type), in: level)
        }
        return report
    }

    /// Where we are, for messages.
    var place: String { "\(root.path)/\(RawPath(Array(path.dropFirst(prefixLength))))" }

    /// Opens a name without following it, waiting for anybody or, where the kernel lets us, changing its access time.
    func openName(_ folder: Int32, _ name: UnsafePointer<CChar>, _ flags: Int32) -> Int32 {
        let flags = flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        var raw = openat(folder, name, flags | noatime)
        if raw < 0, errno == EPERM, noatime != 0 { raw = openat(folder, name, flags) }
        if raw < 0, errno == EMFILE {
            linux_raise_file_limit()
            raw = openat(folder, name, flags)
        }
        return raw
    }

    func status(of raw: Int32) throws -> stat {
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw MachineError.call("look at", place) }
        return status
    }

    /// If another name of this file is in the archive already, writes a link to it.
    func writeAsLink(_ status: stat) throws -> Bool {
        let id = FileID(device: status.st_dev, inode: status.st_ino)
        guard status.st_nlink > 1, let known = links[id] else { return false }
        entry.take(status, as: .hardlink)
        entry.link += known.path
        try writeMember(digest: nil)
        if known.unseen > 1 { links[id]?.unseen -= 1 } else { links[id] = nil }
        return true
    }

    /// Remembers a file that was just stored and has more names.
    func remember(_ status: stat) {
        guard status.st_nlink > 1 else { return }
        let id = FileID(device: status.st_dev, inode: status.st_ino)
        links[id] = (path, UInt(status.st_nlink) - 1)
    }

    /// Writes ``entry``, which has no data, under ``path``.
    func writeMember(digest: Digest?) throws {
        setEntryPath()
        try writer.encoder.encode(entry)
        try writer.stream.append(writer.encoder.blocks)
        try count(digest: digest)
    }

    /// Writes ``entry`` down as done.
    func count(digest: Digest?) throws {
        try writer.record(entry, digest: digest)
        report.entries += 1
        report.bytes += entry.dataSize
        meter.addEntry()
    }

    func setEntryPath() {
        entry.path.removeAll(keepingCapacity: true)
        entry.path += path
    }

    private func visit(_ name: UnsafePointer<CChar>, hint: Int32, in level: Level) throws {
        let parentLength = path.count
        if parentLength > 0 { path.append(0x2f) }
        path += UnsafeRawBufferPointer(start: name, count: strlen(name))
        // A folder that is entered keeps its path until it is left.
        let depth = levels.count
        defer { if levels.count == depth { path.removeLast(path.count - parentLength) } }
        if let excluded, excluded(RawPath(Array(path[prefixLength...]))) { return }
        // Our own folder's name was free when we began: whoever took it since comes with the next restore point.
        if parentLength == 0, path == writer.controlFolder { return try vanished() }
        try writer.observer?(.listed, RawPath(path))
        var hint = hint
        for _ in 0..<4 {
            let outcome =
                switch hint {
                case regularHint: try visitFile(name, in: level.descriptor)
                case folderHint: try visitFolder(name, in: level)
                default: try visitOther(name, in: level.descriptor)
                }
            switch outcome {
            case .done: return
            case .changed: hint = unknownHint
            case .really(let kind): hint = kind
            }
        }
        try vanished()
    }

    /// What became of looking at a name as one kind of file.
    enum Outcome {
        case done
        /// It is no longer what it was.
        case changed
        /// It is of this kind (`DT_…`).
        case really(Int32)
    }

    let regularHint = Int32(DT_REG)
    let folderHint = Int32(DT_DIR)
    let unknownHint = Int32(DT_UNKNOWN)

    /// It was listed, but is not there any more.
    func vanished() throws {
        try writer.note("vanished", path, torn: true)
        report.torn.add(RawPath(path))
    }

    private func visitFolder(_ name: UnsafePointer<CChar>, in parent: Level) throws -> Outcome {
        let raw = openFolder(name, in: parent.descriptor)
        guard raw >= 0 else {
            switch errno {
            case EXDEV:
                try writeMountPoint(name, in: parent)
                return .done
            case ENOENT, ENOTDIR, ELOOP: return .changed
            default: throw MachineError.call("open the folder", place)
            }
        }
        let status = try status(of: raw)
        if !canRefuseMounts, status.st_dev != parent.device {
            close(raw)
            try writeMountPoint(name, in: parent)
            return .done
        }
        try enter(raw, status, parentLength: parent.pathLength)
        return .done
    }

    /// Opens a folder unless something else is mounted on it: then `errno` is `EXDEV`.
    private func openFolder(_ name: UnsafePointer<CChar>, in parent: Int32) -> Int32 {
        if canRefuseMounts {
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            var raw = linux_openat2(parent, name, flags | noatime, 0, linux_resolve_no_xdev)
            if raw < 0, errno == EMFILE {
                linux_raise_file_limit()
                raw = linux_openat2(parent, name, flags | noatime, 0, linux_resolve_no_xdev)
            }
            if raw >= 0 || errno != ENOSYS && errno != EPERM { return raw }
            if errno == EPERM { raw = linux_openat2(parent, name, flags, 0, linux_resolve_no_xdev) }
            if raw >= 0 || errno != ENOSYS && errno != EPERM { return raw }
            // Kernels before 5.6, and sandboxes that do not know the call: devices are compared instead.
            canRefuseMounts = false
        }
        return openName(parent, name, O_RDONLY | O_DIRECTORY)
    }

    /// Writes the folder that was opened and starts to list it.
    private func enter(_ raw: Int32, _ status: stat, parentLength: Int) throws {
        guard let stream = fdopendir(raw) else {
            close(raw)
            throw MachineError.call("list", place)
        }
        levels.append(Level(stream: stream, descriptor: raw, device: status.st_dev, pathLength: path.count))
        guard levels.count <= Limits.depth else {
            throw ArchiveError.limit(
                "too-deep", "Folders lie more than \(Limits.depth) deep in one another.", remedy: "Exclude this one.")
        }
        entry.take(status, as: .directory)
        setEntryPath()
        try writer.attributes.read(.file(raw), into: &entry)
        try writeMember(digest: nil)
    }

    private func writeMountPoint(_ name: UnsafePointer<CChar>, in parent: Level) throws {
        var status = stat()
        guard fstatat(parent.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return try vanished() }
            throw MachineError.call("look at", place)
        }
        entry.take(status, as: .directory)
        setEntryPath()
        try writer.attributes.read(.name(in: parent.descriptor, name), into: &entry)
        try writeMember(digest: nil)
        try writer.note("mount", path)
        report.mounts.add(RawPath(path))
    }
}

/// Where the name begins in what `readdir` gives.
private let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
