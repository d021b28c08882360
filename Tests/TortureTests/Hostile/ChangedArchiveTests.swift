import Archives
import Glibc
import Machine
import TestKit
import Testing

/// Archives of ours that somebody changed inside, where no digest of the whole is looked at: headers, data, manifests that
/// lie, members that are gone, come twice or in another order. What comes out is what was saved, or nothing.
@Suite struct ChangedArchiveTests {
    @Test func whatWasSavedOrNothing() async throws {
        try await aside { try await Self.changes() }
    }

    private static func changes() async throws {
        try await Arena.with { arena in
            try await withTemporaryFolder(below: "/dev/shm") { folder in
                try fill(folder)
                let saved = try TreeSnapshot(of: folder)
                let archive = try ChangedArchive(of: folder)
                for round in Torture.rounds(of: "changed archives", short: 1_000) {
                    var random = round.random
                    let (bytes, changes) = archive.changed(&random)
                    let result = try extract(bytes, .ours(expecting: ChangedArchive.identity), into: arena)
                    let about = Comment(rawValue: "\(round): \(changes)")
                    #expect(try arena.damage() == [], about)
                    switch result {
                    case .failure(let refusal): #expect(refusal.isPrintable, "\(round): \(refusal.error)")
                    case .success: #expect(saved.differences(from: try TreeSnapshot(of: arena.target)) == [], about)
                    }
                    try arena.clear()
                }
            }
        }
    }

    /// A little of everything, so that a round is quick.
    private static func fill(_ folder: String) throws {
        let tree = TreeMaker(folder)
        try tree.folder("a")
        try tree.folder("a/deep", mode: 0o700)
        try tree.file("a/file", "hello\n", mode: 0o640)
        try tree.file("a/deep/empty")
        try tree.file("a/deep/other", String(repeating: "0123456789", count: 150))
        try tree.link("a/again", to: "a/file")
        try tree.symlink("link", to: "a/file")
        try tree.symlink("out", to: "/etc/passwd")
        try tree.fifo("fifo")
        try tree.sparse("holes", size: 1 << 20, [(65_536, "one"), (600_000, "two")])
        try tree.file("program", "#!/bin/sh\n", mode: 0o755)
        try tree.attribute("program", "user.text", Array("value".utf8))
        try tree.file(String(repeating: "long", count: 40), "a long name")
        try tree.time("a/file", 1_700_000_000, 123)
    }
}

/// An archive of ours, taken apart into its members.
private struct ChangedArchive {
    static let identity = ArchiveIdentity(
        host: "00112233445566778899aabbccddeeff", point: "2026-11-22T020000Z", item: "volume.n8n_data")

    /// Each with its pax header in front, its data and its padding.
    private var members: [[UInt8]] = []

    init(of folder: String) throws {
        let sink = ArraySink()
        let writer = try ArchiveWriter(
            to: sink, compression: .none, identity: Self.identity, time: Timestamp(seconds: 1_766_286_000))
        _ = try writer.add(tree: .folder(folder), meter: Meter(), stop: StopSignal())
        _ = try writer.finish()
        var rest = sink.bytes.dropLast(1024)
        var member: [UInt8] = []
        while !rest.isEmpty {
            let digits = rest.dropFirst(124).prefix(11)
            let size = Int(String(decoding: digits, as: UTF8.self), radix: 8) ?? 0
            let isPax = rest[rest.startIndex + 156] == UInt8(ascii: "x")
            let whole = rest.prefix(512 + size + (-size & 511))
            member += whole
            rest = rest.dropFirst(whole.count)
            if isPax { continue }
            members.append(member)
            member = []
        }
    }

    /// The archive with one to three things done to it.
    func changed(_ random: inout SeededRandom) -> (bytes: [UInt8], changes: [String]) {
        var members = members
        var changes: [String] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) { changes.append(Self.change(&members, &random)) }
        var bytes = members.flatMap(\.self)
        switch Int.random(in: 0..<12, using: &random) {
        case 0: bytes += [UInt8](repeating: 0, count: 512)
        case 1: break
        case 2: bytes += [UInt8](repeating: 0, count: 1024) + [1]
        default: bytes += [UInt8](repeating: 0, count: 1024)
        }
        return (bytes, changes)
    }

    private static func change(_ members: inout [[UInt8]], _ random: inout SeededRandom) -> String {
        guard !members.isEmpty else { return "nothing left" }
        let index = Int.random(in: 0..<members.count, using: &random)
        let other = Int.random(in: 0..<members.count, using: &random)
        switch Int.random(in: 0..<9, using: &random) {
        case 0, 1:
            // In a header, with a sum that fits again.
            let offset = Int.random(in: 0..<512, using: &random)
            members[index][offset] = UInt8.random(in: 0...255, using: &random)
            TarMaker.sum(&members[index], at: 0)
            return "byte \(offset) of header \(index)"
        case 2, 3:
            let offset = Int.random(in: 0..<members[index].count, using: &random)
            members[index][offset] ^= 1 << UInt8.random(in: 0...7, using: &random)
            return "bit at \(offset) of member \(index)"
        case 4:
            members.remove(at: index)
            return "member \(index) removed"
        case 5:
            members.insert(members[index], at: other)
            return "member \(index) again at \(other)"
        case 6:
            members.swapAt(index, other)
            return "members \(index) and \(other) exchanged"
        case 7:
            var tar = TarMaker()
            var header = TarMaker.Header(
                "./\(["x", "a/x", "../x", "out/x", "link"].randomElement(using: &random) ?? "x")")
            header.type = Array("01235".utf8).randomElement(using: &random) ?? 0x30
            header.link = Array("a/file".utf8)
            tar.add(header)
            members.insert(tar.bytes, at: index)
            return "\(String(decoding: header.name, as: UTF8.self)) put before member \(index)"
        default: return edit(&members[index], &random, index)
        }
    }

    /// A number or a word in a text, replaced by one of the same length.
    private static func edit(_ member: inout [UInt8], _ random: inout SeededRandom, _ index: Int) -> String {
        let digits = member.indices.filter { (0x30...0x39).contains(member[$0]) && $0 >= 512 }
        guard let place = digits.randomElement(using: &random) else { return "no text in \(index)" }
        member[place] = UInt8.random(in: 0x30...0x39, using: &random)
        return "the digit at \(place) of member \(index)"
    }
}

private final class ArraySink: ByteSink {
    var bytes: [UInt8] = []
    func write(_ more: UnsafeRawBufferPointer) { bytes += more }
}
