import Glibc
import Machine
import TestKit
import Testing

/// You can leave: gpg, zstd and the server's own programs open every dump, as `docs/recovery.md` says.
@Suite(.enabled(if: RealPostgres.isAvailable, needsPostgres))
struct DatabaseStockToolsTests {
    @Test(arguments: [("zstd", ".zst", "zstd -d"), ("gzip", ".gz", "gzip -d"), ("none", "", "cat")])
    func aDumpGoesIntoANewDatabase(compression: String, suffix: String, decompressor: String) async throws {
        try await withShop(PostgresSample.sql) {
            $0.compression = compression
        } _: { host in
            let before = try await host.dump()
            let point = try await host.backup()
            let new = uniqueName("by hand")
            try await withDatabase(host.server, name: new) { _ in
                try await byHand(
                    host,
                    """
                    cd \(host.demo.backups)/\(point)
                    gpg -d database.shop.globals.sql\(suffix).gpg | \(decompressor) | psql -d postgres
                    gpg -d database.shop.dump\(suffix).gpg | \(decompressor) | pg_restore -d '\(new)' --exit-on-error
                    """)
                #expect(try await host.server.digest(of: new) == before)
            }
        }
    }

    /// The block of `docs/recovery.md`, typed as it stands there but for names.
    @Test func recoveryByHandWorksAsWritten() async throws {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(
            separator: "/")
        let page = String(
            decoding: try Descriptor.open(folder + "/docs/recovery.md", O_RDONLY).readAll(limit: 1 << 20), as: UTF8.self
        )
        let chapter = try #require(page.split(separator: "## A database by hand").last)
        let block = chapter.split(separator: "\n").drop { !$0.hasPrefix("    ") }.prefix { $0.hasPrefix("    ") }
        let commands = block.joined(separator: "\n")
        #expect(commands.contains("createdb") && commands.contains("pg_restore") && commands.contains("| psql"))
        try await withShop { host in
            let before = try await host.dump()
            let point = try await host.backup()
            let new = uniqueName("restored")
            let typed = commands.replacing(".n8n.", with: ".shop.").replacing("-U n8n", with: "-U postgres")
                .replacing("restored", with: new)
            do {
                try await byHand(host, "cd \(host.demo.backups)/\(point)\n" + typed)
                #expect(try await host.server.digest(of: new) == before)
            } catch {
                _ = try? await host.server.psql("DROP DATABASE IF EXISTS \(quotedName(new))")
                throw error
            }
            try await host.server.psql("DROP DATABASE \(quotedName(new))")
            try await host.demo.withOwner {
                let rows = try await host.demo.shell(
                    "gpg -q -d backups/\(point)/private.json.zst.gpg | zstd -d | jq -r '.databases[\"database.shop\"].tables | map(.rows) | add'"
                )
                #expect(rows == "\(Shop.rows)\n")
            }
        }
    }

    @Test func aSQLiteFileComesOut() async throws {
        try await withDemoHost(.ready) { configuration in
            configuration.onlyDatabases(["{ name: kuma, engine: sqlite, volume: n8n_data, file: kuma.db }"])
        } _: { host in
            let file = "\(host.data())/kuma.db"
            try await host.shell(
                "sqlite3 \(file) 'PRAGMA journal_mode=wal; CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)'")
            let point = try await host.backup()
            try await host.withOwner {
                try await host.shell("gpg -d backups/\(point)/database.kuma.sqlite.zst.gpg | zstd -d > kuma.db")
            }
            #expect(try await host.shell("sqlite3 kuma.db 'SELECT sum(x) FROM t; PRAGMA integrity_check'") == "3\nok\n")
        }
    }

    private func byHand(_ host: ShopHost, _ script: String) async throws {
        var demo = host.demo
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        demo.holdfast.environment["PATH"] = "\(host.server.binaries):\(path)"
        demo.holdfast.environment.merge(host.server.environment) { _, own in own }
        try await demo.withOwner { try await demo.shell(script) }
    }
}

/// A password is read from its file and goes to nobody but the server's programs.
@Suite(.enabled(if: RealPostgres.isAvailable, needsPostgres))
struct DatabaseSecrecyTests {
    @Test func thePasswordIsNowhereToBeSeen() async throws {
        try await withShop(Shop.sql + Shop.bulk(20_000)) { host in
            let (demo, server) = (host.demo, host.server)
            try demo.write("password", server.password + "\n")
            try demo.configure {
                $0.onlyDatabases([
                    "{ name: shop, engine: postgres, url: \(yaml(server.url(host.database))), password_file: \(demo.path("password")) }"
                ])
            }
            // Every command line that there is, as often as possible.
            let watch = try demo.tools.start([
                "bash", "-c",
                "while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >> seen; echo >> seen; sleep 0.01; done",
            ])
            defer { kill(-watch.pid, SIGKILL) }
            var said = ""
            for arguments in [
                ["check"], ["backup"], ["backup", "--json"], ["verify", "--deep", "--key", demo.privateKey],
                ["restore", "database", "shop", "--yes", "--key", demo.privateKey], ["restore", "commit", "--yes"],
            ] {
                let outcome = try await host.holdfast.run([CommandRunner.binary] + arguments)
                expectDone(outcome)
                said += outcome.output + outcome.errors
            }
            kill(-watch.pid, SIGKILL)
            _ = try await watch.wait()
            let seen = try demo.read("seen")
            #expect(seen.contains("pg_dump") && seen.contains("pg_restore"))
            #expect(!seen.contains(server.password) && !said.contains(server.password))
            let kept = try await demo.shell("grep -rlF \"$(cat password)\" . || true")
            #expect(kept == "./password\n")
        }
    }
}
