import Archives
import Glibc
import Machine
import TestKit
import Testing

/// Archives that are small on disk and endless inside: refused or read in bounded memory, by a process of its own.
@Suite struct BombTests {
    /// Bytes that no reader of ours may have resident, whatever it reads.
    private static let mostMemory = 200 << 20

    /// Makes an archive, and has it verified and restored; neither may take more memory than that.
    ///
    /// - Returns: what `verify` and `restore archive` came to.
    private func throwAt(
        _ host: DemoHost, _ bomb: Bomb, restoring: Bool = true, at location: SourceLocation = #_sourceLocation
    ) async throws -> [CommandRunner.Outcome] {
        let file = try Descriptor.open(host.path("bomb"), O_WRONLY | O_CREAT | O_TRUNC)
        try CompressedStream.compress(bomb, .zstd(level: 1), to: file, meter: Meter(), stop: StopSignal())
        try file.close()
        let before = try host.snapshot("volumes")
        var outcomes: [CommandRunner.Outcome] = []
        let verify = ["verify", host.path("bomb")]
        let restore = ["restore", "archive", host.path("bomb"), "--to", host.path("room/out"), "--yes"]
        for arguments in restoring ? [verify, restore] : [verify] {
            let (outcome, peak) = try await Self.measured(host, arguments)
            #expect(peak < Self.mostMemory, "\(ByteCount(peak)): \(arguments) \(outcome)", sourceLocation: location)
            outcomes.append(outcome)
        }
        #expect(before.differences(from: try host.snapshot("volumes")) == [], sourceLocation: location)
        return outcomes
    }

    /// Runs the built program, and looks at its memory meanwhile.
    private static func measured(
        _ host: DemoHost, _ arguments: [String]
    ) async throws -> (CommandRunner.Outcome, peak: Int) {
        let running = try host.holdfast.start([CommandRunner.binary] + arguments)
        let watcher = Task {
            var peak = 0
            while !Task.isCancelled {
                peak = max(peak, highWaterMark(of: running.pid))
                try? await Task.sleep(for: .milliseconds(5))
            }
            return peak
        }
        let outcome = try await running.wait()
        watcher.cancel()
        return (outcome, await watcher.value)
    }

    /// `VmHWM` of a process, which the kernel gives in kB; 0 once it has ended.
    private static func highWaterMark(of process: pid_t) -> Int {
        guard let file = try? Descriptor.open("/proc/\(process)/status", O_RDONLY),
            let bytes = try? file.readAll(limit: 1 << 16)
        else { return 0 }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }

    private static let isLong = Torture.seconds != nil

    // MARK: - Bombs

    /// A small file that holds more than there is room for: nothing of it is written.
    @Test(.enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot))) func zeros() async throws {
        try await withDemoHost { host in
            var header = TarMaker.Header("zeros")
            let size = Self.isLong ? 16 << 30 : 1 << 30
            header.size = .raw([0x80, 0, 0, 0] + withUnsafeBytes(of: UInt64(size).bigEndian) { Array($0) })
            header.magic = .gnu
            let bomb = Bomb(
                TarMaker.block(header, count: 0), [UInt8](repeating: 0, count: 1 << 16), times: size >> 16)
            try await withTmpfs(host.path("room"), "size=32m") {
                let outcomes = try await throwAt(host, bomb)
                #expect(outcomes[0].status == 0, "\(outcomes[0])")
                #expect(outcomes[1].status == 1 && outcomes[1].errors.contains("more than the"), "\(outcomes[1])")
                #expect(try host.names("room") == [])
            }
        }
    }

    /// The limit of entries is met in the end; until then memory does not grow.
    @Test func entries() async throws {
        try await withDemoHost { host in
            let count = Self.isLong ? 10_000_001 : 150_000
            let bomb = Bomb([], TarMaker.block(TarMaker.Header("d/", "5"), count: 0), times: count)
            // Making ten million folders would take longer than a command may take here.
            let outcomes = try await throwAt(host, bomb, restoring: !Self.isLong)
            for outcome in outcomes {
                let isRefused = outcome.status == 1 && outcome.description.contains("more than 10000000 entries")
                #expect(Self.isLong ? isRefused : outcome.status == 0, "\(outcome)")
            }
        }
    }

    @Test func folders() async throws {
        try await withDemoHost { host in
            var tar = TarMaker()
            tar.addPax([("path", Array(String(repeating: "d/", count: 30_000).utf8))])
            tar.add(TarMaker.Header("short", "5"))
            let outcomes = try await throwAt(host, Bomb(tar.bytes, [], times: 0))
            #expect(outcomes[1].status == 1 && outcomes[1].errors.contains("deep in one another"), "\(outcomes[1])")
        }
    }

    @Test(arguments: ["x", "g", "L", "K"] as [Character]) func headersWithoutEnd(type: Character) async throws {
        try await withDemoHost { host in
            var header = TarMaker.Header("x", type)
            header.size = .octal(0o77777777777)
            let size = Self.isLong ? 8 << 30 : 256 << 20
            let bomb = Bomb(
                TarMaker.block(header, count: 0), [UInt8](repeating: 0x61, count: 1 << 16), times: size >> 16)
            let outcomes = try await throwAt(host, bomb)
            #expect(outcomes.allSatisfy { $0.status == 1 }, "\(outcomes)")
        }
    }

    /// The same in our own form, where manifests are kept until they are compared.
    @Test(arguments: ["x", "0"] as [Character]) func controlMembersWithoutEnd(type: Character) async throws {
        try await withDemoHost { host in
            var tar = TarMaker()
            tar.add(
                ".holdfast/begin.json",
                "{\"format\":\"holdfast-archive/1\",\(HostileOwnTar.identity),\(HostileOwnTar.point)}")
            var header = TarMaker.Header(".holdfast/manifest-000001.jsonl", type)
            header.size = .octal(type == "x" ? 4 << 20 : 64 << 20)
            let bomb = Bomb(
                tar.bytes + TarMaker.block(header, count: 0), [UInt8](repeating: 0x61, count: 1 << 16), times: 2048)
            let outcomes = try await throwAt(host, bomb)
            #expect(outcomes.allSatisfy { $0.status == 1 }, "\(outcomes)")
        }
    }

    /// Maps of holes that claim more than any file system holds; several, so that sums would overflow.
    @Test func exabytesOfHoles() async throws {
        try await withDemoHost { host in
            var tar = TarMaker()
            for index in 0..<3 {
                let name = "n8n_data/_data/hole \(index)"
                let map = Array("1\n9000000000000000000\n0\n".utf8)
                tar.addPax([
                    ("GNU.sparse.major", [0x31]), ("GNU.sparse.minor", [0x30]), ("GNU.sparse.name", Array(name.utf8)),
                    ("GNU.sparse.realsize", Array("9000000000000000000".utf8)),
                ])
                tar.add(TarMaker.Header("hole"), map + [UInt8](repeating: 0, count: 512 - map.count))
            }
            let outcomes = try await throwAt(host, Bomb(tar.closed, [], times: 0))
            #expect(outcomes[1].status == 1, "\(outcomes[1])")
            for arguments in [["--dry-run"], ["--yes"]] {
                let outcome = try await host.holdfast.run(
                    [CommandRunner.binary, "restore", "archive", host.path("bomb"), "--volumes"] + arguments)
                #expect([0, 1, 4].contains(outcome.status), "\(outcome)")
                #expect(try host.leftovers() == [])
            }
        }
    }

    /// A stranger may ask the decompressor for two gibibytes of window.
    @Test func aWindowThatIsTooLarge() async throws {
        try await withDemoHost { host in
            try await host.shell("head -c 3M /dev/zero | zstd -q --ultra -20 --long=31 > bomb")
            let (outcome, peak) = try await Self.measured(host, ["verify", host.path("bomb")])
            #expect(outcome.status == 1 && peak < Self.mostMemory, "\(ByteCount(peak)) \(outcome)")
        }
    }
}

/// Something in front, and then the same again and again.
private final class Bomb: ByteSource {
    private var front: ArraySlice<UInt8>
    private let block: [UInt8]
    private var left: Int

    init(_ front: [UInt8], _ block: [UInt8], times: Int) {
        self.front = front[...]
        self.block = block
        left = times
        // Two empty blocks, once all of it has gone by.
        end = [UInt8](repeating: 0, count: front.count == 0 || times > 0 ? 1024 : 0)[...]
    }

    private var end: ArraySlice<UInt8>

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if front.isEmpty, left > 0 {
            front = block[...]
            left -= 1
        } else if front.isEmpty {
            front = end
            end = []
        }
        let part = front.prefix(buffer.count)
        buffer.copyBytes(from: part)
        front = front.dropFirst(part.count)
        return part.count
    }
}
