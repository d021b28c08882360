import Glibc
import Machine
import TestKit
import Testing

/// You can leave: gpg, zstd or gzip, and GNU tar open everything, and what comes out is the source.
@Suite struct StockToolsTests {
    private static let tar = "tar -xp --numeric-owner --acls --xattrs --xattrs-include='*'"

    private func expectOpened(
        _ host: DemoHost, _ file: String, by decompressor: String, equals source: TreeSnapshot
    ) async throws {
        try await host.withOwner {
            try await host.shell("mkdir out && gpg -q --batch -d \(file) | \(decompressor) | \(Self.tar) -C out")
        }
        // The last of those that the tree does not have itself is ours.
        let control = try host.names("out").filter { $0.hasPrefix(".holdfast") }.last ?? ""
        try expectSame(source, TreeSnapshot(of: host.path("out"), ignoring: [control]))
    }

    @Test(arguments: [("zstd", ".tar.zst", "zstd -d"), ("gzip", ".tar.gz", "gzip -d"), ("none", ".tar", "cat")])
    func everyKindOfEntryComesOut(compression: String, suffix: String, decompressor: String) async throws {
        try await withDemoHost(.ready) {
            $0.compression = compression
        } _: { host in
            try host.remove("volumes/n8n_data/_data")
            try await host.shell("mkdir -m 755 volumes/n8n_data/_data")
            try Trees.everyKind(in: host.data(), deep: false)
            let source = try host.snapshot(host.data())
            let point = try await host.backup()
            try await expectOpened(
                host, "backups/\(point)/volume.n8n_data\(suffix).gpg", by: decompressor, equals: source)
        }
    }

    @Test(arguments: [11, 12, 13] as [UInt64])
    func randomTreesComeOut(seed: UInt64) async throws {
        try await withDemoHost { host in
            try host.remove("compose")
            try await host.shell("mkdir -m 755 compose")
            try Trees.random(in: host.path("compose"), seed: seed)
            let source = try host.snapshot("compose")
            let point = try await host.backup("files")
            try await expectOpened(host, host.archive("files.compose", of: point), by: "zstd -d", equals: source)
        }
    }

    /// What `docs/recovery.md` says, typed as it stands there.
    @Test func recoveryByHandWorksAsWritten() async throws {
        let page = try String(
            decoding: Descriptor.open(
                #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
                    + "/docs/recovery.md", O_RDONLY
            ).readAll(limit: 1 << 20), as: UTF8.self)
        let byHand = try #require(page.split(separator: "## By hand").last)
        // Commands stand in blocks, indented by seven blanks or more.
        let commands = byHand.split(separator: "\n").filter { $0.hasPrefix("       ") }.joined(separator: "\n")
        #expect(commands.contains("gpg --verify") && commands.contains("sha256sum -c") && commands.contains("cp -a"))
        try await withDemoHost { host in
            let source = try host.snapshot(host.data())
            let point = try await host.backup()
            let signer = try await host.shell(
                "gpg --with-colons --show-keys backups/host.asc | awk -F: '/^fpr/ && !n++ { print $10 }'")
            try await host.shell(
                "cp -a backups copy && cp stick/private.asc copy/ && mkdir -p volumes.new/n8n_data/_data")
            let typed = commands.replacing("2026-11-22T020000Z", with: point)
                .replacing("/var/lib/docker/volumes", with: host.path("volumes.new"))
            let said = try await host.shell(
                """
                exec 2>&1
                docker() { echo "docker $*"; }
                trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT
                cd copy
                \(typed)
                """)
            #expect(said.contains("volume.n8n_data.tar.zst.gpg: OK"))
            #expect(said.contains("Good signature"))
            #expect(said.replacing(" ", with: "").contains(signer.drop(while: \.isWhitespace).prefix(40)))
            // Taking `.holdfast` away gave the top folder a new time.
            try await host.shell("touch -r volumes/n8n_data/_data volumes.new/n8n_data/_data")
            try expectSame(source, host.snapshot("volumes.new/n8n_data/_data"))
        }
    }

    @Test func privateFactsOpenAsWritten() async throws {
        try await withDemoHost(.backedUp) { host in
            let point = try #require(try host.points().last)
            try await host.withOwner {
                let facts = try await host.shell(
                    "gpg -q --batch -d backups/\(point)/private.json.zst.gpg | zstd -d | jq -r .format")
                #expect(facts == "holdfast-private/1\n")
            }
        }
    }
}
