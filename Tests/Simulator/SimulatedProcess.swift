import Glibc
import Machine

/// One holdfast on the simulated host: its open files, and the kernel that they are of.
///
/// Each call is a step that the ``Scheduler`` may let fail, interrupt or make the last. A process that was killed does not know
/// it: it goes on, but nothing that it does has an effect, and every call fails.
///
/// - Note: `@unchecked Sendable`: a process does one thing at a time, and only its own run touches it.
final class SimulatedProcess: Kernel, @unchecked Sendable {
    let disk: SimulatedDisk
    let engine: SimulatedEngine
    let name: String
    let scheduler: Scheduler
    let sabotage: Sabotage?
    private var files: [OpenFile?] = []

    private final class OpenFile {
        let inode: Inode
        let isAppending: Bool
        var offset = 0
        let id: Int

        init(_ inode: Inode, appending: Bool, id: Int) {
            self.inode = inode
            isAppending = appending
            self.id = id
        }
    }

    init(_ name: String, on host: Host, _ scheduler: Scheduler, sabotage: Sabotage? = nil) {
        disk = host.disk
        engine = host.engine
        self.name = name
        self.scheduler = scheduler
        self.sabotage = sabotage
    }

    var isDead: Bool { scheduler.isOver }

    /// The kernel lets go of what a dead process had.
    func end() {
        for file in files { if let file, file.inode.lockedBy == file.id { file.inode.lockedBy = nil } }
        files = []
    }

    /// Asks the scheduler.
    ///
    /// - Returns: nil when the step is to be done; otherwise the `errno` with which it fails.
    func trouble(_ step: @autoclosure () -> Step) -> Int32? {
        if scheduler.isOver { return EIO }
        return scheduler.next(step())
    }

    private func failed(_ step: @autoclosure () -> Step) -> Bool {
        guard let code = trouble(step()) else { return false }
        errno = code
        return true
    }

    // MARK: - Files

    var blocks: Bool { false }

    private static let firstNumber: Int32 = 1 << 30

    private func file(_ number: Int32) -> OpenFile? {
        let index = Int(number - Self.firstNumber)
        guard number >= Self.firstNumber, index < files.count else { return nil }
        return files[index]
    }

    private func folder(_ number: Int32) -> Inode? { number == AT_FDCWD ? disk.root : file(number)?.inode }

    private func add(_ inode: Inode, appending: Bool = false) -> Int32 {
        files.append(OpenFile(inode, appending: appending, id: scheduler.freshID()))
        return Self.firstNumber + Int32(files.count - 1)
    }

    /// The folder that the last part of a path is in, and that part.
    private func place(_ start: Int32, _ path: UnsafePointer<CChar>, literally: Bool = false) -> (Inode, String)? {
        guard var inode = folder(start) else { return nil }
        let text = String(cString: path)
        guard text.utf8.contains(UInt8(ascii: "/")) else {
            return (inode, literally ? text : sabotage?.alias(text) ?? text)
        }
        var parts = text.split(separator: "/")
        guard let last = parts.popLast() else { return (disk.root, ".") }
        for part in parts where part != "." {
            guard let next = inode.entries[String(part)], next.isFolder else { return nil }
            inode = next
        }
        return (inode, String(last))
    }

    private func find(_ place: (Inode, String)) -> Inode? {
        switch place.1 {
        case ".": place.0
        case "..": place.0.parent
        default: place.0.entries[place.1]
        }
    }

    private func failing(_ code: Int32) -> Int32 {
        errno = code
        return -1
    }

    func open(_ folder: Int32, _ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32 {
        if isDead { return failing(EIO) }
        guard let place = place(folder, path) else { return failing(ENOENT) }
        if let inode = find(place) {
            guard flags & O_EXCL == 0 else { return failing(EEXIST) }
            guard flags & O_DIRECTORY == 0 || inode.isFolder else { return failing(ENOTDIR) }
            if failed(Step(deed: .open, inode: place.0, name: place.1)) { return -1 }
            return add(inode, appending: flags & O_APPEND != 0)
        }
        guard flags & O_CREAT != 0 else { return failing(ENOENT) }
        if failed(Step(deed: .create, inode: place.0, name: place.1)) { return -1 }
        let inode = disk.make(folder: false, place.1, in: place.0)
        return add(inode, appending: flags & O_APPEND != 0)
    }

    func openUnmounted(_ folder: Int32, _ name: UnsafePointer<CChar>) -> Int32 {
        open(folder, name, O_DIRECTORY, 0)
    }

    func close(_ number: Int32) -> Int32 {
        guard !isDead, let file = file(number) else { return failing(EBADF) }
        if file.inode.lockedBy == file.id { file.inode.lockedBy = nil }
        files[Int(number - Self.firstNumber)] = nil
        return 0
    }

    func read(_ number: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        guard !isDead, let file = file(number), let buffer else { return Int(failing(EIO)) }
        let bytes = sabotage?.read(file.inode) ?? file.inode.bytes
        let length = min(count, bytes.count - file.offset)
        guard length > 0 else { return 0 }
        UnsafeMutableRawBufferPointer(start: buffer, count: length)
            .copyBytes(from: bytes[file.offset..<file.offset + length])
        file.offset += length
        return length
    }

    func write(_ number: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        guard let file = file(number), let bytes else { return Int(failing(EBADF)) }
        let step = Step(deed: .write, inode: file.inode, name: "")
        if let code = trouble(step) {
            // A disk that is full takes a part of it.
            if code == ENOSPC, !isDead, file.isAppending {
                append(Array(UnsafeRawBufferPointer(start: bytes, count: count / 2)), to: file)
            }
            return Int(failing(code))
        }
        let part = Array(UnsafeRawBufferPointer(start: bytes, count: count))
        sabotage.act(step, self) { [self] in append(part, to: file) }
        return count
    }

    private func append(_ part: [UInt8], to file: OpenFile) {
        if file.isAppending { file.offset = file.inode.bytes.count }
        let overlap = min(part.count, file.inode.bytes.count - file.offset)
        if overlap > 0 {
            file.inode.bytes.replaceSubrange(file.offset..<file.offset + overlap, with: part[..<overlap])
        }
        file.inode.bytes += part[max(0, overlap)...]
        file.offset += part.count
        file.inode.isDirty = true
    }

    func truncate(_ number: Int32, _ length: Int) -> Int32 {
        guard let file = file(number) else { return failing(EBADF) }
        let step = Step(deed: .truncate, inode: file.inode, name: "")
        if failed(step) { return -1 }
        sabotage.act(step, self) {
            if file.inode.bytes.count > length { file.inode.bytes.removeLast(file.inode.bytes.count - length) }
            file.inode.isDirty = true
        }
        return 0
    }

    func synchronize(_ number: Int32) -> Int32 {
        guard let file = file(number) else { return failing(EBADF) }
        let step = Step(deed: .synchronize, inode: file.inode, name: "")
        if failed(step) { return -1 }
        sabotage.act(step, self) { [disk] in disk.synchronize(file.inode) }
        return 0
    }

    func startWriteback(_ file: Int32, _ offset: Int, _ count: Int) {}

    func setMode(_ file: Int32, _ mode: mode_t) -> Int32 { isDead ? failing(EIO) : 0 }

    func status(_ number: Int32, _ status: inout stat) -> Int32 {
        guard !isDead, let inode = folder(number) else { return failing(EIO) }
        fill(&status, inode)
        return 0
    }

    func status(_ folder: Int32, _ path: UnsafePointer<CChar>, _ status: inout stat) -> Int32 {
        guard !isDead else { return failing(EIO) }
        guard let place = place(folder, path), let inode = find(place) else { return failing(ENOENT) }
        fill(&status, inode)
        return 0
    }

    private func fill(_ status: inout stat, _ inode: Inode) {
        status = stat()
        status.st_ino = ino_t(inode.number)
        status.st_dev = 1
        status.st_mode = inode.isFolder ? S_IFDIR | 0o700 : S_IFREG | 0o600
        status.st_uid = getuid()
        status.st_size = off_t(inode.bytes.count)
    }

    // MARK: - Names

    func makeFolder(_ folder: Int32, _ path: UnsafePointer<CChar>, _ mode: mode_t) -> Int32 {
        if isDead { return failing(EIO) }
        guard let place = place(folder, path) else { return failing(ENOENT) }
        guard find(place) == nil else { return failing(EEXIST) }
        let step = Step(deed: .makeFolder, inode: place.0, name: place.1)
        if failed(step) { return -1 }
        sabotage.act(step, self) { [disk] in _ = disk.make(folder: true, place.1, in: place.0) }
        return 0
    }

    func rename(
        _ oldFolder: Int32, _ old: UnsafePointer<CChar>, _ newFolder: Int32, _ new: UnsafePointer<CChar>,
        _ flags: UInt32
    ) -> Int32 {
        if isDead { return failing(EIO) }
        guard let from = place(oldFolder, old, literally: true), let to = place(newFolder, new, literally: true),
            let inode = find(from)
        else {
            return failing(ENOENT)
        }
        let there = find(to)
        let isExchange = flags & 2 != 0
        if flags & 1 != 0, there != nil { return failing(EEXIST) }
        if isExchange, there == nil { return failing(ENOENT) }
        if let there, !isExchange, there.isFolder, !there.entries.isEmpty { return failing(ENOTEMPTY) }
        let step = Step(deed: isExchange ? .exchange : .rename, inode: from.0, name: from.1, other: to.1)
        if failed(step) { return -1 }
        sabotage.act(step, self) { [disk] in
            disk.set([(from.0, from.1, isExchange ? there : nil), (to.0, to.1, inode)])
        }
        return 0
    }

    func unlink(_ folder: Int32, _ name: UnsafePointer<CChar>, _ flags: Int32) -> Int32 {
        if isDead { return failing(EIO) }
        guard let place = place(folder, name), let inode = find(place) else { return failing(ENOENT) }
        if flags & AT_REMOVEDIR != 0 {
            guard inode.entries.isEmpty else { return failing(ENOTEMPTY) }
        } else if inode.isFolder {
            return failing(EISDIR)
        }
        let step = Step(deed: inode.isFolder ? .removeFolder : .unlink, inode: place.0, name: place.1)
        if failed(step) { return -1 }
        sabotage.act(step, self) { [disk] in disk.set([(place.0, place.1, nil)]) }
        return 0
    }

    func list(_ folder: Int32, _ each: (UnsafePointer<CChar>) throws -> Bool) rethrows -> Int32 {
        guard !isDead, let inode = self.folder(folder) else { return failing(EIO) }
        for name in sabotage?.names(of: inode) ?? inode.entries.keys.sorted() {
            guard try each(name) else { return 0 }
        }
        return 0
    }

    // MARK: - Locks

    func lock(_ number: Int32) -> Int32 {
        guard !isDead, let file = file(number) else { return failing(EIO) }
        let isFree = file.inode.lockedBy == nil || file.inode.lockedBy == file.id
        guard isFree || sabotage?.kind == .lockExcludesNobody else { return failing(EAGAIN) }
        file.inode.lockedBy = file.id
        return 0
    }

    func unlock(_ number: Int32) {
        guard !isDead, let file = file(number), file.inode.lockedBy == file.id else { return }
        file.inode.lockedBy = nil
    }

    func isLocked(_ number: Int32) -> Bool {
        guard !isDead, let file = file(number), let holder = file.inode.lockedBy else { return false }
        return holder != file.id
    }

    func lockFolder(_ number: Int32) -> Int32 {
        guard lock(number) == 0 else { return -1 }
        scheduler.heldFolders += 1
        return 0
    }

    func unlockFolder(_ number: Int32) {
        scheduler.heldFolders -= 1
        unlock(number)
    }
}
