internal import CLinux
import Glibc
import Machine

/// Giving entries what their headers say beside data, and reading it back from the file system.
extension StagedTree {

    func setMetadata(of entry: Entry, _ raw: Int32) throws {
        if privileged, fchown(raw, entry.owner, entry.group) != 0 { throw failed("set the owner of", entry) }
        // Before the mode: whoever is not root may not set any on what is read-only, and an ACL can clear set-id bits.
        if entry.hasAttributes { try setAttributes(of: entry, at: .file(raw), privileged: privileged) }
        guard fchmod(raw, mode_t(entry.mode)) == 0 else { throw failed("set the mode of", entry) }
        var times = [entry.accessed?.timespec ?? entry.modified.timespec, entry.modified.timespec]
        guard futimens(raw, &times) == 0 else { throw failed("set the times of", entry) }
    }

    /// The same for what cannot be opened, and reads it back.
    func finish(_ entry: Entry, _ name: UnsafePointer<CChar>, in parent: Int32) throws {
        if privileged, fchownat(parent, name, entry.owner, entry.group, AT_SYMLINK_NOFOLLOW) != 0 {
            throw failed("set the owner of", entry)
        }
        if entry.hasAttributes { try setAttributes(of: entry, at: .name(in: parent, name), privileged: privileged) }
        // A link has no mode of its own. What else comes here was made by us a moment ago and is no link.
        if entry.kind != .symlink, fchmodat(parent, name, mode_t(entry.mode), 0) != 0 {
            throw failed("set the mode of", entry)
        }
        var times = [entry.accessed?.timespec ?? entry.modified.timespec, entry.modified.timespec]
        guard utimensat(parent, name, &times, AT_SYMLINK_NOFOLLOW) == 0 else { throw failed("set the times of", entry) }
        var status = stat()
        guard fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw failed("look at", entry) }
        try readBack(entry, .name(in: parent, name), status)
        if entry.kind == .symlink {
            try withUnsafeTemporaryAllocation(of: CChar.self, capacity: entry.link.count + 1) { buffer in
                guard let base = buffer.baseAddress else { return }
                let count = readlinkat(parent, name, base, buffer.count)
                guard count >= 0 else { throw failed("read the link", entry) }
                lastFound.link += UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
            }
        }
        if entry.kind == .symlink { lastFound.mode = entry.mode }
    }

    /// Fills ``lastFound`` with what the file system says now.
    func readBack(_ entry: Entry, _ place: AttributePlace, _ status: stat) throws {
        lastFound.take(status, as: Entry.Kind(mode: status.st_mode) ?? entry.kind)
        lastFound.path = entry.path
        lastFound.extents = entry.extents
        lastFound.major = gnu_dev_major(status.st_rdev)
        lastFound.minor = gnu_dev_minor(status.st_rdev)
        try attributes.read(place, into: &lastFound)
        if !privileged {
            lastFound.owner = entry.owner
            lastFound.group = entry.group
            lastFound.attributes.removeAll { $0.needsRoot }
            lastFound.attributes += entry.attributes.filter(\.needsRoot)
            lastFound.attributes.sort { $0.name.lexicographicallyPrecedes($1.name) }
        }
    }

    func status(_ raw: Int32, _ entry: Entry) throws -> stat {
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw failed("look at", entry) }
        return status
    }

    func failed(_ doing: String, _ entry: Entry) -> MachineError {
        MachineError.call(doing, "\(root.path)/\(entry.shownPath)")
    }
}

extension Entry {
    var hasAttributes: Bool { !attributes.isEmpty || !accessList.isEmpty || !defaultAccessList.isEmpty }
}
