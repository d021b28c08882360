import TestKit
import Testing

/// Backed up, verified, destroyed, restored: equal, by a walker that shares nothing with ours.
@Suite struct RoundTripTests {
    private func replace(_ path: String, on host: DemoHost, by make: (String) throws -> Void) async throws
        -> TreeSnapshot
    {
        try host.remove(path)
        try await host.shell("mkdir -m 755 -p \(path)")
        try make(host.path(path))
        return try host.snapshot(path)
    }

    private func expectVerified(_ host: DemoHost, _ arguments: String...) async throws {
        let verified = try await host.holdfast.run([CommandRunner.binary, "verify"] + arguments)
        #expect(verified.status == 0, "\(verified)")
    }

    @Test func everyKindOfEntryComesBackInAVolume() async throws {
        try await withDemoHost { host in
            let before = try await replace("volumes/n8n_data/_data", on: host) { try Trees.everyKind(in: $0) }
            try await host.backup()
            try await expectVerified(host)
            try await expectVerified(host, "--deep", "--key", host.privateKey)
            try host.remove("volumes/n8n_data/_data")
            let restored = try await host.restore("volume", "n8n_data")
            #expect(restored.status == 0, "\(restored)")
            try expectSame(before, host.snapshot(host.data()))
        }
    }

    @Test func everyKindOfEntryComesBackInFiles() async throws {
        try await withDemoHost { host in
            let before = try await replace("compose", on: host) { try Trees.everyKind(in: $0) }
            try await host.backup()
            try host.remove("compose")
            let restored = try await host.restore("files", "compose")
            #expect(restored.status == 0, "\(restored)")
            try expectSame(before, host.snapshot("compose"))
        }
    }

    @Test func everyKindOfEntryComesBackFromASingleArchive() async throws {
        try await withDemoHost { host in
            let volume = try await replace("volumes/n8n_data/_data", on: host) { try Trees.everyKind(in: $0) }
            let files = try await replace("compose", on: host) { try Trees.random(in: $0, seed: 7, entries: 60) }
            let point = try await host.backup("--single-archive")
            #expect(try host.names("backups/\(point)").filter { $0.hasSuffix(".tar.zst.gpg") } == ["all.tar.zst.gpg"])
            try await expectVerified(host, "--deep", "--key", host.privateKey)
            try host.remove("volumes/n8n_data/_data")
            try host.remove("compose")
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            #expect(try await host.restore("files", "compose").status == 0)
            try expectSame(volume, host.snapshot(host.data()))
            try expectSame(files, host.snapshot("compose"))
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomTreesComeBack(seed: UInt64) async throws {
        try await withDemoHost { host in
            let volume = try await replace("volumes/n8n_data/_data", on: host) { try Trees.random(in: $0, seed: seed) }
            let files = try await replace("compose", on: host) { try Trees.random(in: $0, seed: seed + 100) }
            try await host.backup()
            try await expectVerified(host, "--deep", "--key", host.privateKey)
            try host.remove("volumes/n8n_data/_data")
            try host.remove("compose")
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            #expect(try await host.restore("files", "compose").status == 0)
            try expectSame(volume, host.snapshot(host.data()))
            try expectSame(files, host.snapshot("compose"))
        }
    }

    @Test func toAFolderLeavesTheLiveDataAlone() async throws {
        try await withDemoHost { host in
            let saved = try await replace("volumes/n8n_data/_data", on: host) {
                try Trees.everyKind(in: $0, deep: false)
            }
            try await host.backup()
            try host.write("volumes/n8n_data/_data/since", "then")
            let live = try host.snapshot(host.data())
            let restored = try await host.restore("volume", "n8n_data", "--to", host.path("new/folder"))
            #expect(restored.status == 0, "\(restored)")
            try expectSame(saved, host.snapshot("new/folder"))
            try expectSame(live, host.snapshot(host.data()))
            #expect(try host.leftovers() == [])
        }
    }

    @Test func severalItemsGoIntoFoldersOfTheirOwn() async throws {
        try await withDemoHost(.backedUp) { host in
            let restored = try await host.restore("volume", "n8n_data", "web_data", "--to", host.path("out"))
            #expect(restored.status == 0, "\(restored)")
            #expect(try host.names("out") == ["n8n_data", "web_data"])
            #expect(try host.read("out/n8n_data/config.json").contains("second"))
            #expect(try host.read("out/web_data/index.html").contains("first"))
        }
    }

    @Test func singleFilesAndFoldersComeOutByPath() async throws {
        try await withDemoHost(.backedUp) { host in
            let restored = try await host.restore(
                "volume", "n8n_data", "--path", "config.json", "--path", "nodes/deep", "--to", host.path("out"))
            #expect(restored.status == 0, "\(restored)")
            #expect(
                try host.find("out") == ["out/config.json", "out/nodes", "out/nodes/deep", "out/nodes/deep/module.js"])
            #expect(try host.read("out/config.json").contains("second"))
        }
    }

    @Test func fromNamesThePoint() async throws {
        try await withDemoHost(.backedUp) { host in
            let first = try #require(try host.points().first)
            #expect(try await host.restore("files", "compose", "--from", first).status == 0)
            #expect(try host.read("compose/.env") == "PASSWORD=first\n")
        }
    }

    @Test(arguments: ["gzip", "gzip:1", "none", "zstd:1", "zstd:19"])
    func everyCompressionComesBack(compression: String) async throws {
        try await withDemoHost(.ready) {
            $0.compression = compression
        } _: { host in
            let saved = try host.snapshot(host.data())
            try await host.backup()
            try await expectVerified(host, "--deep", "--key", host.privateKey)
            try host.remove("volumes/n8n_data/_data")
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            try expectSame(saved, host.snapshot(host.data()))
        }
    }
}
