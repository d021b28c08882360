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
        guard mkdirat(raw, name, mode) == 0 else { throw MachineError.call("make the folder", "\(path)/\(name)") }
        try synchronize()
    }

    /// Renames within this folder; does not synchronize it.
    package func rename(_ old: String, to new: String, replacing: Bool = false) throws {
        let flags = replacing ? 0 : UInt32(linux_rename_noreplace)
        guard linux_renameat2(raw, old, raw, new, flags) == 0 else {
            throw MachineError.call("rename \(old) to \(new) in", path)
        }
    }

    /// Moves a name of another folder of the same file system here; synchronizes neither.
    package func take(_ old: String, from other: Descriptor, as new: String) throws {
        guard linux_renameat2(other.raw, old, raw, new, UInt32(linux_rename_noreplace)) == 0 else {
            throw MachineError.call("move \(other.path)/\(old) to \(new) in", path)
        }
    }

    /// Swaps two names of this folder in one step: at no moment is either of them missing.
    package func exchange(_ one: String, _ other: String) throws {
        guard linux_renameat2(raw, one, raw, other, UInt32(linux_rename_exchange)) == 0 else {
            throw MachineError.call("swap \(one) and \(other) in", path)
        }
    }

    /// Whether its path still leads here: it does not once the disk was unmounted, or somebody moved the folder.
    package var isAtItsPath: Bool {
        var (here, there) = (stat(), stat())
        return fstat(raw, &here) == 0 && fstatat(AT_FDCWD, path, &there, 0) == 0 && here.st_dev == there.st_dev
            && here.st_ino == there.st_ino
    }

    /// Whether the name is there, as whatever.
    package func has(_ name: String) -> Bool { faccessat(raw, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }

    /// The names in this folder, without `.` and `..`, sorted; for folders that are known to be small.
    package func names() throws -> [String] {
        let again = try open(".", O_RDONLY | O_DIRECTORY)
        guard let stream = fdopendir(dup(again.raw)) else { throw MachineError.call("list", path) }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw MachineError.call("list", path) }
        return names.sorted()
    }

    /// Whether there is nothing in this folder.
    package func isEmpty() throws -> Bool {
        let again = try open(".", O_RDONLY | O_DIRECTORY)
        guard let stream = fdopendir(dup(again.raw)) else { throw MachineError.call("list", path) }
        defer { closedir(stream) }
        var count = 0
        errno = 0
        while count <= 2, readdir(stream) != nil { count += 1 }
        guard errno == 0 else { throw MachineError.call("list", path) }
        return count <= 2
    }

    /// Removes a name and all below it, following no link. A name that is not there is fine.
    ///
    /// - Throws: also `machine.mounted` when another file system is mounted below it; that is never entered.
    package func removeTree(_ name: String) throws { try TreeRemoval.remove(RawPath(name), in: self) }
}

/// Makes a folder and those above it, 0700 each, as `mkdir -p` does.
package func makeFolders(_ path: String) throws {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
        made += "/" + part
        if mkdir(made, 0o700) != 0, errno != EEXIST { throw MachineError.call("make the folder", made) }
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
