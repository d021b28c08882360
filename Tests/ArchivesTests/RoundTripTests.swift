import Archives
import Glibc
import Machine
import TestKit
import Testing

/// What goes in comes out, through our own reader and through stock tools.
@Suite struct RoundTripTests {
    @Test(arguments: [Compression.zstd(level: 3), .gzip(level: 6), .none])
    func everyKindOfEntryComesBack(_ compression: Compression) async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { try Trees.everyKind(in: $0) }
            let before = try TreeSnapshot(of: source)
            let archive = try Kit.archive(source, compression)
            #expect(archive.report.sockets.count == 1)
            #expect(!archive.report.isTorn)
            let target = try made(folder, "target") { _ in }
            let report = try Kit.extract(archive.bytes, into: target)
            #expect(report.identity == Kit.identity)
            #expect(report.entries == archive.totals.entries)
            #expect(report.ownersKept == (geteuid() == 0))
            #expect(report.notes == ["socket: files/socket"])
            let after = try TreeSnapshot(of: target)
            #expect(after.differences(from: before) == [])
            expectSparse(after, as: before)
            #expect(try TreeSnapshot(of: source).differences(from: before) == [], "the source was changed")
        }
    }

    @Test(arguments: [Compression.zstd(level: 3), .gzip(level: 6), .none])
    func stockToolsExtractTheSame(_ compression: Compression) async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { try Trees.everyKind(in: $0, deep: false) }
            let archive = try Kit.archive(source, compression)
            let file = "\(folder)/archive\(compression.suffix)"
            try Descriptor.open(file, O_WRONLY | O_CREAT).write(archive.bytes)
            let target = try made(folder, "target") { _ in }
            let unpack =
                switch compression {
                case .zstd: "zstd -d <'\(file)'"
                case .gzip: "gzip -d <'\(file)'"
                case .none: "cat '\(file)'"
                }
            let tar = "tar -xp --numeric-owner --acls --xattrs --xattrs-include='*' -C '\(target)'"
            let outcome = try await ChildProcess("bash", ["-c", "set -o pipefail; \(unpack) | \(tar)"]).run()
            #expect(outcome.succeeded, "\(outcome.errors)")
            let complaints = outcome.errors.split(separator: "\n").filter {
                !$0.contains("implausibly old time stamp") && !$0.hasSuffix("s in the future")
            }
            #expect(complaints == [])
            let before = try TreeSnapshot(of: source)
            let after = try TreeSnapshot(of: target, ignoring: [".holdfast-1"])
            #expect(after.differences(from: before) == [])
            expectSparse(after, as: before)
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func randomTreesComeBackFromOursAndFromStockTar(_ seed: UInt64) async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { try Trees.random(in: $0, seed: seed) }
            let before = try TreeSnapshot(of: source)
            let archive = try Kit.archive(source, .zstd(level: 1))
            let ours = try made(folder, "ours") { _ in }
            _ = try Kit.extract(archive.bytes, into: ours)
            #expect(try TreeSnapshot(of: ours).differences(from: before) == [], "seed \(seed)")
            let plain = try Kit.archive(source, .none)
            try Descriptor.open("\(folder)/a.tar", O_WRONLY | O_CREAT).write(plain.bytes)
            let theirs = try made(folder, "theirs") { _ in }
            let outcome = try await ChildProcess(
                "tar",
                [
                    "-xpf", "\(folder)/a.tar", "--numeric-owner", "--acls", "--xattrs", "--xattrs-include=*", "-C",
                    theirs,
                ]
            ).run()
            #expect(outcome.succeeded, "seed \(seed): \(outcome.errors)")
            #expect(
                try TreeSnapshot(of: theirs, ignoring: [".holdfast"]).differences(from: before) == [], "seed \(seed)")
        }
    }

    @Test func namesThatDifferOnlyInUnicodeFormStayTwo() async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { root in
                try TreeMaker(root).file(Array("caf\u{e9}".utf8), Array("composed".utf8))
                try TreeMaker(root).file(Array("cafe\u{301}".utf8), Array("decomposed".utf8))
            }
            let target = try made(folder, "target") { _ in }
            _ = try Kit.extract(try Kit.archive(source).bytes, into: target)
            let after = try TreeSnapshot(of: target)
            #expect(after.items.count == 3)
            #expect(after.differences(from: try TreeSnapshot(of: source)) == [])
        }
    }

    @Test func aTreesOwnHoldfastFolderIsNotOurs() async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { root in
                for name in [".holdfast", ".holdfast-1"] {
                    try TreeMaker(root).folder(name)
                    try TreeMaker(root).file("\(name)/end.json", "theirs")
                }
            }
            let target = try made(folder, "target") { _ in }
            _ = try Kit.extract(try Kit.archive(source).bytes, into: target)
            #expect(try TreeSnapshot(of: target).differences(from: TreeSnapshot(of: source)) == [])
        }
    }

    @Test func aSingleArchiveHoldsSeveralTrees() async throws {
        try await withTemporaryFolder { folder in
            let one = try made(folder, "one") { try Trees.random(in: $0, seed: 11, entries: 60) }
            let two = try made(folder, "two") { try Trees.random(in: $0, seed: 12, entries: 60) }
            let sink = MemorySink()
            let writer = try ArchiveWriter(
                to: sink, compression: .none, identity: Kit.identity, time: Timestamp(seconds: 1_766_286_000))
            for (name, path) in [("volume.one", one), ("volume.two", two)] {
                _ = try writer.add(
                    tree: .folder(path), under: RawPath(name), meter: Meter(), stop: StopSignal())
            }
            _ = try writer.finish()
            for (name, path) in [("volume.one", one), ("volume.two", two)] {
                let target = try made(folder, "target of \(name)") { _ in }
                _ = try Kit.extract(sink.bytes, into: target, prefix: RawPath(name))
                #expect(try TreeSnapshot(of: target).differences(from: TreeSnapshot(of: path)) == [])
            }
            let target = try made(folder, "nothing") { _ in }
            expectCode("archive.no-such-item") {
                _ = try Kit.extract(sink.bytes, into: target, prefix: RawPath("volume.three"))
            }
        }
    }

    @Test func manyManifestsAreWrittenAndCompared() async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { root in
                for index in 0..<3500 { try TreeMaker(root).file("file \(index)", "\(index)") }
            }
            let archive = try Kit.archive(source)
            #expect(archive.totals.manifests == 4)
            #expect(try Kit.check(archive.bytes).entries == 3501)
        }
    }

    @Test func excludedFoldersAreLeftOutWithAllBelow() async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { root in
                try TreeMaker(root).folder("cache")
                try TreeMaker(root).file("cache/x", "x")
                try TreeMaker(root).file("kept", "x")
            }
            let sink = MemorySink()
            let writer = try ArchiveWriter(
                to: sink, compression: .none, identity: Kit.identity, time: Timestamp(seconds: 0))
            _ = try writer.add(
                tree: .folder(source), excluding: { $0 == RawPath("cache") }, meter: Meter(), stop: StopSignal())
            _ = try writer.finish()
            #expect(try Kit.paths(sink.bytes) == [".", "kept"])
        }
    }
}

/// Holes are still holes: no file takes much more space than it did.
private func expectSparse(_ after: TreeSnapshot, as before: TreeSnapshot) {
    for (path, size) in before.allocated {
        let now = after.allocated[path] ?? 0
        #expect(now <= size + 65_536, "\(RawPath(path)) takes \(now) bytes instead of \(size)")
    }
}
