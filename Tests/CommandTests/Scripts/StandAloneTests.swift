import Glibc
import TestKit
import Testing

/// `backup … --to FILE`: one file that stock tools open, whole under its name or not there at all.
@Suite struct StandAloneTests {
    @Test(arguments: [(".tar.gz.gpg", "gzip -d"), (".tar.zst.gpg", "zstd -d")])
    func tarOpensIt(suffix: String, decompressor: String) async throws {
        try await withDemoHost { host in
            try await host.shell(
                """
                cd volumes/n8n_data/_data; ln config.json hard; ln -s config.json soft; truncate -s 50M sparse
                setfattr -n user.note -v kept config.json; setfacl -m u:1234:r config.json; chmod 711 ../../n8n_data
                """)
            let file = host.path("all" + suffix)
            let outcome = try await host.holdfast("backup", "volumes", "--to", file, "--json")
            expectDone(outcome)
            let result = try outcome.json()
            #expect(result["outcome"].string == "complete" && result["file"].string == file)
            #expect(result["items"].all.map { $0["item"].string } == ["volume.n8n_data", "volume.web_data"])
            try await host.withOwner {
                try await host.shell(
                    """
                    gpg -q -d all\(suffix) | \(decompressor) > all.tar; mkdir out
                    tar -xp --numeric-owner --acls --xattrs --xattrs-include='*' -C out -f all.tar
                    """)
            }
            for volume in ["n8n_data", "web_data"] {
                try expectSame(host.snapshot("volumes/\(volume)"), host.snapshot("out/\(volume)"))
            }
            #expect(try host.names("out") == ["n8n_data", "web_data"])
            #expect(try host.points() == [] && host.leftovers() == [] && host.journal == "")
            let records = try host.names("state/runs").map { try host.read("state/runs/\($0)") }
            #expect(records.count == 1 && records[0].contains("\"complete\"") && records[0].contains(file))
        }
    }

    @Test(arguments: [
        "x.tar.gz", "x.tar", "x.tgz.gpg", "x.sql.gpg", ".tar.gz.gpg", "x.tar.gpg", "nowhere/x.tar.gz.gpg",
    ])
    func namesThatAreRefused(name: String) async throws {
        try await withDemoHost { host in
            let before = try host.find()
            let outcome = try await host.holdfast("backup", "volumes", "--to", host.path(name), "--json")
            #expect(outcome.status == 4, "\(outcome)")
            #expect(try outcome.json()["error"]["remedy"].string?.isEmpty == false)
            #expect(try host.find() == before)
        }
    }

    @Test func aNameThatIsTakenIsNeverOverwritten() async throws {
        try await withDemoHost { host in
            try host.write("x.tar.gz.gpg", "precious")
            let outcome = try await host.holdfast("backup", "volumes", "--to", host.path("x.tar.gz.gpg"), "--json")
            try expectFailure(outcome, 4, "recovery.file-taken", says: "x.tar.gz.gpg")
            #expect(try host.read("x.tar.gz.gpg") == "precious")
        }
    }

    /// Nor is what has the name of the unfinished file: of ours, none is left by now.
    @Test func whatStandsInTheWayIsNobodysToRemove() async throws {
        try await withDemoHost { host in
            try host.write("x.tar.gz.gpg.partial", "precious")
            let outcome = try await host.holdfast("backup", "volumes", "--to", host.path("x.tar.gz.gpg"), "--json")
            try expectFailure(outcome, 4, "recovery.file-taken", says: "x.tar.gz.gpg.partial")
            #expect(try host.read("x.tar.gz.gpg.partial") == "precious" && host.journal == "")
            #expect(!host.has("x.tar.gz.gpg"))
        }
    }

    @Test func oneItemThatFailsIsNoFile() async throws {
        try await withDemoHost { host in
            try await host.shell("mkdir -p volumes/empty/_data")
            let outcome = try await host.holdfast("backup", "volumes", "--to", host.path("x.tar.gz.gpg"), "--json")
            #expect(outcome.status == 1, "\(outcome)")
            #expect(try outcome.json()["problems"]["volume.empty"].string?.contains("empty") == true, "\(outcome)")
            #expect(!host.has("x.tar.gz.gpg"))
            #expect(try host.leftovers() == [] && host.journal == "")
            #expect(try host.read("state/runs/\(host.names("state/runs")[0])").contains("\"failed\""))
            expectDone(try await host.holdfast("backup", "volumes", "web_data", "--to", host.path("x.tar.gz.gpg")))
        }
    }

    /// A plain archive has no place to say that it is torn.
    @Test func whatIsTornIsNoFile() async throws {
        try await withDemoHost { host in
            try await host.shell(
                "mkdir volumes/shrinking; ln -s /sys/devices/virtual/net/lo/statistics volumes/shrinking/_data")
            let outcome = try await host.holdfast("backup", "volumes", "--to", host.path("x.tar.gz.gpg"), "--json")
            #expect(outcome.status == 1, "\(outcome)")
            #expect(outcome.errors.contains("reading it once more"))
            #expect(
                try outcome.json()["problems"]["volume.shrinking"].string?.contains("shrank or vanished") == true,
                "\(outcome)")
            #expect(!host.has("x.tar.gz.gpg"))
            #expect(try host.leftovers() == [])
        }
    }

    @Test func nothingIsMadeOnADryRun() async throws {
        try await withDemoHost { host in
            let before = try host.find()
            let outcome = try await host.holdfast("backup", "volumes", "--to", host.path("x.tar.gz.gpg"), "--dry-run")
            expectDone(outcome)
            #expect(outcome.output.contains("x.tar.gz.gpg") && outcome.output.contains("volume.n8n_data"))
            #expect(try host.find() == before)
        }
    }

    @Test func whatAKilledRunLeftIsSwept() async throws {
        try await withDemoHost { host in
            let held = try await host.holdingUpGPG(at: "--encrypt")
            let running = try held.holdfast.start(
                [CommandRunner.binary, "backup", "volumes", "--to", host.path("x.tar.gz.gpg")])
            try await host.untilGPGIsHeld()
            running.signal(SIGKILL)
            _ = try await running.wait()
            try host.letGPGGo()
            #expect(host.has("x.tar.gz.gpg.partial") && !host.has("x.tar.gz.gpg"))
            try await host.resume("killed")
            #expect(try host.leftovers() == [] && !host.has("x.tar.gz.gpg"))
        }
    }
}

/// The same with a database: SQL that stock psql loads.
@Suite(.enabled(if: RealPostgres.isAvailable, needsPostgres))
struct StandAloneDatabaseTests {
    @Test(arguments: [(".sql.gpg", "cat"), (".sql.gz.gpg", "gzip -d"), (".sql.zst.gpg", "zstd -d")])
    func psqlLoadsIt(suffix: String, decompressor: String) async throws {
        try await withShop(PostgresSample.sql) { host in
            let before = try await host.dump()
            let file = host.demo.path("shop" + suffix)
            let outcome = try await host.holdfast("backup", "databases", "--to", file, "--json")
            expectDone(outcome)
            #expect(item("database.shop", in: try outcome.json())["outcome"].string == "whole", "\(outcome)")
            let new = uniqueName("by hand")
            try await withDatabase(host.server, name: new) { _ in
                var demo = host.demo
                demo.holdfast.environment.merge(host.server.environment) { _, own in own }
                try await demo.withOwner {
                    try await demo.shell(
                        "gpg -q -d shop\(suffix) | \(decompressor) | \(host.server.binaries)/psql -X -q -v ON_ERROR_STOP=1 -d '\(new)'"
                    )
                }
                #expect(try await host.server.digest(of: new) == before)
            }
            expectDone(try await host.holdfast("verify", file, "--deep", "--key", host.demo.privateKey))
        }
    }

    @Test func oneFileIsOneDatabase() async throws {
        try await withShop { host in
            try await withDatabase(host.server) { other in
                try host.demo.configure {
                    $0.onlyDatabases([
                        "{ name: db, engine: postgres, url: \(yaml(host.server.socketURL)), database: [\(yaml(host.database)), \(yaml(other))] }"
                    ])
                }
                let file = host.demo.path("x.sql.gpg")
                let outcome = try await host.holdfast("backup", "databases", "--to", file, "--json")
                try expectFailure(outcome, 4, "recovery.several-databases", says: "db.\(host.database)", "db.\(other)")
                expectDone(try await host.holdfast("backup", "databases", "db.\(other)", "--to", file))
            }
        }
    }

    /// Every server has one called `postgres` for its administration.
    @Test func theServersOwnDatabaseHasToBeNamed() async throws {
        try await withShop { host in
            try host.demo.configure {
                $0.onlyDatabases([
                    "{ name: db, engine: postgres, url: \(yaml(host.server.socketURL)), database: [\(yaml(host.database)), postgres] }"
                ])
            }
            let outcome = try await host.holdfast(
                "backup", "databases", "--to", host.demo.path("x.sql.gpg"), "--json")
            expectDone(outcome)
            #expect(outcome.errors.contains("database.db.postgres is not in this file"), "\(outcome)")
            #expect(try outcome.json()["items"].all.map { $0["item"].string } == ["database.db.\(host.database)"])
        }
    }
}
