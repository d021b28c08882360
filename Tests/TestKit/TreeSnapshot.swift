internal import CLinux
import Glibc
package import Machine
internal import Synchronization

/// What a tree is, seen by code that shares nothing with the product's walker: every entry with all that a backup has
/// to bring back.
package struct TreeSnapshot {
    /// One entry; access, change and birth times are left out.
    package struct Item: Equatable {
        package var type: String
        package var mode: UInt32
        package var owner: UInt32
        package var group: UInt32
        package var size: Int64
        package var seconds: Int
        package var nanoseconds: Int
        package var link: [UInt8] = []
        package var device: UInt64 = 0
        /// The first path of the same file, if it has several names in the tree.
        package var firstName: [UInt8] = []
        /// Name and value of every extended attribute, POSIX ACLs included.
        package var attributes: [[UInt8]: [UInt8]] = [:]
        package var digest: Digest?
    }

    /// By path; empty is the root.
    package private(set) var items: [[UInt8]: Item] = [:]
    /// Bytes that files take on disk.
    package private(set) var allocated: [[UInt8]: Int64] = [:]
    package private(set) var sockets = 0

    private var inodes: [ino_t: [[UInt8]]] = [:]
    private let known: KnownDigests?

    /// - Parameters:
    ///   - ignored: names at the top that are left out.
    ///   - known: digests of large files that need not be read again.
    package init(of folder: String, ignoring ignored: Set<String> = [], known: KnownDigests? = nil) throws {
        self.known = known
        let raw = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard raw >= 0 else { throw MachineError.call("open", folder) }
        try add(raw, ".", path: [], ignored: Set(ignored.map { Array($0.utf8) }))
        close(raw)
        for names in inodes.values where names.count > 1 {
            let first = names.min { $0.lexicographicallyPrecedes($1) } ?? []
            for name in names { items[name]?.firstName = first }
        }
    }

    /// In words, what is not the same in `other`; at most twenty lines.
    package func differences(from other: TreeSnapshot) -> [String] {
        var found: [String] = []
        for path in Set(items.keys).union(other.items.keys).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard found.count < 20 else { break }
            switch (items[path], other.items[path]) {
            case (let one?, let two?) where one != two: found.append("\(RawPath(path)): \(one) ≠ \(two)")
            case (.some, nil): found.append("\(RawPath(path)): missing in the second")
            case (nil, .some): found.append("\(RawPath(path)): missing in the first")
            default: break
            }
        }
        return found
    }

    private mutating func add(_ parent: Int32, _ name: String, path: [UInt8], ignored: Set<[UInt8]>) throws {
        try add(parent, Array(name.utf8CString), path: path, ignored: ignored)
    }

    private mutating func add(_ parent: Int32, _ name: [CChar], path: [UInt8], ignored: Set<[UInt8]>) throws {
        var status = stat()
        guard fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw MachineError.call("look at", "\(RawPath(path))")
        }
        let types: [mode_t: String] = [
            S_IFREG: "file", S_IFDIR: "folder", S_IFLNK: "link", S_IFIFO: "fifo", S_IFCHR: "char", S_IFBLK: "block",
        ]
        guard let type = types[status.st_mode & S_IFMT] else {
            sockets += 1
            return
        }
        var item = Item(
            type: type, mode: status.st_mode & 0o7777, owner: status.st_uid, group: status.st_gid,
            size: type == "file" ? Int64(status.st_size) : 0, seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec)
        item.attributes = try Self.attributes(parent, name)
        switch type {
        case "link":
            var buffer = [UInt8](repeating: 0, count: 5000)
            let count = buffer.withUnsafeMutableBytes {
                readlinkat(
                    parent, name,
                    $0.assumingMemoryBound(to: CChar.self).baseAddress
                        ?? UnsafeMutablePointer(bitPattern: 1).unsafelyUnwrapped, $0.count)
            }
            item.link = Array(buffer.prefix(max(0, count)))
        case "char", "block": item.device = UInt64(status.st_rdev)
        case "file":
            item.digest = try known?.digest(of: status) ?? Self.digest(parent, name, size: Int64(status.st_size))
            if let digest = item.digest { known?.take(digest, of: status) }
            allocated[path] = Int64(status.st_blocks) * 512
        default: break
        }
        items[path] = item
        if type != "folder", status.st_nlink > 1 { inodes[status.st_ino, default: []].append(path) }
        if type == "folder" { try addContent(parent, name, path, ignored) }
    }

    private mutating func addContent(
        _ parent: Int32, _ name: [CChar], _ path: [UInt8], _ ignored: Set<[UInt8]>
    ) throws {
        let raw = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard raw >= 0, let stream = fdopendir(raw) else { throw MachineError.call("open", "\(RawPath(path))") }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let child = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if child == [0x2e] || child == [0x2e, 0x2e] || path.isEmpty && ignored.contains(child) { continue }
            let below = path.isEmpty ? child : path + [0x2f] + child
            try add(raw, child.map { CChar(bitPattern: $0) } + [0], path: below, ignored: [])
        }
    }

    private static func attributes(_ parent: Int32, _ name: [CChar]) throws -> [[UInt8]: [UInt8]] {
        let path = Array("/proc/self/fd/\(parent)/".utf8CString.dropLast()) + name
        var names = [CChar](repeating: 0, count: 65_536)
        let length = linux_llistxattr(path, &names, 65_536)
        guard length > 0 else { return [:] }
        var found: [[UInt8]: [UInt8]] = [:]
        for attribute in names[..<length].split(separator: 0) {
            var value = [UInt8](repeating: 0, count: 65_536)
            let count = linux_lgetxattr(path, Array(attribute) + [0], &value, 65_536)
            guard count >= 0 else { throw MachineError.call("read an attribute of", "\(name)") }
            found[attribute.map { UInt8(bitPattern: $0) }] = Array(value.prefix(count))
        }
        return found
    }

    /// Of the data and of where it lies, so that the holes of large files need not be read.
    private static func digest(_ parent: Int32, _ name: [CChar], size: Int64) throws -> Digest {
        let raw = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard raw >= 0 else { throw MachineError.call("open", "a file") }
        defer { close(raw) }
        let hasher = Hasher256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { buffer.deallocate() }
        var offset = 0
        while offset < size {
            let data = lseek(raw, offset, linux_seek_data)
            if data < 0 { break }
            offset = data / 4096 * 4096
            let count = pread(raw, buffer.baseAddress, 4096, offset)
            guard count >= 0 else { throw MachineError.call("read", "a file") }
            if count == 0 { break }
            if buffer[..<count].contains(where: { $0 != 0 }) {
                withUnsafeBytes(of: offset) { hasher.update($0) }
                hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            offset += count
        }
        return hasher.finish()
    }
}

extension TreeSnapshot {
    /// For comparing with what cannot keep fractions of seconds.
    package mutating func forgetFractions() {
        for path in items.keys { items[path]?.nanoseconds = 0 }
    }

    /// For what changes whenever something is made or removed in a folder.
    package mutating func forgetTimes(of path: [UInt8]) {
        items[path]?.seconds = 0
        items[path]?.nanoseconds = 0
    }

    /// Adds what another snapshot found.
    package mutating func add(_ item: Item, at path: [UInt8]) { items[path] = item }
}

/// Digests of large files, for those who look at the same tree again and again: while nobody touched a file, which its
/// change time tells, it is what it was.
package final class KnownDigests: Sendable {
    private struct Key: Hashable {
        let device: dev_t
        let inode: ino_t
        let size: off_t
        let changed: Int
        let nanoseconds: Int

        init(_ status: stat) {
            (device, inode, size) = (status.st_dev, status.st_ino, status.st_size)
            (changed, nanoseconds) = (status.st_ctim.tv_sec, status.st_ctim.tv_nsec)
        }
    }

    private let digests = Mutex<[Key: Digest]>([:])

    package init() {}

    fileprivate func digest(of status: stat) -> Digest? { digests.withLock { $0[Key(status)] } }

    fileprivate func take(_ digest: Digest, of status: stat) {
        guard status.st_size >= Self.large else { return }
        digests.withLock { $0[Key(status)] = digest }
    }

    private static let large = 1 << 20
}
