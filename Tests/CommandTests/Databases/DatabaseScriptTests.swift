import Glibc
import TestKit
import Testing

/// HAZARDS: `psql < dump` into a full database exits 0 with 40 errors. Plain SQL of any origin comes back whole, or not at all.
@Suite(.enabled(if: RealPostgres.isAvailable, needsPostgres))
struct DatabaseScriptTests {
    /// What older scripts made of a shop, in the host's folder, as `name`; then the shop is spoilt.
    private func withScript(
        _ name: String = "shop.sql.gpg", edit: String = "cat", program: String = "pg_dump",
        _ body: (_ host: ShopHost, _ saved: String, _ spoilt: String) async throws -> Void
    ) async throws {
        try await withShop { host in
            let saved = try await host.dump()
            var demo = host.demo
            demo.holdfast.environment.merge(host.server.environment) { _, own in own }
            demo.holdfast.environment["PGDATABASE"] = host.database
            var command = "\(host.server.binaries)/\(program) | \(edit)"
            for part in name.split(separator: ".").dropFirst() {
                switch part {
                case "gz": command += " | gzip"
                case "zst": command += " | zstd -q"
                case "gpg":
                    command += " | gpg --batch -q --homedir ring --trust-model always -r \(demo.keys.owner.digits) -e"
                default: break
                }
            }
            try await demo.shell("\(command) > \(name)")
            try await host.psql(Shop.accident)
            try await body(host, saved, try await host.dump())
        }
    }

    @Test(arguments: ["shop.sql.gpg", "shop.sql.gz.gpg", "shop.sql.zst.gpg", "shop.sql.zst", "shop.sql"])
    func whatPgDumpWrote(name: String) async throws {
        try await withScript(name) { host, saved, spoilt in
            let restored = try await host.restore("archive", host.demo.path(name), "--database", "shop", "--json")
            expectDone(restored)
            #expect(try restored.json()["rows"].int == Shop.rows, "\(restored)")
            #expect(try await host.dump() == saved)
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            try await host.expectUntouched(spoilt)
        }
    }

    @Test func intoANewDatabase() async throws {
        try await withScript { host, saved, spoilt in
            let new = uniqueName("new")
            let restored = try await host.restore(
                "archive", host.demo.path("shop.sql.gpg"), "--database", "shop", "--into", new)
            expectDone(restored)
            #expect(try await host.server.digest(of: new) == saved)
            #expect(try await host.dump() == spoilt)
            try await host.server.psql("DROP DATABASE \(quotedName(new))")
            try await host.expectUntouched(spoilt)
        }
    }

    /// Each would run a program, leave the transaction, or go on after an error.
    @Test(arguments: [
        #"sed '/^COPY public.orders/i \\\\! touch ran'"#,
        #"sed '/^COPY public.orders/i \\\\copy customers TO PROGRAM '\''touch ran'\'''"#,
        "sed 's/^CREATE VIEW/SELECT 1 \\/ 0;\\n&/'", "sed '1000,$d'",
        "sed '/^COPY public.customers/,/^\\\\\\.$/d; s/^CREATE VIEW/COMMIT; SELECT broken;\\n&/'",
    ])
    func whatGoesWrongChangesNothing(edit: String) async throws {
        try await withScript(edit: edit) { host, _, spoilt in
            let outcome = try await host.restore(
                "archive", host.demo.path("shop.sql.gpg"), "--database", "shop", "--json")
            #expect(outcome.status == 1 || outcome.status == 4, "\(outcome)")
            #expect(try outcome.json()["error"]["code"].string != nil)
            #expect(!host.demo.has("ran"))
            try await host.expectUntouched(spoilt)
        }
    }

    @Test func aCutFileChangesNothing() async throws {
        try await withScript { host, _, spoilt in
            try await host.demo.shell("truncate -s -200 shop.sql.gpg")
            let outcome = try await host.restore(
                "archive", host.demo.path("shop.sql.gpg"), "--database", "shop", "--json")
            #expect(outcome.status == 1, "\(outcome)")
            try await host.expectUntouched(spoilt)
        }
    }

    @Test func ourOwnDumpByItself() async throws {
        try await withShop { host in
            let saved = try await host.dump()
            let point = try await host.backup()
            try await host.psql(Shop.accident)
            let spoilt = try await host.dump()
            let restored = try await host.restore("archive", host.file(point), "--database", "shop", "--json")
            expectDone(restored)
            #expect(try restored.json()["rows"].int == Shop.rows)
            #expect(try await host.dump() == saved)
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            try await host.expectUntouched(spoilt)

            let two = try await host.restore(
                "archive", host.file(point), host.file(point, "database.shop.globals.sql.zst.gpg"), "--database",
                "shop",
                "--json")
            #expect(two.status == 4 && two.output.contains("globals.sql.zst.gpg"), "\(two)")
            try await host.expectUntouched(spoilt)
        }
    }

    /// Of a script about all databases only the one's own section.
    @Test func whatPgDumpallWrote() async throws {
        try await withDemoHost { demo in
            try await withOwnPostgres { own in
                let server = own.server
                try await server.psql("CREATE DATABASE shop; CREATE DATABASE other")
                try await server.psql(Shop.sql, database: "shop")
                try await server.psql("CREATE TABLE t AS SELECT 1 AS n", database: "other")
                try demo.configure { $0.onlyDatabases([server.entry("shop", "shop"), server.entry("other", "other")]) }
                let saved = try await server.digest(of: "shop")
                var tools = demo
                tools.holdfast.environment.merge(server.environment) { _, own in own }
                try await tools.shell("\(server.binaries)/pg_dumpall | gzip > all.sql.gz")
                try await server.psql(Shop.accident, database: "shop")
                try await server.psql("INSERT INTO t VALUES (2)", database: "other")
                let restored = try await demo.restore(
                    "archive", demo.path("all.sql.gz"), "--database", "shop", "--json")
                expectDone(restored)
                #expect(try await server.digest(of: "shop") == saved)
                #expect(try await server.count("t", in: "other") == 2)
            }
        }
    }
}
