import Databases
import TestKit
import Testing

@Suite struct DumpDamageTests {
    @Test(arguments: 12...16) func aCutAnywhereIsSeen(minorVersion: Int) {
        let dump = SampleDump(minorVersion: minorVersion).bytes
        for end in dump.indices {
            #expect(code { _ = try read(Array(dump[..<end])) } == "dump.cut", "cut at \(end) of \(dump.count)")
        }
    }

    @Test func whatIsAppendedIsSeen() {
        #expect(code { _ = try read(SampleDump().bytes + [0]) } == "dump.damaged")
        #expect(code { _ = try read(SampleDump().bytes + [1]) } == "dump.cut")
        let twice = encoded {
            $0.int(1)
            $0.entry(7, "TABLE DATA", "t", hasData: true)
            $0.data(7, [end])
            $0.data(7, [end])
        }
        #expect(code { _ = try read(twice) } == "dump.damaged")
    }

    @Test func blocksBelongToEntries() {
        let unknown = encoded {
            $0.int(1)
            $0.entry(7, "TABLE", "t")
            $0.data(7, [end])
        }
        #expect(code { _ = try read(unknown) } == "dump.damaged")
        let wrongKind = encoded {
            $0.int(1)
            $0.entry(7, "BLOBS", "BLOBS", hasData: true)
            $0.data(7, [end])
        }
        #expect(code { _ = try read(wrongKind) } == "dump.damaged")
        let sameID = encoded {
            $0.int(2)
            $0.entry(7, "TABLE DATA", "t", hasData: true)
            $0.entry(7, "TABLE DATA", "u", hasData: true)
        }
        #expect(code { _ = try read(sameID) } == "dump.damaged")
        let twoMinds = encoded {
            $0.int(1)
            $0.entry(7, "TABLE DATA", "t", hasData: true, state: 3)
        }
        #expect(code { _ = try read(twoMinds) } == "dump.damaged")
    }

    /// What a server says as its last word, or pg_dump --inserts, does not look like this.
    @Test(arguments: ["", "a\n", "\\.\n", "\\.\n\n", "a\\.\n\n\n", "a\n\\.\n\n\n\n", "\\.\n\n\nb\n"])
    func dataThatDoesNotEndIsSeen(data: String) {
        let dump = encoded {
            $0.int(1)
            $0.entry(7, "TABLE DATA", "t", hasData: true)
            $0.data(7, data.isEmpty ? [] : [Array(data.utf8)])
        }
        #expect(code { _ = try read(dump) } == "dump.damaged")
    }

    @Test func otherThingsAreNoDumps() {
        for other in ["-- PostgreSQL database dump\n", "PGDUMP", "hello", "P\0", "PGDMQ\u{1}\u{e}\0\u{4}\u{8}\u{1}"] {
            #expect(code { _ = try read(Array(other.utf8)) } == "dump.not-a-dump", "\(other)")
        }
        #expect(code { _ = try read([]) } == "dump.cut")
        #expect(code { _ = try read(DumpReader.sampleStart(minorVersion: 14, format: 3)) } == "dump.not-a-dump")
    }

    @Test func versionsAreNamed() {
        let start = DumpReader.sampleStart(minorVersion: 17)
        #expect(throws: DumpError.self) { _ = try read(start) }
        do {
            _ = try read(start)
        } catch {
            #expect("\(error)".contains("1.17") && "\(error)".contains("Update holdfast"))
        }
        #expect(code { _ = try read(start) } == "dump.too-new")
        #expect(code { _ = try read(DumpReader.sampleStart(minorVersion: 11)) } == "dump.too-old")
    }

    @Test func compressionIsRefused() {
        let none = DumpReader.sampleStart(minorVersion: 14) + [0, 6, 0, 0, 0]
        #expect(code { _ = try read(none) } == "dump.compressed")
        #expect(code { _ = try read(DumpReader.sampleStart(minorVersion: 14) + [1, 1, 0, 0, 0]) } == "dump.compressed")
        for algorithm: UInt8 in 1...3 {
            let dump = DumpReader.sampleStart(minorVersion: 16) + [algorithm]
            #expect(code { _ = try read(dump) } == "dump.compressed")
        }
        #expect(code { _ = try read(DumpReader.sampleStart(minorVersion: 16) + [4]) } == "dump.damaged")
    }

    @Test func lengthsAreLimited() {
        #expect(code { _ = try read(encoded { $0.int(5_000_001) }) } == "dump.too-large")
        #expect(code { _ = try read(encoded { $0.int(-1) }) } == "dump.damaged")
        let text = encoded {
            $0.int(1)
            $0.int(1)
            $0.int(0)
            $0.int(Int(Int32.max))
        }
        #expect(code { _ = try read(text) } == "dump.too-large")
        let name = encoded {
            $0.int(1)
            $0.entry(7, "TABLE", String(repeating: "x", count: 65537))
        }
        #expect(code { _ = try read(name) } == "dump.too-large")
        var limits = DumpReader.Limits()
        limits.kept = 10_000
        let names = encoded {
            $0.int(100)
            for id in 1...100 { $0.entry(id, "TABLE DATA", "t", hasData: true) }
        }
        #expect(code { _ = try read(names, limits: limits) } == "dump.too-large")
        let chunk = encoded {
            $0.int(1)
            $0.entry(7, "TABLE DATA", "t", hasData: true)
            $0.bytes += [1]
            $0.int(7)
            $0.bytes += [1, 255, 255, 255, 255]
        }
        #expect(code { _ = try read(chunk) } == "dump.damaged")
    }

    /// Nothing that arrives can make it do more than throw.
    @Test func survivesAnything() {
        let seed = UInt64.random(in: .min ... .max)
        print("DumpDamageTests: seed \(seed)")
        var random = SeededRandom(seed: seed)
        for _ in 0..<20_000 {
            var dump = SampleDump(minorVersion: Int.random(in: 12...16, using: &random)).bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<dump.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: dump[at] = .random(in: .min ... .max, using: &random)
                case 1: dump[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: dump.remove(at: at)
                default: dump.insert(.random(in: .min ... .max, using: &random), at: at)
                }
            }
            if let code = code({ _ = try read(dump, pieces: 64) }) {
                #expect(code.hasPrefix("dump."), "seed \(seed): \(code)")
            }
        }
        for _ in 0..<2000 {
            let garbage = (0..<200).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            let start = DumpReader.sampleStart(minorVersion: Int.random(in: 12...16, using: &random))
            #expect(code { _ = try read(start + garbage) }?.hasPrefix("dump.") == true, "seed \(seed)")
        }
    }

    private let end = Array("\\.\n\n\n".utf8)

    private func encoded(_ rest: (inout DumpEncoder) -> Void) -> [UInt8] {
        var dump = DumpEncoder(minorVersion: 14)
        dump.header()
        rest(&dump)
        return dump.bytes
    }
}

extension DumpReader {
    /// A header as far as the format.
    static func sampleStart(minorVersion: Int, format: UInt8 = 1) -> [UInt8] {
        Array("PGDMP".utf8) + [1, UInt8(minorVersion), 0, 4, 8, format]
    }
}

/// Writes dumps as pg_dump does.
struct DumpEncoder {
    let minorVersion: Int
    var bytes: [UInt8] = []

    init(minorVersion: Int) { self.minorVersion = minorVersion }

    mutating func int(_ value: Int) {
        let size = UInt32(value.magnitude)
        bytes += [value < 0 ? 1 : 0] + (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
    }

    mutating func text(_ text: String?) {
        int(text?.utf8.count ?? -1)
        bytes += Array((text ?? "").utf8)
    }

    mutating func header() {
        bytes += DumpReader.sampleStart(minorVersion: minorVersion)
        if minorVersion >= 15 { bytes += [0] } else { int(0) }
        for number in [6, 5, 4, 23, 10, 126, 0] { int(number) }
        text("shop")
        text("15.8 (Debian)")
        text("1.\(minorVersion) (test)")
    }

    mutating func entry(
        _ id: Int, _ kind: String, _ tag: String, schema: String? = "public", owner: String? = "postgres",
        tablespace: String? = "", hasData: Bool = false, state: UInt8? = nil
    ) {
        int(id)
        int(hasData ? 1 : 0)
        text("1259")
        text("16384")
        text(tag)
        text(kind)
        int(hasData ? 3 : 2)
        text("CREATE SOMETHING\n;\n")
        text("")
        text(hasData ? "COPY \(tag) FROM stdin;\n" : nil)
        text(schema)
        text(tablespace)
        if minorVersion >= 14 { text("heap") }
        if minorVersion >= 16 { int(114) }
        text(owner)
        text("false")
        text("12")
        text("13")
        text(nil)
        bytes += [state ?? (hasData ? 1 : 3)] + [UInt8](repeating: 0, count: 8)
    }

    mutating func chunks(_ chunks: [[UInt8]]) {
        for chunk in chunks {
            int(chunk.count)
            bytes += chunk
        }
        int(0)
    }

    mutating func data(_ id: Int, _ chunks: [[UInt8]]) {
        bytes += [1]
        int(id)
        self.chunks(chunks)
    }
}

/// A small dump with one of everything.
struct SampleDump {
    let bytes: [UInt8]

    init(minorVersion: Int = 14) {
        var dump = DumpEncoder(minorVersion: minorVersion)
        dump.header()
        dump.int(6)
        dump.entry(3, "ENCODING", "ENCODING", schema: nil, owner: nil)
        dump.entry(200, "TABLE", "Ünï", schema: "My Schema", owner: "app", tablespace: "fast")
        dump.entry(300, "TABLE DATA", "Ünï", schema: "My Schema", owner: "app", hasData: true)
        dump.entry(301, "TABLE DATA", "empty", hasData: true)
        dump.entry(302, "SEQUENCE SET", "s")
        dump.entry(303, "BLOBS", "BLOBS", schema: nil, owner: nil, hasData: true)
        dump.data(300, ["1\t\\\\.\n", "2\thello\n", "\\N\n", "\\.\n\n\n"].map { Array($0.utf8) })
        dump.data(301, [Array("\\.\n\n\n".utf8)])
        dump.bytes += [3]
        dump.int(303)
        dump.int(16400)
        dump.chunks([[0, 1, 2], [0x5c, 0x0a]])
        dump.int(-5)
        dump.chunks([])
        dump.int(0)
        bytes = dump.bytes
    }
}
