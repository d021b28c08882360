internal import CLinux
package import Glibc
import Machine

/// Makes trees to back up.
package struct TreeMaker {
    /// The folder that all paths are below.
    package let root: String

    package init(_ root: String) { self.root = root }

    package func folder(_ path: String, mode: mode_t = 0o755) throws {
        try check(mkdir(full(path), mode), "mkdir", path)
        try check(chmod(full(path), mode), "chmod", path)
    }

    package func file(_ path: String, _ content: String = "", mode: mode_t = 0o644) throws {
        try file(Array(path.utf8), Array(content.utf8), mode: mode)
    }

    package func file(_ path: [UInt8], _ content: [UInt8], mode: mode_t = 0o644) throws {
        let raw = RawPath(full(path)).withCString { Glibc.open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode) }
        guard raw >= 0 else { throw MachineError.call("create", RawPath(path).description) }
        let file = Descriptor(owning: raw, path: RawPath(path).description)
        try file.write(content)
        try check(fchmod(raw, mode), "chmod", "\(RawPath(path))")
        try file.close()
    }

    /// A file of `size` bytes that holds data at these offsets only.
    package func sparse(_ path: String, size: Int, _ parts: [(offset: Int, text: String)]) throws {
        let file = try Descriptor.open(full(path), O_RDWR | O_CREAT, mode: 0o644)
        try check(ftruncate(file.raw, size), "ftruncate", path)
        for part in parts {
            try check(pwrite(file.raw, part.text, part.text.utf8.count, part.offset) < 0 ? -1 : 0, "pwrite", path)
        }
    }

    package func symlink(_ path: String, to text: [UInt8]) throws {
        try check(RawPath(text).withCString { Glibc.symlink($0, full(path)) }, "symlink", path)
    }

    package func symlink(_ path: String, to text: String) throws { try symlink(path, to: Array(text.utf8)) }

    package func link(_ path: String, to existing: String) throws {
        try check(Glibc.linkat(AT_FDCWD, full(existing), AT_FDCWD, full(path), 0), "link", path)
    }

    package func fifo(_ path: String) throws { try check(mkfifo(full(path), 0o640), "mkfifo", path) }

    package func device(_ path: String, _ kind: mode_t, _ major: UInt32, _ minor: UInt32) throws {
        try check(mknod(full(path), kind | 0o600, dev_t(gnu_dev_makedev(major, minor))), "mknod", path)
    }

    package func socket(_ path: String) throws {
        let raw = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(raw) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: full(path).utf8.prefix($0.count - 1)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try check(result, "bind", path)
    }

    package func owner(_ path: String, _ user: UInt32, _ group: UInt32) throws {
        try check(lchown(full(path), user, group), "chown", path)
    }

    package func mode(_ path: String, _ mode: mode_t) throws { try check(chmod(full(path), mode), "chmod", path) }

    package func time(_ path: String, _ seconds: Int, _ nanoseconds: Int = 0) throws {
        var times = [timespec(tv_sec: 1_700_000_000, tv_nsec: 5), timespec(tv_sec: seconds, tv_nsec: nanoseconds)]
        try check(utimensat(AT_FDCWD, full(path), &times, AT_SYMLINK_NOFOLLOW), "utimensat", path)
    }

    package func attribute(_ path: String, _ name: String, _ value: [UInt8]) throws {
        try check(linux_lsetxattr(full(path), name, value, UInt(value.count)), "setxattr \(name)", path)
    }

    /// An ACL of these entries: tag, permissions, id; see `linux/posix_acl_xattr.h`.
    package func accessList(_ path: String, _ name: String, _ entries: [(tag: UInt16, bits: UInt16, id: UInt32)]) throws
    {
        var value: [UInt8] = [2, 0, 0, 0]
        for entry in entries {
            withUnsafeBytes(of: entry.tag) { value += $0 }
            withUnsafeBytes(of: entry.bits) { value += $0 }
            withUnsafeBytes(of: entry.id) { value += $0 }
        }
        try attribute(path, "system.posix_acl_\(name)", value)
    }

    private func full(_ path: String) -> String { path.isEmpty ? root : "\(root)/\(path)" }
    private func full(_ path: [UInt8]) -> [UInt8] { Array(root.utf8) + [0x2f] + path }

    private func check(_ result: Int32, _ doing: String, _ path: String) throws {
        guard result == 0 else { throw MachineError.call(doing, "\(root)/\(path)") }
    }
}

package enum Trees {
    /// Fills an empty folder with every kind of entry that a backup has to bring back.
    ///
    /// What only root can make is left out for others.
    ///
    /// - Parameter deep: also a path of more than 4 kB, which GNU tar cannot extract.
    package static func everyKind(in root: String, deep: Bool = true) throws {
        let tree = TreeMaker(root)
        try files(tree)
        try names(tree)
        try links(tree)
        try attributes(tree)
        if geteuid() == 0 { try privileged(tree) }
        if deep { try deepPath(root) }
        try tree.time("", 1_766_286_000, 42)
    }

    private static func files(_ tree: TreeMaker) throws {
        try tree.folder("empty folder")
        try tree.folder("files")
        try tree.file("files/empty")
        try tree.file("files/small", "hello\n", mode: 0o600)
        try tree.file("files/block", String(repeating: "x", count: 512))
        try tree.file("files/larger", String(repeating: "0123456789abcde\n", count: 200_000))
        try tree.file("files/program", "#!/bin/sh\n", mode: 0o4755)
        try tree.file("files/group program", "#!/bin/sh\n", mode: 0o2711)
        try tree.folder("files/sticky", mode: 0o1777)
        try tree.folder("files/closed", mode: 0o700)
        try tree.file("files/closed/inside", "in")
        try tree.sparse("files/all hole", size: 1 << 30, [])
        try tree.sparse("files/hole first", size: (1 << 20) + 3, [(1 << 20, "end")])
        try tree.sparse("files/hole last", size: 1 << 20, [(0, "start")])
        try tree.sparse("files/holes", size: 3 << 20, [(65_536, "one"), (1 << 20, "two"), ((3 << 20) - 3, "end")])
        try tree.sparse("files/nine GiB", size: 9 << 30, [(0, "a"), ((9 << 30) - 1, "z")])
        try tree.file("files/before 1970", "old")
        try tree.time("files/before 1970", -2, 500_000_000)
        try tree.file("files/just before 1970", "old")
        try tree.time("files/just before 1970", -1, 250_000_000)
        try tree.file("files/at 1970")
        try tree.time("files/at 1970", 0)
        try tree.file("files/after 2038")
        try tree.time("files/after 2038", 4_000_000_000, 999_999_999)
        try tree.fifo("files/fifo")
        try tree.socket("files/socket")
        try tree.folder(".holdfast")
        try tree.file(".holdfast/begin.json", "the tree's own")
        try tree.time("empty folder", 1_600_000_000, 1)
    }

    private static func names(_ tree: TreeMaker) throws {
        try tree.folder("names")
        let names: [[UInt8]] = [
            Array("new\nline".utf8), Array("-rf".utf8), Array("--help".utf8), Array(" space ".utf8),
            Array("*?[a]".utf8), Array("quote\"'`".utf8), Array("back\\slash".utf8),
            Array("tab\tbell\u{7}del\u{7f}".utf8),
            [0xff, 0xfe, 0x41], Array("latin".utf8) + [0xe9], Array("\u{e9} composed".utf8),
            Array("e\u{301} composed".utf8), Array("\u{1F600}".utf8), [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
            [0xc0, 0xaf], Array("a=b%3D%25".utf8), [UInt8](repeating: 0x6e, count: 255),
            [UInt8](repeating: 0xc3, count: 254),
            Array("...".utf8), Array(".hidden".utf8), Array("begin.json".utf8), Array("CASE".utf8), Array("case".utf8),
        ]
        for (index, name) in names.enumerated() { try tree.file(Array("names/".utf8) + name, Array("\(index)".utf8)) }
        for length in [91, 92, 93, 94, 95, 96, 150, 240] {
            let folder = "names/" + String(repeating: "d", count: length)
            try tree.folder(folder)
            for inner in [1, 5, 97, 98, 99, 100, 101, 120] {
                try tree.file("\(folder)/" + String(repeating: "f", count: inner), "\(length) \(inner)")
            }
        }
        try tree.time("names", 1_700_000_001, 7)
    }

    private static func links(_ tree: TreeMaker) throws {
        try tree.folder("links")
        try tree.folder("links/elsewhere")
        try tree.symlink("links/relative", to: "../files/small")
        try tree.symlink("links/absolute", to: "/etc/passwd")
        try tree.symlink("links/dangling", to: "no/such/thing")
        try tree.symlink("links/out", to: "../../../../etc")
        try tree.symlink("links/folder", to: "elsewhere")
        try tree.symlink("links/odd", to: [0xff, 0x0a, 0xed, 0xa0, 0xbd])
        try tree.symlink("links/long", to: String(repeating: "long/", count: 600))
        try tree.time("links/long", 1_234_567_890, 123)
        try tree.file("links/one", "three names", mode: 0o640)
        try tree.link("links/two", to: "links/one")
        try tree.link("links/elsewhere/three", to: "links/one")
        try tree.file("links/" + String(repeating: "h", count: 120), "long name")
        try tree.link("links/short", to: "links/" + String(repeating: "h", count: 120))
        try tree.fifo("links/fifo")
        try tree.link("links/fifo again", to: "links/fifo")
        try tree.link("links/link again", to: "links/relative")
    }

    private static func attributes(_ tree: TreeMaker) throws {
        try tree.folder("attributes")
        try tree.file("attributes/file", "x")
        try tree.attribute("attributes/file", "user.text", Array("value".utf8))
        try tree.attribute("attributes/file", "user.bytes", [0, 10, 255, 61, 0])
        try tree.attribute("attributes/file", "user.empty", [])
        try tree.attribute("attributes/file", "user.a=b%3Dc", Array("odd name".utf8))
        try tree.attribute("attributes", "user.folder", Array("yes".utf8))
        try tree.file("attributes/listed", "x", mode: 0o640)
        try tree.accessList(
            "attributes/listed", "access",
            [(1, 6, .max), (2, 4, 1000), (2, 7, 70_000), (4, 4, .max), (8, 5, 33), (0x10, 5, .max), (0x20, 0, .max)])
        try tree.folder("attributes/heritage")
        try tree.accessList(
            "attributes/heritage", "default",
            [(1, 7, .max), (2, 5, 1000), (4, 5, .max), (0x10, 5, .max), (0x20, 0, .max)])
        // Made after its folder got the ACL, so that it has inherited one.
        try tree.file("attributes/heritage/heir", "x")
        try tree.folder("attributes/heritage/heir folder")
        try tree.file("attributes/heritage/disowned", "x")
        _ = linux_lremovexattr(tree.root + "/attributes/heritage/disowned", "system.posix_acl_access")
    }

    private static func privileged(_ tree: TreeMaker) throws {
        try tree.folder("root's")
        try tree.device("root's/null", S_IFCHR, 1, 3)
        try tree.device("root's/large", S_IFBLK, 4095, 1_048_575)
        try tree.file("root's/postgres", "x", mode: 0o4750)
        try tree.owner("root's/postgres", 70, 70)
        try tree.mode("root's/postgres", 0o4750)
        try tree.file("root's/mapped", "x")
        try tree.owner("root's/mapped", 3_000_000_000, 2_097_152)
        try tree.symlink("root's/owned link", to: "mapped")
        try tree.owner("root's/owned link", 1000, 1001)
        try tree.attribute("root's/owned link", "trusted.link", Array("on a link".utf8))
        try tree.attribute("root's/null", "trusted.device", Array("on a device".utf8))
        try tree.file("root's/capable", "x", mode: 0o755)
        // cap_net_bind_service=ep, in the kernel's version 2.
        try tree.attribute(
            "root's/capable", "security.capability", [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        try tree.file("root's/nobody's", "x", mode: 0)
        try tree.folder("root's/set-group folder", mode: 0o2775)
        try tree.owner("root's/set-group folder", 0, 1234)
        try tree.mode("root's/set-group folder", 0o2775)
        try tree.file("root's/set-group folder/member", "x")
        try tree.folder("root's/unreadable", mode: 0)
        try tree.file("root's/unreadable/file", "x")
    }

    /// Folders in folders until the path has more than 4,096 bytes, with a file at the end.
    private static func deepPath(_ root: String) throws {
        var folder = try Descriptor.folder(root)
        for level in 0..<30 {
            let name = "deep \(level) " + String(repeating: "d", count: 160)
            guard mkdirat(folder.raw, name, 0o755) == 0 else { throw MachineError.call("mkdir", name) }
            folder = try folder.folder(name)
        }
        try folder.open("the end", O_WRONLY | O_CREAT, mode: 0o644).write("found\n")
    }

    /// Fills an empty folder at random: the same seed, the same tree.
    package static func random(in root: String, seed: UInt64, entries: Int = 200) throws {
        var random = SeededRandom(seed: seed)
        let tree = TreeMaker(root)
        var folders = [""]
        var files: [String] = []
        let isRoot = geteuid() == 0
        for index in 0..<entries {
            let letters = Array("abcé\u{301}\u{e9} .-_\n\\\"日本%=*").map(String.init)
            var name = (0..<Int.random(in: 1...24, using: &random)).map { _ in
                letters[Int.random(in: 0..<letters.count, using: &random)]
            }.joined()
            name += "\(index)"
            let parent = folders[Int.random(in: 0..<folders.count, using: &random)]
            let path = parent.isEmpty ? name : "\(parent)/\(name)"
            switch Int.random(in: 0..<12, using: &random) {
            case 0 where path.utf8.count < 2000, 1 where path.utf8.count < 2000:
                try tree.folder(path, mode: [0o755, 0o700, 0o2775, 0o1777].randomElement(using: &random) ?? 0o755)
                folders.append(path)
            case 2: try tree.symlink(path, to: "../\(index)/x")
            case 3 where !files.isEmpty: try tree.link(path, to: files.randomElement(using: &random) ?? "")
            case 4:
                let size = Int.random(in: 1...5_000_000, using: &random)
                let offset = Int.random(in: 0..<size, using: &random)
                try tree.sparse(path, size: size, offset + 5 < size ? [(offset, "hello")] : [])
                files.append(path)
            case 5: try tree.fifo(path)
            default:
                let exponent = Int.random(in: 0...20, using: &random)
                let size = Int.random(in: 0...(1 << exponent), using: &random)
                let content = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
                let mode: mode_t = [0o644, 0o600, 0o755, 0o4755, 0o444].randomElement(using: &random) ?? 0o644
                try tree.file(Array(path.utf8), content)
                files.append(path)
                // GNU tar can give attributes to read-only files as root only.
                if mode != 0o444 || isRoot, Bool.random(using: &random) {
                    try tree.attribute(path, "user.index", Array("\(index)".utf8))
                }
                try tree.mode(path, mode)
            }
            if isRoot, Bool.random(using: &random) {
                try tree.owner(path, UInt32.random(in: 0...4_000_000_000, using: &random), UInt32(index))
            }
            let seconds = Int.random(in: -2_000_000_000...4_000_000_000, using: &random)
            try tree.time(path, seconds, Int.random(in: 0..<1_000_000_000, using: &random))
        }
    }
}
