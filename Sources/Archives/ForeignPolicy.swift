package import Machine

/// What a stranger's archive may do to this host.
package struct ForeignPolicy: Sendable {
    /// Device nodes.
    package var allowDevices = false
    /// Set-user-id and set-group-id files, and file capabilities.
    package var allowSetID = false
    /// Symbolic links that lead out of the folder that is restored into.
    package var allowEscapingLinks = false
    /// How many folders lie above what is to be a tree of its own, out of which no link may lead; 0: the archive is one tree.
    package var rootDepth = 0
    /// Entries that are passed over, whatever they are.
    package var ignored: [RawPath] = []

    package init() {}
}

extension ForeignPolicy {
    /// Refuses what could harm this host, unless it was allowed.
    func judge(_ entry: Entry) throws {
        let path = entry.shownPath
        switch entry.kind {
        case .character, .block:
            if !allowDevices { throw ArchiveError.unsafeEntry(path, "a device node", option: "--allow-devices") }
        case .symlink:
            if !allowEscapingLinks, Self.escapes(entry.link, from: entry.path, below: rootDepth) {
                throw ArchiveError.unsafeEntry(
                    path, "a symbolic link to “\(RawPath(entry.link))”, which can lead out of the folder",
                    option: "--allow-escaping-links")
            }
        default: break
        }
        guard !allowSetID, entry.kind != .directory, entry.kind != .symlink else { return }
        if entry.mode & 0o6000 != 0 {
            throw ArchiveError.unsafeEntry(path, "a file with set-id bits", option: "--allow-setid")
        }
        if entry.attributes.contains(where: { $0.name.elementsEqual("security.capability".utf8) }) {
            throw ArchiveError.unsafeEntry(path, "a file with capabilities", option: "--allow-setid")
        }
    }

    /// Whether a link can lead out of the tree. `..` is judged at the front only, where it goes up through folders that
    /// are no links; behind a name it could go up from wherever another link leads.
    private static func escapes(_ link: [UInt8], from path: [UInt8], below rootDepth: Int) -> Bool {
        if link.first == 0x2f { return true }
        var depth = path.split(separator: 0x2f).count - 1 - rootDepth
        var named = false
        for part in link.split(separator: 0x2f) where !part.elementsEqual([0x2e]) {
            if part.elementsEqual([0x2e, 0x2e]) {
                depth -= 1
                if named || depth < 0 { return true }
            } else {
                named = true
            }
        }
        return false
    }
}
