import TestKit

/// A stranger's tar that a seed puts together from everything that ever led a reader out of its folder.
struct HostileTar {
    private(set) var tar = TarMaker()
    /// What is in it, in words, for the message.
    private(set) var tricks: [String] = []
    private(set) var bytes: [UInt8] = []
    /// Files that nobody has to make the same of.
    private(set) var undefined: Set<String> = []
    var random: SeededRandom
    /// What must not be reached, as an absolute path and as one from the folder that is extracted into.
    let victims: [String]

    init(_ random: SeededRandom, victims: [String]) {
        self.random = random
        self.victims = victims
        for _ in 0..<Int.random(in: 1...5, using: &self.random) { play() }
        end()
    }

    private mutating func play() {
        switch Int.random(in: 0..<13, using: &random) {
        case 0, 1: member()
        case 2: throughALink()
        case 3: chainOfLinks()
        case 4: twice()
        case 5: paxRecords()
        case 6: brokenPax()
        case 7: longNames()
        case 8: sparse()
        case 9: lyingSize()
        case 10: hardLink()
        case 11: oddHeader()
        default: member(plainName())
        }
    }

    private mutating func note(_ trick: String) { tricks.append(trick) }

    private mutating func end() {
        bytes = tar.closed
        switch Int.random(in: 0..<20, using: &random) {
        case 0: bytes = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random)))
        case 1: bytes += Array("more".utf8)
        case 2: bytes.removeLast(512)
        case 3: bytes += [UInt8](repeating: 0, count: 10_240)
        default: return
        }
        note("an end of \(bytes.count) bytes")
    }

    // MARK: - Names

    /// One of a few, so that they meet.
    mutating func plainName() -> String {
        let names = ["a", "b", "c", "a/b", "a/b/c", "b/a", "A", "a.", "c/c/c/c", "\u{e9}", "e\u{301}"]
        return names.randomElement(using: &random) ?? "a"
    }

    mutating func name() -> [UInt8] {
        guard Int.random(in: 0..<3, using: &random) == 0 else { return Array(plainName().utf8) }
        let hostile =
            victims + victims.map { "a/../\($0)" } + [
                "..", ".", "./", "", "/", "//a", "a//b", "a/./b", "./a", "a/b/", "a/..", ".holdfast/begin.json",
                ".holdfast/end.json", ".holdfast-1/manifest-000001.jsonl", "a\nb", "\u{1b}[31mred", "\u{202e}txt.exe",
                String(repeating: "n", count: 100), String(repeating: "d/", count: 48) + "x", "CON", "a\\..\\b", " ",
                "-rf", "lost+found", "a\u{7f}", "*",
            ]
        if Int.random(in: 0..<10, using: &random) == 0 { return [0xff, 0xfe, 0x61] }
        return Array((hostile.randomElement(using: &random) ?? "a").utf8)
    }

    mutating func link() -> [UInt8] {
        if Int.random(in: 0..<2, using: &random) == 0 { return Array(plainName().utf8) }
        let links =
            victims + [
                "..", "../..", ".", "", "/", "a/..", "a/../..", "../a", "b/../../c", "/etc", "/proc/self/root", "a/",
                "./a", "c/../a",
            ]
        return Array((links.randomElement(using: &random) ?? "a").utf8)
    }

    private mutating func mode() -> UInt32 {
        [0o644, 0o600, 0o755, 0, 0o4755, 0o2755, 0o1777, 0o7777].randomElement(using: &random) ?? 0o644
    }

    // MARK: - Tricks

    private mutating func member(_ name: String? = nil) {
        let types = Array("0000012345567SMD")
        var header = TarMaker.Header(
            name.map { Array($0.utf8) } ?? self.name(), types.randomElement(using: &random) ?? "0")
        header.link = "12".utf8.contains(header.type) ? link() : []
        header.mode = mode()
        header.magic = TarMaker.Magic.allCases.randomElement(using: &random) ?? .ustar
        if "34".utf8.contains(header.type) { header.device = (8, 0) }
        let isFile = "07".utf8.contains(header.type)
        tar.add(header, isFile ? Array("content \(tricks.count)".utf8) : [])
        note("\(Character(UnicodeScalar(header.type))) \(header.name) → \(header.link) \(header.mode)")
    }

    private mutating func throughALink() {
        let name = plainName()
        var way = TarMaker.Header(name, "2")
        way.link = link()
        tar.add(way)
        tar.add("\(name)/precious", "harm")
        if Bool.random(using: &random) { tar.add("\(name)/new", "harm") }
        note("\(name) → \(way.link), and through it")
    }

    private mutating func chainOfLinks() {
        let names = ["one", "two", "three"].shuffled(using: &random)
        for (name, target) in zip(names, names.dropFirst() + [".."]) {
            var header = TarMaker.Header(name, "2")
            header.link = Array(target.utf8)
            tar.add(header)
        }
        tar.add("\(names[0])/outside/precious", "harm")
        note("a chain of links")
    }

    private mutating func twice() {
        let name = plainName()
        for _ in 0..<2 { member(name) }
    }

    private mutating func hardLink() {
        let target = Bool.random(using: &random) ? Array(plainName().utf8) : link()
        if let type = Array("02456-").randomElement(using: &random), type != "-" {
            var header = TarMaker.Header(target, type)
            if type == "4" { header.device = (8, 0) }
            tar.add(header)
        }
        var header = TarMaker.Header(plainName(), "1")
        header.link = target
        tar.add(header)
        tar.add(TarMaker.Header(header.name), Array("written through".utf8))
        note("a hard link to \(target), written through")
    }

    private mutating func paxRecords() {
        let keys = [
            "path", "linkpath", "size", "uid", "gid", "mtime", "atime", "ctime", "uname", "gname", "hdrcharset",
            "comment", "GNU.sparse.realsize", "GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name",
            "GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.numblocks", "SCHILY.xattr.user.a",
            "SCHILY.xattr.security.capability", "SCHILY.xattr.trusted.a", "SCHILY.xattr.", "SCHILY.acl.access",
            "SCHILY.acl.default", "LIBARCHIVE.xattr.dXNlci5h", "SCHILY.fflags", "SCHILY.dev", "SCHILY.ino",
            "LIBARCHIVE.symlinktype", "SUN.holesdata",
        ]
        let values =
            victims + [
                "", "0", "1", "-1", "99999999999999999999", "9223372036854775807", "-9223372036854775808", "1e9",
                "0x10",
                "nan", "1.5", "-0.5", "BINARY", "ISO-IR 10646 2000 UTF-8",
                "user::rwx,user:1000:rw-,group::r--,mask::rw-,other::---",
                "user:nobody:rwx", "0,5,10,5", "..", "a", "a/b", String(repeating: "x", count: 70_000), "\u{1b}[2J",
                "a\u{0}/../../x",
            ]
        var records: [(key: String, value: [UInt8])] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let value = values.randomElement(using: &random) ?? ""
            records.append((keys.randomElement(using: &random) ?? "path", Array(value.utf8)))
        }
        tar.addPax(records, type: Int.random(in: 0..<5, using: &random) == 0 ? "g" : "x")
        note("pax: \(records.map { "\($0.key)=\(String(decoding: $0.value.prefix(40), as: UTF8.self))" })")
        member(plainName())
    }

    private mutating func brokenPax() {
        let records = [
            "99999999999999999999 path=x\n", "0 a=b\n", "5 a=", "-5 path=x\n", "7 path\n", "10 path=../x\n", "\n", " ",
            "6 a=b\n6 a=c", "18446744073709551622 a=b\n", "3 =\n", "10 =value\n", "x path=a\n", "30 path=short\n",
        ]
        let record = records.randomElement(using: &random) ?? ""
        var header = TarMaker.Header("x", "x")
        if Int.random(in: 0..<4, using: &random) == 0 { header.size = .octal(0o77777777777) }
        tar.add(header, Array(record.utf8))
        note("a pax header “\(record)”")
        member(plainName())
    }

    private mutating func longNames() {
        let long = Bool.random(using: &random) ? Array(String(repeating: "long/", count: 300).utf8) + [0x78] : name()
        let type: Character = Bool.random(using: &random) ? "L" : "K"
        var header = TarMaker.Header("././@LongLink", type)
        header.magic = .gnu
        tar.add(header, long + [0])
        note("\(type) \(long.prefix(60))")
        member(plainName())
    }

    private mutating func sparse() {
        let numbers = ["0", "1", "5", "512", "4096", "-1", "9223372036854775807", "4611686018427387904", "x", ""]
        func number() -> String { numbers.randomElement(using: &random) ?? "0" }
        let name = plainName()
        let realSize = number()
        let pairs = (0..<Int.random(in: 0...4, using: &random)).map { _ in (number(), number()) }
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            var map = "\(Bool.random(using: &random) ? "\(pairs.count)" : number())\n"
            for pair in pairs { map += "\(pair.0)\n\(pair.1)\n" }
            let content = Array(map.utf8) + [UInt8](repeating: 0, count: -map.utf8.count & 511)
            tar.addPax([
                ("GNU.sparse.major", [0x31]), ("GNU.sparse.minor", [0x30]), ("GNU.sparse.name", Array(name.utf8)),
                ("GNU.sparse.realsize", Array(realSize.utf8)),
            ])
            tar.add(TarMaker.Header("./GNUSparseFile.0/\(name)"), content + Array("data".utf8))
        case 1:
            let map = pairs.map { "\($0.0),\($0.1)" }.joined(separator: ",")
            tar.addPax([
                ("GNU.sparse.size", Array(realSize.utf8)), ("GNU.sparse.numblocks", Array("\(pairs.count)".utf8)),
                ("GNU.sparse.map", Array(map.utf8)),
            ])
            tar.add(name, "data")
        default:
            var records = [("GNU.sparse.size", Array(realSize.utf8))]
            for pair in pairs {
                records += [("GNU.sparse.offset", Array(pair.0.utf8)), ("GNU.sparse.numbytes", Array(pair.1.utf8))]
            }
            tar.addPax(records.map { (key: $0.0, value: $0.1) })
            tar.add(name, "data")
        }
        // Where a map does not lead to the end, GNU tar cuts the file, and others do not.
        let end = pairs.last.flatMap { last in Int(last.0).flatMap { from in Int(last.1).map { from &+ $0 } } }
        if end == nil || end != Int(realSize) { undefined.insert(name) }
        note("sparse \(name) of \(realSize): \(pairs)")
    }

    private mutating func lyingSize() {
        var header = TarMaker.Header(plainName())
        let sizes: [TarMaker.Size] = [
            .octal(0o77777777777), .octal(1), .octal(100_000), .raw([0x80] + [UInt8](repeating: 0xff, count: 11)),
            .raw([UInt8](repeating: 0xff, count: 12)),
            .raw([0x80, 0, 0, 0, 0x7f] + [UInt8](repeating: 0xff, count: 7)),
            .raw(Array("     xyz".utf8)), .raw(Array("-1".utf8)), .raw([]),
        ]
        header.size = sizes.randomElement(using: &random)
        tar.add(header, Array("ten bytes.".utf8))
        note("a size that lies: \(header.size.debugDescription)")
    }

    private mutating func oddHeader() {
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            var header = TarMaker.Header(plainName())
            header.isSummed = false
            tar.add(header, [1])
            note("a wrong sum")
        case 1:
            tar.addRaw([UInt8](repeating: 0, count: 512))
            note("an empty block")
        case 2:
            tar.addRaw((0..<512).map { _ in UInt8.random(in: 0...255, using: &random) })
            note("a block of noise")
        default:
            var block = TarMaker.block(TarMaker.Header(name()), count: 0)
            for _ in 0..<4 {
                block[Int.random(in: 0..<512, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            TarMaker.sum(&block, at: 0)
            tar.addRaw(block)
            note("a header with noise in it")
        }
    }
}
