import Glibc
import Machine
import TestKit
import Testing

/// What `restore database` does and refuses; what is live is whole all the time.
@Suite(.enabled(if: RealPostgres.isAvailable, needsPostgres))
struct DatabaseRestoreTests {
    @Test func intoADatabaseThatIsNotThereYet() async throws {
        try await withShop { host in
            let first = try await host.dump()
            let point = try await host.backup()
            try await host.psql(Shop.accident)
            try await host.backup()
            let second = try await host.dump()
            let new = uniqueName("New \"shop\" ü")

            let refused = try await host.restore("database", "shop", "--into", host.database, "--json")
            try expectFailure(refused, 4, "recovery.database-exists", says: host.database, "--into")
            try await host.expectUntouched(second)

            let restored = try await host.restore("database", "shop", "--into", new, "--from", point, "--json")
            expectDone(restored)
            #expect(try restored.json()["database"].string == new && restored.json()["from"].string == point)
            #expect(try await host.server.digest(of: new) == first)
            #expect(try await host.dump() == second)
            #expect(try await host.copies() == [new])
            #expect(try restored.json()["undo"].string == nil, "it took nothing's place")
            try await host.server.psql("DROP DATABASE \(quotedName(new))")
            try await host.expectUntouched(second)

            // Without --from it is the newest.
            expectDone(try await host.restore("database", "shop", "--into", new))
            #expect(try await host.server.digest(of: new) == second)
            #expect(try await host.copies() == [new])
        }
    }

    @Test func namesThatCannotBeRestoredAreRefused() async throws {
        try await withShop { host in
            let point = try await host.backup()
            let before = try await host.dump()
            let cases: [([String], String, String)] = [
                (["shopp"], "recovery.no-such-database", "shop"),
                (["shopp", "--from", point], "recovery.no-such-database", "shop"),
                (["shop.globals"], "recovery.globals", "--globals"), (["../shop"], "recovery.bad-name", "show latest"),
                (["shop", "--from", "2001-01-01T000000Z"], "point.missing", point),
            ]
            for (arguments, code, word) in cases {
                let outcome = try await host.restore(["database"] + arguments + ["--json"])
                try expectFailure(outcome, 4, code, says: word)
            }
            try await host.expectUntouched(before)
        }
    }

    @Test func theSecondRestoreWaitsForTheFirst() async throws {
        try await withShop { host in
            let before = try await host.dump()
            try await host.backup()
            expectDone(try await host.restore("database", "shop"))
            let refused = try await host.restore("database", "shop", "--json")
            try expectFailure(
                refused, 4, "recovery.pending", says: "holdfast restore commit", "holdfast restore undo")
            expectDone(try await host.holdfast("restore", "commit", "--yes"))
            expectDone(try await host.restore("database", "shop"))
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            try await host.expectUntouched(before)
        }
    }

    @Test func aDatabaseThatWasDroppedComesBackAndGoesAgain() async throws {
        try await withShop { host in
            let before = try await host.dump()
            try await host.backup()
            try await host.server.psql("DROP DATABASE \(quotedName(host.database))")
            let dry = try await host.restore("database", "shop", "--dry-run", "--json")
            #expect(try dry.json()["keepsFormer"].bool == false, "\(dry)")
            expectDone(try await host.restore("database", "shop"))
            try await #require(host.server.databases(marked: host.mark) == [host.database])
            #expect(try await host.dump() == before)
            let undone = try await host.holdfast("restore", "undo", "--yes")
            expectDone(undone)
            #expect(undone.output.contains("there was none before"))
            #expect(try await host.server.databases(marked: host.mark) == [])
        }
    }

    @Test func clientsAreSentAwayAndMayComeBack() async throws {
        try await withShop { host in
            let before = try await host.dump()
            try await host.backup()
            try await host.psql(Shop.accident)
            // One that writes all the time and comes back when it is sent away, and one in the middle of a transaction.
            let client = CommandRunner(
                environment: host.server.environment.merging(["PGDATABASE": host.database]) { _, own in own })
            let stubborn = try client.start([
                "bash", "-c",
                "trap 'kill $!' TERM; while :; do psql -Xqc 'INSERT INTO orders (customer) VALUES (1)' -c 'SELECT pg_sleep(0.05)' >/dev/null 2>&1 & wait $!; done",
            ])
            let idle = try client.start([
                "psql", "-Xqc", "BEGIN; LOCK TABLE customers; SELECT pg_sleep(300)",
            ])
            defer {
                kill(-stubborn.pid, SIGKILL)
                kill(-idle.pid, SIGKILL)
            }
            try await eventually("both are connected") {
                try await host.server.psql(
                    "SELECT count(*) > 1 FROM pg_stat_activity WHERE datname = '\(host.database)'") == "t"
            }
            let restored = try await host.restore("database", "shop")
            expectDone(restored)
            let outcome = try await idle.wait()
            #expect(outcome.status != 0 && outcome.errors.contains("terminating connection"), "\(outcome)")
            try await eventually("the other writes into the restored one") {
                try await host.server.count("orders", in: host.database) > 500
            }
            kill(-stubborn.pid, SIGKILL)
            _ = try await stubborn.wait()
            try await host.psql("DELETE FROM orders WHERE id > 500; SELECT setval('orders_id_seq', 500)")
            #expect(try await host.dump() == before)
        }
    }

    @Test func withoutAYesNothingIsDone() async throws {
        try await withShop { host in
            let before = try await host.dump()
            try await host.backup()
            let outcome = try await host.holdfast("restore", "database", "shop", "--key", host.demo.privateKey)
            #expect(outcome.status == 4, "\(outcome)")
            try await host.expectUntouched(before)
        }
    }

    // MARK: - Roles

    @Test func rolesAreShownAndComeOnlyWhenAsked() async throws {
        try await withDemoHost { demo in
            try await withOwnPostgres { own in
                let server = own.server
                try await server.psql(
                    """
                    CREATE ROLE clerk LOGIN PASSWORD 'never to be seen'; CREATE ROLE staff; GRANT staff TO clerk;
                    CREATE ROLE bystander PASSWORD 'nor this'; CREATE DATABASE shop OWNER clerk;
                    """)
                try await server.psql(Shop.sql + "GRANT SELECT ON orders TO staff;", database: "shop")
                try demo.configure { $0.onlyDatabases([server.entry("shop", "shop")]) }
                try await demo.backup()
                let before = try await server.digest(of: "shop")
                try await server.psql("DROP DATABASE shop; DROP ROLE clerk, staff, bystander; CREATE ROLE newcomer")

                let dry = try await demo.restore("database", "shop", "--dry-run", "--json")
                #expect(dry.status == 4, "\(dry)")
                let shown = try dry.json()["globals"].all.compactMap(\.string)
                #expect(shown.contains("CREATE ROLE clerk") && shown.contains { $0.hasPrefix("GRANT staff TO clerk") })
                #expect(!shown.contains { $0 == "CREATE ROLE postgres" })

                let refused = try await demo.restore("database", "shop", "--json")
                try expectFailure(refused, 4, "database.prerequisites", says: "clerk", "staff", "--globals")
                #expect(try await server.psql("SELECT count(*) FROM pg_database WHERE NOT datistemplate") == "1")
                #expect(try await server.psql("SELECT count(*) FROM pg_roles WHERE rolname = 'bystander'") == "0")

                let restored = try await demo.restore("database", "shop", "--globals")
                expectDone(restored)
                #expect(try await server.digest(of: "shop") == before)
                let roles = "SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'"
                #expect(try await server.psql(roles) == "bystander,clerk,newcomer,postgres,staff")
                #expect(
                    try await server.psql("SELECT rolpassword LIKE 'SCRAM-%' FROM pg_authid WHERE rolname = 'clerk'")
                        == "t")
                for outcome in [dry, refused, restored] {
                    for secret in ["never to be seen", "nor this", "SCRAM-SHA"] {
                        #expect(!(outcome.output + outcome.errors).contains(secret))
                    }
                }
            }
        }
    }
}

/// A dump that is not the one that was saved changes nothing live.
@Suite(.enabled(if: RealPostgres.isAvailable, needsPostgres))
struct DatabaseDamageTests {
    private func expectRefused(
        _ host: ShopHost, _ damage: (_ first: String, _ second: String) async throws -> Void,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let first = try await host.backup()
        try await host.psql(Shop.accident)
        let second = try await host.backup()
        try await host.psql("DROP TABLE orders CASCADE")
        let live = try await host.dump()
        try await damage(first, second)
        let verified = try await host.holdfast("verify", "latest", "--deep", "--key", host.demo.privateKey)
        #expect(verified.status == 1, "\(verified)", sourceLocation: location)
        // Named, for one that was found damaged is not taken of holdfast's own accord.
        let outcome = try await host.restore("database", "shop", "--from", second, "--json")
        #expect(outcome.status == 1, "\(outcome)", sourceLocation: location)
        #expect(try outcome.json()["error"]["code"].string != nil, sourceLocation: location)
        try await host.expectUntouched(live, at: location)
    }

    @Test func anotherPointsDump() async throws {
        try await withShop { host in
            try await expectRefused(host) { first, second in
                try await host.demo.shell("cp \(host.file(first)) \(host.file(second))")
            }
        }
    }

    /// Not even where somebody mends the manifest: it is signed.
    @Test func anotherPointsDumpWithAManifestToMatch() async throws {
        try await withShop { host in
            try await expectRefused(host) { first, second in
                let folder = "\(host.demo.backups)/\(second)"
                try await host.demo.shell(
                    """
                    old=$(sha256sum <\(host.file(second)) | cut -c -64) size=$(stat -c %s \(host.file(second)))
                    cp \(host.file(first)) \(host.file(second))
                    new=$(sha256sum <\(host.file(second)) | cut -c -64)
                    sed -i "s/$old/$new/; s/\\b$size\\b/$(stat -c %s \(host.file(second)))/" \(folder)/manifest.json
                    """)
            }
        }
    }

    @Test(arguments: [
        "truncate -s -100", "truncate -s 0", "printf xxxx | dd conv=notrunc bs=1 seek=9000 status=none of=",
    ])
    func aSpoiltDump(spoil: String) async throws {
        try await withShop { host in
            try await expectRefused(host) { _, second in
                let command = spoil.hasSuffix("of=") ? spoil : spoil + " "
                try await host.demo.shell(command + host.file(second))
            }
        }
    }

    @Test func theWrongKey() async throws {
        try await withShop { host in
            try await host.backup()
            let before = try await host.dump()
            try host.demo.write("stick/other.asc", host.demo.keys.other.secret)
            let outcome = try await host.holdfast(
                "restore", "database", "shop", "--yes", "--key", "stick/other.asc", "--json")
            #expect(outcome.status == 1 || outcome.status == 4, "\(outcome)")
            #expect(try outcome.json()["error"]["code"].string == "openpgp.wrong-key", "\(outcome)")
            try await host.expectUntouched(before)
        }
    }
}
