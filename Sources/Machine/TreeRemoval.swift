import Glibc

/// Removes a tree without recursion and with a few descriptors, however deep and wide it is.
struct TreeRemoval {
    /// A folder on the way down.
    private struct Level {
        let name: RawPath
        let device: dev_t
        let inode: ino_t
        /// The folders in it that are still to be removed.
        var pending: [RawPath]
        var passes = 1
    }

    private let root: Descriptor
    /// For messages.
    private let path: String
    private var levels: [Level] = []

    private init(_ root: Descriptor, path: String) {
        self.root = root
        self.path = path
    }

    /// Removes `name` in `root`. A name that is not there is fine.
    static func remove(_ name: RawPath, in root: Descriptor) throws {
        if try !unlink(name, in: root) { return }
        var removal = TreeRemoval(root, path: "\(root.path)/\(name)")
        try removal.run(name)
    }

    private mutating func run(_ name: RawPath) throws {
        guard var current = try enter(name, in: root) else { return }
        while let level = levels.last {
            if let child = levels[levels.count - 1].pending.popLast() {
                if let below = try enter(child, in: current) { current = below }
                continue
            }
            let parent = try self.parent(of: current)
            if level.name.withCString({ parent.kernel.unlink(parent.raw, $0, AT_REMOVEDIR) }) != 0, errno != ENOENT {
                // Something came in meanwhile, or the file system's listing skips names when others go.
                guard errno == ENOTEMPTY, level.passes < Self.mostPasses else {
                    throw MachineError.call("remove the folder", path)
                }
                levels[levels.count - 1].pending = try clear(current)
                levels[levels.count - 1].passes += 1
                continue
            }
            levels.removeLast()
            current = parent
        }
    }

    /// Opens a folder and removes all in it that is no folder; nil if it is gone.
    private mutating func enter(_ name: RawPath, in parent: Descriptor) throws -> Descriptor? {
        let raw = name.withCString { name in retrying { parent.kernel.openUnmounted(parent.raw, name) } }
        guard raw >= 0 else {
            switch errno {
            case ENOENT: return nil
            case EXDEV:
                throw MachineError(
                    code: "machine.mounted", what: "Something is mounted below it, which is not removed.", place: path,
                    remedy: "Unmount it (umount), then remove the rest.", errno: EXDEV)
            case ENOTDIR: throw MachineError.call("remove", path, errno: EPERM)
            default: throw MachineError.call("open", path)
            }
        }
        let folder = Descriptor(owning: raw, path: path, of: parent.kernel)
        let status = try folder.status()
        levels.append(Level(name: name, device: status.st_dev, inode: status.st_ino, pending: try clear(folder)))
        return folder
    }

    /// The folder above the one at hand: by `..`, so that the way down need not stay open.
    private func parent(of current: Descriptor) throws -> Descriptor {
        guard levels.count > 1 else { return root }
        let expected = levels[levels.count - 2]
        let parent = try current.parent(path: path)
        let status = try parent.status()
        guard status.st_dev == expected.device, status.st_ino == expected.inode else {
            throw MachineError(
                code: "machine.moved", what: "A folder was moved elsewhere while it was being removed.", place: path,
                remedy: "Find out who moved it, then remove the rest.")
        }
        return parent
    }

    /// Removes all that is no folder.
    ///
    /// - Returns: the folders.
    private func clear(_ folder: Descriptor) throws -> [RawPath] {
        var folders: [RawPath] = []
        let result = try folder.kernel.list(folder.raw) { name in
            let name = RawPath(cString: name)
            if try Self.unlink(name, in: folder) { folders.append(name) }
            return true
        }
        guard result == 0 else { throw MachineError.call("list", path) }
        return folders
    }

    /// - Returns: whether it is still there, because it is a folder.
    private static func unlink(_ name: RawPath, in folder: Descriptor) throws -> Bool {
        if name.withCString({ folder.kernel.unlink(folder.raw, $0, 0) }) == 0 || errno == ENOENT { return false }
        guard errno == EISDIR || errno == EPERM else { throw MachineError.call("remove", "\(folder.path)/\(name)") }
        return true
    }

    private static let mostPasses = 10
}

extension Descriptor {
    /// The folder above this one.
    fileprivate func parent(path: String) throws -> Descriptor {
        let raw = retrying { kernel.open(self.raw, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) }
        guard raw >= 0 else { throw MachineError.call("open", path) }
        return Descriptor(owning: raw, path: path, of: kernel)
    }
}
