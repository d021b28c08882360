internal import CLinux
package import Glibc

/// What is done with the names in an open folder.
extension Descriptor {
    /// Opens the folder at `path`; the last part may not be a symbolic link.
    package static func folder(_ path: String) throws -> Descriptor {
        try open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    /// Opens a folder inside this one, not through a symbolic link.
    package func folder(_ name: String) throws -> Descriptor {
        try open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    /// Makes a folder, durably.
    ///
    /// - Throws: ``MachineError`` with `errno` `EEXIST` when the name is taken.
    package func makeFolder(_ name: String, mode: mode_t = 0o700) throws {
        guard kernel.makeFolder(raw, name, mode) == 0 else {
            throw MachineError.call("make the folder", "\(path)/\(name)")
        }
        try synchronize()
    }

    /// Renames within this folder; does not synchronize it.
    package func rename(_ old: String, to new: String, replacing: Bool = false) throws {
        let flags = replacing ? 0 : UInt32(linux_rename_noreplace)
        guard kernel.rename(raw, old, raw, new, flags) == 0 else {
            throw MachineError.call("rename \(old) to \(new) in", path)
        }
    }

    /// Moves a name of another folder of the same file system here; synchronizes neither.
    package func take(_ old: String, from other: Descriptor, as new: String) throws {
        guard kernel.rename(other.raw, old, raw, new, UInt32(linux_rename_noreplace)) == 0 else {
            throw MachineError.call("move \(other.path)/\(old) to \(new) in", path)
        }
    }

    /// Swaps two names of this folder in one step: at no moment is either of them missing.
    package func exchange(_ one: String, _ other: String) throws {
        guard kernel.rename(raw, one, raw, other, UInt32(linux_rename_exchange)) == 0 else {
            throw MachineError.call("swap \(one) and \(other) in", path)
        }
    }

    /// Whether its path still leads here: it does not once the disk was unmounted, or somebody moved the folder.
    package var isAtItsPath: Bool {
        guard let here = try? status(), let there = try? Descriptor.open(path, O_RDONLY | O_DIRECTORY).status() else {
            return false
        }
        return here.st_dev == there.st_dev && here.st_ino == there.st_ino
    }

    /// Whether the name is there, as whatever.
    package func has(_ name: String) -> Bool { status(of: name) != nil }

    /// What is there under the name, a link as a link; nil where nothing is, or where that cannot be found out.
    package func status(of name: String) -> stat? {
        var status = stat()
        return kernel.status(raw, name, &status) == 0 ? status : nil
    }

    /// What is there at the path, a link as a link; nil where nothing is, or where that cannot be found out.
    package static func status(at path: String) -> stat? {
        var status = stat()
        return System.kernel.status(AT_FDCWD, path, &status) == 0 ? status : nil
    }

    /// Removes a file; a name that is not there is fine.
    package func unlink(_ name: String) throws {
        guard kernel.unlink(raw, name, 0) == 0 || errno == ENOENT else {
            throw MachineError.call("remove", "\(path)/\(name)")
        }
    }

    /// The names in this folder, without `.` and `..`, sorted; for folders that are known to be small.
    package func names() throws -> [String] {
        var names: [String] = []
        let result = kernel.list(raw) { name in
            names.append(String(cString: name))
            return true
        }
        guard result == 0 else { throw MachineError.call("list", path) }
        return names.sorted()
    }

    /// Whether there is nothing in this folder.
    package func isEmpty() throws -> Bool {
        var isEmpty = true
        let result = kernel.list(raw) { _ in
            isEmpty = false
            return false
        }
        guard result == 0 else { throw MachineError.call("list", path) }
        return isEmpty
    }

    /// Removes a name and all below it, durably, following no link. A name that is not there is fine.
    ///
    /// - Throws: also `machine.mounted` when another file system is mounted below it; that is never entered.
    package func removeTree(_ name: String) throws {
        try TreeRemoval.remove(RawPath(name), in: self)
        try synchronize()
    }
}

/// Makes a folder and those above it, 0700 each, as `mkdir -p` does.
package func makeFolders(_ path: String) throws {
    let kernel = System.kernel
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
        made += "/" + part
        if kernel.makeFolder(AT_FDCWD, made, 0o700) != 0, errno != EEXIST {
            throw MachineError.call("make the folder", made)
        }
    }
}

/// The absolute path of what is there, through all links; `path` itself where nothing is.
package func absolutePath(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
}

/// Whether something is mounted on exactly this path.
package func isMounted(_ path: String) -> Bool {
    guard let file = try? Descriptor.open("/proc/self/mountinfo", O_RDONLY),
        let bytes = try? file.readAll(limit: 16 << 20)
    else { return false }
    // Field 5 is the mount point; what would end it or the line is written in octal (proc(5)).
    let escapes: [Character: String] = [" ": "\\040", "\t": "\\011", "\n": "\\012", "\\": "\\134"]
    let wanted = path.map { escapes[$0] ?? String($0) }.joined()
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { line in
        line.split(separator: " ").dropFirst(4).first.map(String.init) == wanted
    }
}
