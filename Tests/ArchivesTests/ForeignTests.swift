import Archives
import Glibc
import Machine
import TestKit
import Testing

/// Archives that other programs made.
@Suite struct ForeignTests {
    private static var everythingAllowed: ArchiveReader.Origin {
        var policy = ForeignPolicy()
        policy.allowDevices = true
        policy.allowSetID = true
        policy.allowEscapingLinks = true
        return .foreign(policy)
    }

    private func tar(_ folder: String, _ arguments: [String]) async throws -> [UInt8] {
        let file = "\(folder)/theirs.tar"
        let outcome = try await ChildProcess("tar", ["-cf", file, "-C", "\(folder)/source"] + arguments + ["."]).run()
        #expect(outcome.succeeded, "\(outcome.errors)")
        return try Descriptor.open(file, O_RDONLY).readAll(limit: 64 << 20)
    }

    @Test(arguments: [[], ["-z"], ["-j"], ["-J"], ["--zstd"]])
    func allOfAPaxArchiveComesBack(_ compression: [String]) async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { try Trees.everyKind(in: $0) }
            let bytes = try await tar(
                folder, ["--format=pax", "--sparse", "--acls", "--xattrs", "--xattrs-include=*"] + compression)
            let target = try made(folder, "target") { _ in }
            let report = try Kit.extract(bytes, origin: Self.everythingAllowed, into: target)
            #expect(report.identity == nil)
            let differences = try TreeSnapshot(of: target).differences(from: TreeSnapshot(of: source))
            // libarchive reads "-0.75" as 0.75; GNU tar stores the names of a FIFO as FIFOs of their own.
            #expect(
                differences.filter { !$0.hasPrefix("files/just before 1970") && !$0.hasPrefix("links/fifo") } == [])
        }
    }

    @Test(arguments: ["gnu", "oldgnu", "ustar", "v7"])
    func olderDialectsComeBack(_ format: String) async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { root in
                let tree = TreeMaker(root)
                try tree.folder("sub")
                try tree.file("sub/file", String(repeating: "text\n", count: 5000), mode: 0o640)
                try tree.file("sub/\u{e9} and e\u{301}", "names")
                try tree.symlink("link", to: "sub/file")
                try tree.link("second", to: "sub/file")
                if format.hasSuffix("gnu") {
                    try tree.sparse("holes", size: 9 << 20, (0..<40).map { ($0 * 200_000, "part \($0)") })
                    try tree.file("sub/" + String(repeating: "l", count: 200), "long")
                }
                for name in ["sub", "sub/file", "link", ""] { try tree.time(name, 1_600_000_000) }
            }
            let bytes = try await tar(folder, ["--format=\(format)"] + (format.hasSuffix("gnu") ? ["--sparse"] : []))
            let target = try made(folder, "target") { _ in }
            _ = try Kit.extract(bytes, origin: .foreign(ForeignPolicy()), into: target)
            var (before, after) = (try TreeSnapshot(of: source), try TreeSnapshot(of: target))
            before.forgetFractions()
            after.forgetFractions()
            #expect(after.differences(from: before) == [])
            let holes = Array("holes".utf8)
            #expect((after.allocated[holes] ?? 0) <= (before.allocated[holes] ?? 0) + 65_536)
        }
    }

    @Test func aCutOneIsRefused() async throws {
        try await withTemporaryFolder { folder in
            _ = try made(folder, "source") { root in
                let tree = TreeMaker(root)
                try tree.folder("sub")
                try tree.file("sub/zeros", String(repeating: "\u{0}", count: 5000))
                try tree.file("text", "text")
                try tree.symlink("link", to: "text")
                try tree.sparse("sub/hole", size: 20_000, [])
            }
            let bytes = try await tar(folder, ["--format=pax"])
            let policy = Self.everythingAllowed
            #expect(try Kit.check(bytes, origin: policy).entries == 6)
            for end in stride(from: 0, to: bytes.count - 10_240, by: 512) {
                #expect(throws: ArchiveError.self, "cut at \(end)") {
                    _ = try Kit.check(Array(bytes[..<end]), origin: policy)
                }
            }
        }
    }

    @Test func oneOfOursIsRecognised() async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { try Trees.everyKind(in: $0) }
            let bytes = try Kit.archive(source, .zstd(level: 3)).bytes
            let target = try made(folder, "target") { _ in }
            let report = try Kit.extract(bytes, origin: Self.everythingAllowed, into: target)
            #expect(report.identity == Kit.identity)
            #expect(try TreeSnapshot(of: target).differences(from: TreeSnapshot(of: source)) == [])
        }
    }
}
