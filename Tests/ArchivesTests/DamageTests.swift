import Archives
import Glibc
import Machine
import TestKit
import Testing

/// An archive that was cut, flipped, swapped or replayed is never taken for whole.
@Suite struct DamageTests {
    /// A small tree, and its archive.
    private func withArchive(
        _ compression: Compression = .none,
        _ body: (_ source: TreeSnapshot, _ bytes: [UInt8], _ folder: String) throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { root in
                let tree = TreeMaker(root)
                try tree.folder("sub")
                try tree.file("sub/file", "some content")
                try tree.attribute("sub/file", "user.x", [1, 2, 3])
                try tree.file("other", String(repeating: "line\n", count: 500))
                try tree.sparse("holes", size: 1 << 20, [(500_000, "data")])
                try tree.symlink("link", to: "other")
                try tree.link("second", to: "other")
                try tree.time("", 1_700_000_000, 1)
            }
            try body(try TreeSnapshot(of: source), try Kit.archive(source, compression).bytes, folder)
        }
    }

    @Test func cutAtAnyBlockIsRefused() async throws {
        try await withArchive { _, bytes, _ in
            for end in stride(from: 0, to: bytes.count, by: 512) {
                expectRefusal("cut at \(end) of \(bytes.count)") { _ = try Kit.check(Array(bytes[..<end])) }
            }
        }
    }

    @Test(arguments: [Compression.none, .zstd(level: 3), .gzip(level: 6)])
    func cutAnywhereIsRefused(_ compression: Compression) async throws {
        try await withArchive(compression) { _, bytes, _ in
            for end in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 200)) {
                expectRefusal("cut at \(end) of \(bytes.count)") { _ = try Kit.check(Array(bytes[..<end])) }
            }
            expectRefusal("one byte short") { _ = try Kit.check(Array(bytes.dropLast())) }
        }
    }

    @Test(arguments: [Compression.none, .zstd(level: 3), .gzip(level: 6)])
    func flippedBytesAreRefusedOrHarmless(_ compression: Compression) async throws {
        try await withArchive(compression) { source, bytes, folder in
            let seed = UInt64.random(in: 0...UInt64.max)
            var random = SeededRandom(seed: seed)
            for round in 0..<300 {
                var flipped = bytes
                let position = Int.random(in: 0..<bytes.count, using: &random)
                flipped[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                let target = try made(folder, "target") { _ in }
                defer { try? Descriptor.folder(folder).removeTree("target") }
                do {
                    _ = try Kit.extract(flipped, into: target)
                    // An access time, or a byte of gzip's header: nothing that comes back.
                    let differences = try TreeSnapshot(of: target).differences(from: source)
                    #expect(differences == [], "seed \(seed), round \(round), byte \(position)")
                } catch let error as any Explained {
                    #expect(error.code.hasPrefix("archive."), "seed \(seed), round \(round): \(error)")
                }
            }
        }
    }

    @Test func anotherItemsPointsOrHostsArchiveIsRefused() async throws {
        try await withArchive { _, bytes, folder in
            let mine = Kit.identity
            for other in [
                ArchiveIdentity(host: String(repeating: "f", count: 32), point: mine.point, item: mine.item),
                ArchiveIdentity(host: mine.host, point: "2026-11-23T020000Z", item: mine.item),
                ArchiveIdentity(host: mine.host, point: mine.point, item: "volume.postgres"),
            ] {
                let target = try made(folder, "target") { _ in }
                defer { try? Descriptor.folder(folder).removeTree("target") }
                expectCode("archive.other-item") {
                    _ = try Kit.extract(bytes, origin: .ours(expecting: other), into: target)
                }
                #expect(try Descriptor.folder(target).names().isEmpty, "something was written before the check")
            }
        }
    }

    @Test(arguments: [Compression.none, .zstd(level: 3), .gzip(level: 6)])
    func appendedBytesAreRefused(_ compression: Compression) async throws {
        try await withArchive(compression) { _, bytes, _ in
            expectRefusal("text") { _ = try Kit.check(bytes + Array("something".utf8)) }
            expectRefusal("itself") { _ = try Kit.check(bytes + bytes) }
        }
    }

    @Test func changedContentIsNamedWithItsKey() async throws {
        try await withArchive { _, bytes, folder in
            var changed = bytes
            let needle = Array("some content".utf8)
            let position = try #require(changed.indices.first { changed[$0...].starts(with: needle) })
            changed[position] = 0x53
            do {
                _ = try Kit.check(changed)
                Issue.record("accepted")
            } catch let error as ArchiveError {
                #expect(error.code == "archive.differs")
                #expect(error.place == "sub/file")
                #expect(error.what.contains("sha256"))
            }
        }
    }

    @Test func anArchiveWithoutItsEndIsCutAlsoWhenTheTarIsClosed() async throws {
        try await withArchive { _, bytes, _ in
            let end = try #require(bytes.indices.last { bytes[$0...].starts(with: ".holdfast/end.json".utf8) })
            expectCode("archive.cut") {
                _ = try Kit.check(Array(bytes[..<end]) + [UInt8](repeating: 0, count: 1024))
            }
        }
    }

    @Test func whatIsNotOursIsSaidToBeSo() throws {
        var tar = TinyTar()
        tar.add("./file", "x")
        expectCode("archive.not-ours") { _ = try Kit.check(tar.closed) }
        expectCode("archive.cut") { _ = try Kit.check([]) }
        var newer = TinyTar()
        newer.add(".holdfast/begin.json", #"{"format":"holdfast-archive/9","host":"a","item":"b","point":"c"}"#)
        expectCode("archive.newer-format") { _ = try Kit.check(newer.closed) }
    }

    private func expectRefusal(_ comment: Comment, _ body: () throws -> Void) {
        do {
            try body()
            Issue.record(comment)
        } catch {
            #expect(error is ArchiveError, comment)
        }
    }
}
