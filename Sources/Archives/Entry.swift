import Glibc
import Machine

/// One file, folder, link … of a tree, without its data: what a tar member's header says.
struct Entry {
    /// The raw value is the type flag of a tar header (POSIX.1-2017, pax, "ustar Interchange Format").
    enum Kind: UInt8 {
        case file = 0x30
        case hardlink = 0x31
        case symlink = 0x32
        case character = 0x33
        case block = 0x34
        case directory = 0x35
        case fifo = 0x36

        /// As manifests and listings say it.
        var word: StaticString {
            switch self {
            case .file: "file"
            case .hardlink: "hardlink"
            case .symlink: "symlink"
            case .character: "char"
            case .block: "block"
            case .directory: "directory"
            case .fifo: "fifo"
            }
        }
    }

    /// A part of a file that holds data, in bytes.
    struct Extent: Equatable {
        var offset: Int64
        var length: Int64
    }

    /// An extended attribute; never a POSIX ACL.
    struct Attribute: Equatable {
        var name: [UInt8]
        var value: [UInt8]
    }

    /// Below the tree's root, without a slash at either end; empty is the root itself.
    var path: [UInt8] = []
    var kind = Kind.file
    /// Permissions, set-id bits and sticky bit.
    var mode: UInt32 = 0
    var owner: UInt32 = 0
    var group: UInt32 = 0
    var modified = Timestamp(seconds: 0)
    var accessed: Timestamp?
    /// Of a file, holes included.
    var size: Int64 = 0
    /// A symbolic link's text, or the path of the entry that a hard link is another name of.
    var link: [UInt8] = []
    var major: UInt32 = 0
    var minor: UInt32 = 0
    /// Of a file with holes: what is no hole, in order.
    var extents: [Extent]?
    /// Sorted by name.
    var attributes: [Attribute] = []
    /// POSIX ACLs as text, see ``AccessList``; empty when there are none.
    var accessList: [UInt8] = []
    var defaultAccessList: [UInt8] = []

    /// Bytes of data, holes not counted.
    var dataSize: Int64 {
        guard kind == .file else { return 0 }
        guard let extents else { return size }
        return extents.reduce(0) { $0 + $1.length }
    }

    /// For messages and reports: `.` is the root.
    var shownPath: RawPath { path.isEmpty ? RawPath(".") : RawPath(path) }

    /// Takes over what `lstat` said; the kind has to be one that a tar can hold.
    mutating func take(_ status: stat, as kind: Kind) {
        self.kind = kind
        mode = status.st_mode & 0o7777
        owner = status.st_uid
        group = status.st_gid
        modified = Timestamp(status.st_mtim)
        accessed = Timestamp(status.st_atim)
        size = kind == .file ? Int64(status.st_size) : 0
        link.removeAll(keepingCapacity: true)
        extents = nil
        major = 0
        minor = 0
        if !attributes.isEmpty { attributes.removeAll(keepingCapacity: true) }
        if !accessList.isEmpty { accessList.removeAll(keepingCapacity: true) }
        if !defaultAccessList.isEmpty { defaultAccessList.removeAll(keepingCapacity: true) }
    }
}

extension Entry.Kind {
    /// The kind of what has this `st_mode`; nil for a socket, which no tar can hold.
    init?(mode: mode_t) {
        switch mode & S_IFMT {
        case S_IFREG: self = .file
        case S_IFDIR: self = .directory
        case S_IFLNK: self = .symlink
        case S_IFIFO: self = .fifo
        case S_IFCHR: self = .character
        case S_IFBLK: self = .block
        default: return nil
        }
    }
}

/// The limits that every archive is held to, so that a hostile one cannot exhaust us.
enum Limits {
    static let entries: Int64 = 10_000_000
    /// Bytes of a path.
    static let path = 64 << 10
    /// Folders inside folders.
    static let depth = 4096
    /// Bytes of one member's pax header: long names, extended attributes and ACLs.
    static let paxHeader = 4 << 20
    /// Parts of a sparse file; the rest is stored as data.
    static let extents = 65_536
    /// Bytes of a manifest member.
    static let manifest = 64 << 20
    /// Bytes of `begin.json` and `end.json`.
    static let control = 64 << 10
    /// Entries of a manifest, and the bytes after which one is closed early.
    static let manifestEntries = 1000
    static let manifestBytes = 1 << 20
}
