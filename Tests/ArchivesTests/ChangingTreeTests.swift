import Archives
import Glibc
import Machine
import TestKit
import Testing

/// A tree that changes while it is read: growth is whole, what shrinks or vanishes is torn, nothing is hidden.
@Suite struct ChangingTreeTests {
    /// A tree of one file, and what changes it at which moment, how often.
    private func archive(
        _ content: String, at moment: ArchiveWriter.Moment, times: Int = 1, _ change: (String) throws -> Void
    ) async throws -> (report: TreeReport, restored: [UInt8]?, checked: ExtractionReport) {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { try TreeMaker($0).file("file", content) }
            var left = times
            let archive = try withoutActuallyEscaping(change) { change in
                try Kit.archive(source) { now, path in
                    guard now == moment, path == RawPath("file"), left > 0 else { return }
                    left -= 1
                    try change("\(source)/file")
                }
            }
            #expect(left == 0, "the moment did not come")
            let target = try made(folder, "target") { _ in }
            let checked = try Kit.extract(archive.bytes, into: target)
            let restored = try? Descriptor.open("\(target)/file", O_RDONLY | O_NONBLOCK).readAll(limit: 32 << 20)
            return (archive.report, restored, checked)
        }
    }

    private func append(_ path: String) throws { try Descriptor.open(path, O_WRONLY | O_APPEND).write("more") }

    private let long = String(repeating: "0123456789abcdef", count: 200_000)

    @Test func aFileThatGrowsIsStoredToItsLengthAtOpenAndIsWhole() async throws {
        for content in ["short", long] {
            let result = try await archive(content, at: .opened) { try append($0) }
            #expect(result.report.grew.first == [RawPath("file")])
            #expect(!result.report.isTorn)
            #expect(result.restored == Array(content.utf8))
            #expect(result.checked.notes == ["grew: file"])
            #expect(result.checked.torn == 0)
        }
    }

    @Test func aSmallFileThatShrinksOnceIsReadAgainAndIsWhole() async throws {
        let result = try await archive("shrinking", at: .opened) { truncate($0, 3) }
        #expect(!result.report.isTorn)
        #expect(result.restored == Array("shr".utf8))
    }

    @Test func aSmallFileThatIsEmptiedWhileItIsReadIsWhole() async throws {
        let result = try await archive("shrinking", at: .opened) { truncate($0, 0) }
        #expect(!result.report.isTorn)
        #expect(result.restored == [])
    }

    @Test func aSmallFileThatShrinksTwiceIsTorn() async throws {
        var length = 8
        let result = try await archive("shrinking", at: .opened, times: 2) {
            length -= 3
            truncate($0, off_t(length))
        }
        #expect(result.report.torn.first == [RawPath("file")])
        #expect(result.restored == Array("sh".utf8) + [0, 0, 0])
        #expect(result.checked.torn == 1)
    }

    @Test func aLargeFileThatShrinksIsTorn() async throws {
        let result = try await archive(long, at: .read) { truncate($0, 1_500_000) }
        #expect(result.report.torn.first == [RawPath("file")])
        #expect(result.restored?.count == long.utf8.count)
        #expect(result.restored?.prefix(1_000_000) == Array(long.utf8)[..<1_000_000])
        #expect(result.restored?.last == 0)
        #expect(result.checked.torn == 1)
        #expect(result.checked.notes == ["torn: file"])
    }

    @Test func aFileThatVanishesIsTorn() async throws {
        let result = try await archive("x", at: .listed) { unlink($0) }
        #expect(result.report.torn.first == [RawPath("file")])
        #expect(result.restored == nil)
        #expect(result.checked.torn == 1)
    }

    @Test func aFileThatIsReplacedIsStoredAsWhatItIsNow() async throws {
        let fifo = try await archive("x", at: .listed) { path in
            unlink(path)
            mkfifo(path, 0o600)
        }
        #expect(fifo.checked.entries == 2)
        #expect(!fifo.report.isTorn)
        let link = try await archive("x", at: .listed) { path in
            unlink(path)
            symlink("/etc/passwd", path)
        }
        #expect(link.checked.entries == 2)
        let folder = try await archive("x", at: .listed) { path in
            unlink(path)
            mkdir(path, 0o700)
            try TreeMaker(path).file("inside", "x")
        }
        #expect(folder.checked.entries == 3)
    }

    @Test(.enabled(if: geteuid() == 0)) func aMountIsNamedAndNotEntered() async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { root in
                try TreeMaker(root).folder("mounted")
                try TreeMaker(root).file("file", "x")
            }
            let mount = ChildProcess("mount", ["-t", "tmpfs", "tmpfs", "\(source)/mounted"])
            guard try await mount.run().succeeded else { return }
            defer { umount2("\(source)/mounted", Int32(MNT_DETACH)) }
            try TreeMaker(source).file("mounted/inside", "x")
            let archive = try Kit.archive(source)
            #expect(archive.report.mounts.first == [RawPath("mounted")])
            #expect(try Kit.paths(archive.bytes) == [".", "file", "mounted"])
            #expect(try Kit.check(archive.bytes).notes == ["mount: mounted"])
        }
    }

    @Test func whatCannotBeReadIsAnError() async throws {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { try TreeMaker($0).file("file", "x") }
            #expect(throws: MachineError.self) {
                _ = try Kit.archive(source) { _, _ in throw MachineError.call("read", "file", errno: EIO) }
            }
        }
    }
}
