import TestKit
import Testing

/// Backed up, verified, spoilt, restored: counts and text of the database are as before; undo and commit do what they say.
@Suite(.enabled(if: RealPostgres.isAvailable, needsPostgres))
struct DatabaseRoundTripTests {
    @Test func everyKindOfThingComesBack() async throws {
        try await withShop(PostgresSample.sql) { host in
            let before = try await host.dump()
            let point = try await host.backup()
            try await host.expectShown(point)
            try await host.psql(
                #"DELETE FROM "UPPER".same; DROP TABLE "quote""d.schema"."table.with ""all"" 'of' it" CASCADE; SELECT lo_unlink(424203)"#
            )
            let spoilt = try await host.dump()
            let restored = try await host.restore("database", "shop", "--json")
            expectDone(restored)
            let rows = PostgresSample.rows.reduce(0) { $0 + $1.rows }
            #expect(try restored.json()["rows"].int == rows)
            #expect(try await host.dump() == before)
            #expect(try await host.copies().count == 1)
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            try await host.expectUntouched(spoilt)
        }
    }

    @Test func restoreUndoRestoreCommit() async throws {
        try await withShop { host in
            let before = try await host.dump()
            try await host.backup()
            try await host.psql(Shop.accident)
            let spoilt = try await host.dump()

            let restored = try await host.restore("database", "shop", "--json")
            expectDone(restored)
            let report = try restored.json()
            #expect(report["tables"].int == Shop.tables && report["rows"].int == Shop.rows)
            #expect(report["database"].string == host.database)
            #expect(report["undo"].string != nil)
            #expect(try await host.dump() == before)

            let undone = try await host.holdfast("restore", "undo", "--yes")
            expectDone(undone)
            #expect(undone.errors.contains("is lost") && undone.output.contains("database.shop is back"), "\(undone)")
            try await host.expectUntouched(spoilt)

            expectDone(try await host.restore("database", "shop"))
            let former = try #require(try await host.copies().first)
            #expect(former.hasPrefix("holdfast_") && former.hasSuffix("_former"))
            expectDone(try await host.holdfast("restore", "commit", "--yes"))
            try await host.expectUntouched(before)
            try expectFailure(
                try await host.holdfast("restore", "undo", "--yes", "--json"), 4, "recovery.nothing-to-undo")
        }
    }

    @Test(arguments: [("gzip", ".gz"), ("none", ""), ("zstd:1", ".zst")])
    func everyCompressionComesBack(compression: String, suffix: String) async throws {
        try await withShop {
            $0.compression = compression
        } _: { host in
            let before = try await host.dump()
            let point = try await host.backup()
            #expect(host.demo.has(host.file(point, "database.shop.dump\(suffix).gpg")))
            #expect(host.demo.has(host.file(point, "database.shop.globals.sql\(suffix).gpg")))
            expectDone(try await host.holdfast("verify", "--deep", "--key", host.demo.privateKey))
            try await host.psql(Shop.accident)
            expectDone(try await host.restore("database", "shop"))
            #expect(try await host.dump() == before)
        }
    }

    @Test func besideVolumesAndFilesAlsoInASingleArchive() async throws {
        try await withShop {
            $0.include = ["*"]
            $0.files = [("compose", $0.directory.replacing("/backups", with: "/compose"))]
        } _: { host in
            let before = try await host.dump()
            let volume = try host.demo.snapshot(host.demo.data())
            let point = try await host.backup("--single-archive")
            expectDone(try await host.holdfast("verify", "--deep", "--key", host.demo.privateKey))
            let files = try host.demo.names("backups/\(point)").filter { $0.hasSuffix(".gpg") }
            #expect(
                files == [
                    "all.tar.zst.gpg", "database.shop.dump.zst.gpg", "database.shop.globals.sql.zst.gpg",
                    "private.json.zst.gpg",
                ])
            try await host.psql(Shop.accident)
            try host.demo.remove("volumes/n8n_data/_data")
            expectDone(try await host.restore("database", "shop"))
            expectDone(try await host.restore("volume", "n8n_data"))
            #expect(try await host.dump() == before)
            try expectSame(volume, host.demo.snapshot(host.demo.data()))
            // The last one first.
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            #expect(try await host.copies() == [])
            #expect(!host.demo.has("volumes/n8n_data/_data"))
        }
    }

    // MARK: - What is backed up

    @Test func onlyWhatIsNamedIsBackedUp() async throws {
        try await withShop {
            $0.include = ["web_data"]
        } _: { host in
            try await withDatabase(host.server) { other in
                try host.demo.configure { configuration in
                    configuration.onlyDatabases([
                        host.server.entry("shop", host.database), host.server.entry("other", other),
                    ])
                    configuration.include = ["web_data"]
                }
                let all = ["database.other", "database.other.globals", "database.shop", "database.shop.globals"]
                let cases: [([String], [String])] = [
                    ([], all + ["volume.web_data"]), (["databases"], all),
                    (["databases", "shop"], ["database.shop", "database.shop.globals"]),
                    (["other"], ["database.other", "database.other.globals"]), (["volumes"], ["volume.web_data"]),
                ]
                for (arguments, wanted) in cases {
                    let planned = try await host.holdfast.run(
                        [CommandRunner.binary, "backup", "--dry-run", "--json"] + arguments)
                    let items = try planned.json()["items"].all.compactMap { $0["item"].string }
                    // Naming an entry is enough, or every item of it is named by itself.
                    #expect(items.sorted() == wanted, "\(arguments): \(planned)")
                }
                #expect(try host.demo.points() == [])
                let made = try await host.holdfast("backup", "databases", "shop", "--json")
                expectDone(made)
                #expect(try made.json()["items"].all.count == 2)
                let unknown = try await host.holdfast("backup", "databases", "shopp", "--json")
                try expectFailure(unknown, 4, "recovery.unknown-name", says: "shopp", "shop", "other")
            }
        }
    }

    @Test func aDryRunMakesNothing() async throws {
        try await withShop { host in
            let before = try await host.dump()
            let places = ["backups", "state"]
            let snapshots = try places.map { try host.demo.snapshot($0) }
            let planned = try await host.holdfast("backup", "--dry-run")
            expectDone(planned)
            #expect(planned.output.contains("database.shop") && planned.output.contains("Nothing was done."))
            for (place, former) in zip(places, snapshots) { try expectSame(former, host.demo.snapshot(place), place) }
            try await host.backup()
            try await host.psql(Shop.accident)
            let spoilt = try await host.dump()
            let restored = try await host.restore("database", "shop", "--dry-run", "--json")
            expectDone(restored)
            let plan = try restored.json()
            #expect(plan["tables"].int == Shop.tables && plan["rows"].int == Shop.rows)
            #expect(plan["keepsFormer"].bool == true && plan["database"].string == host.database)
            try await host.expectUntouched(spoilt)
            #expect(before != spoilt)
        }
    }
}

extension ShopHost {
    /// `list`, `show` and `verify` know the database as they know volumes.
    fileprivate func expectShown(_ point: String) async throws {
        let shown = try await holdfast("show", "latest", "--json")
        let record = item("database.shop", in: try shown.json())
        #expect(record["outcome"].string == "whole" && record["archive"].string == "database.shop.dump.zst.gpg")
        #expect(record["entries"].int == PostgresSample.rows.count)
        let globals = item("database.shop.globals", in: try shown.json())
        #expect(globals["outcome"].string == "whole" && (globals["entries"].int ?? 0) > 0)
        #expect(try await holdfast("show", point).output.contains("database.shop.globals"))

        let listed = try await holdfast("list", "--json")
        #expect(try listed.json()[0]["items"]["database.shop"].string == "whole", "\(listed)")
        #expect(try await holdfast("list").output.contains("2 of 2 items whole"))

        expectDone(try await holdfast("verify", point))
        let deep = try await holdfast("verify", "--deep", "--key", demo.privateKey, "--json")
        expectDone(deep)
        #expect(deep.output.contains("rows counted again") && deep.output.contains("pg_restore --list agrees"))
        // Nobody but the owner of the key is to know what is in it.
        let manifest = try demo.read("backups/\(point)/manifest.json")
        for word in [database, "customers", "UPPER", "hf_reader", server.socketFolder] {
            #expect(!manifest.contains(word))
        }
    }
}
