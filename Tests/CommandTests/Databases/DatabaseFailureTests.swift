import Docker
import Glibc
import Machine
import TestKit
import Testing

/// HAZARDS: a dead `pg_dump` behind a pipe, an empty dump under a good name. Whatever is wrong with a server, its items have
/// failed and say why, and the others are whole.
@Suite(.enabled(if: RealPostgres.isAvailable, needsPostgres))
struct DatabaseFailureTests {
    /// Backs up and expects that `database.shop` failed and the files did not; `check` says the same.
    private func expectItemFails(
        _ demo: DemoHost, _ code: String, says words: String..., isSeenByCheck: Bool = true,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await demo.holdfast("backup", "--json")
        try expect(outcome, demo, code, words, at: location)
        let check = try await demo.holdfast("check", "--json")
        let finding = try check.json()["findings"].all.first { $0["subject"].string == "database shop" }
        #expect(check.status == (isSeenByCheck ? 1 : 0), "\(check)", sourceLocation: location)
        #expect(finding?["level"].string == (isSeenByCheck ? "fail" : "ok"), "\(check)", sourceLocation: location)
        guard isSeenByCheck else { return }
        for word in words {
            #expect(check.output.contains(word), "“\(word)” is missing: \(check)", sourceLocation: location)
        }
    }

    private func expect(
        _ outcome: CommandRunner.Outcome, _ demo: DemoHost, _ code: String, _ words: [String],
        at location: SourceLocation
    ) throws {
        #expect(outcome.status == 3, "\(outcome)", sourceLocation: location)
        let result = try outcome.json()
        #expect(result["outcome"].string == "incomplete", sourceLocation: location)
        #expect(item("files.compose", in: result)["outcome"].string == "whole", sourceLocation: location)
        let failed = item("database.shop", in: result)
        #expect(failed["outcome"].string == "failed" && failed["archive"] == .null, sourceLocation: location)
        #expect(failed["error"].string == code, "\(outcome)", sourceLocation: location)
        let text = result["problems"]["database.shop"].string ?? ""
        for word in words { #expect(text.contains(word), "“\(word)” is missing: \(text)", sourceLocation: location) }
        let point = try #require(result["point"].string, sourceLocation: location)
        let files = try demo.names("backups/\(point)")
        #expect(!files.contains { $0.hasPrefix("database.shop.dump") }, sourceLocation: location)
        #expect(try demo.leftovers() == [], sourceLocation: location)
        #expect(!(try demo.read("backups/\(point)/manifest.json").contains("psql")), sourceLocation: location)
    }

    private func configure(_ demo: DemoHost, _ entry: String, socket: String? = nil) throws {
        try demo.configure { configuration in
            (configuration.include, configuration.databases) = ([], [entry])
            if let socket { configuration.dockerSocket = socket }
        }
    }

    @Test func theServerIsDown() async throws {
        try await withDemoHost { demo in
            try await withOwnPostgres { own in
                try await own.server.psql("CREATE DATABASE shop")
                try configure(demo, own.server.entry("shop", "shop"))
                try await demo.backup()
                let before = try demo.points()
                try await own.stop()
                try await expectItemFails(
                    demo, "database.unreachable", says: own.server.socketFolder, "No such file or directory",
                    "container, url, user, database and password_file")
                #expect(try demo.points().dropLast() == before[...])
                // The point that has it is taken; but there is nothing to restore to.
                let restored = try await demo.restore("database", "shop", "--json")
                try expectFailure(restored, 1, "database.unreachable")
                try await own.start()
                try await demo.backup()
            }
        }
    }

    @Test func theServerIsKilledInTheMiddle() async throws {
        try await withDemoHost { demo in
            try await withOwnPostgres { own in
                try await own.server.psql("CREATE DATABASE shop")
                try await own.server.psql(Shop.bulk(400_000), database: "shop")
                try configure(demo, own.server.entry("shop", "shop"))
                let running = try demo.holdfast.start([CommandRunner.binary, "backup", "--json"])
                let isDumping =
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND state = 'active' AND query LIKE '%COPY%' AND pid <> pg_backend_pid()"
                try await eventually("it is being dumped") { try await own.server.psql(isDumping) == "1" }
                // Until it goes on, nobody reads what comes.
                running.signal(SIGSTOP)
                #expect(try await own.server.psql(isDumping) == "1")
                try await own.kill()
                running.signal(SIGCONT)
                let outcome = try await running.wait()
                #expect(outcome.status == 3, "\(outcome)")
                let result = try outcome.json()
                #expect(item("files.compose", in: result)["outcome"].string == "whole")
                #expect(item("database.shop", in: result)["outcome"].string == "failed")
                let point = try #require(result["point"].string)
                #expect(!demo.has("backups/\(point)/database.shop.dump.zst.gpg"))
                #expect(try demo.leftovers() == [])
                expectDone(try await demo.holdfast("verify", point))
                try await own.start()
                try await demo.backup()
            }
        }
    }

    @Test func thePasswordIsWrong() async throws {
        try await withShop { host in
            let demo = host.demo
            try demo.write("password", "not the one\n")
            try configure(
                demo,
                "{ name: shop, engine: postgres, url: \(yaml(host.server.url(host.database))), password_file: \(demo.path("password")) }"
            )
            try await expectItemFails(
                demo, "database.unreachable", says: "127.0.0.1:\(host.server.port)", "password authentication failed")
            try demo.write("password", host.server.password + "\n", mode: 0o644)
            try await expectItemFails(demo, "recovery.password-file", says: "chmod 600")
            try demo.remove("password")
            try await expectItemFails(demo, "machine.missing", says: demo.path("password"))
            try demo.write("password", host.server.password)
            try await demo.backup()
        }
    }

    @Test func theDatabaseIsNotThere() async throws {
        try await withShop { host in
            try configure(host.demo, host.server.entry("shop", "no such shop"))
            try await expectItemFails(
                host.demo, "database.no-such-database", says: "“no such shop”", host.database,
                isSeenByCheck: true)
        }
    }

    @Test func aTableMayNotBeRead() async throws {
        try await withShop { host in
            let role = uniqueName("Clerk")
            try await host.server.psql("CREATE ROLE \(quotedName(role)) LOGIN")
            do {
                try await host.psql("GRANT SELECT ON customers, \"Empty One\" TO \(quotedName(role))")
                try configure(
                    host.demo,
                    host.server.entry("shop", host.database, more: ", user: \(role)").replacing("postgres@", with: ""))
                try await expectItemFails(
                    host.demo, "database.permission", says: "orders", "pg_read_all_data", isSeenByCheck: false)
            } catch {
                _ = try? await host.server.psql(
                    "DROP DATABASE \(quotedName(host.database)); DROP ROLE \(quotedName(role))")
                throw error
            }
            try await host.server.psql("DROP DATABASE \(quotedName(host.database)); DROP ROLE \(quotedName(role))")
        }
    }

    @Test func aLockThatLasts() async throws {
        try await withShop { host in
            try configure(host.demo, host.server.entry("shop", host.database, more: ", lock_timeout: 1s"))
            let client = CommandRunner(
                environment: host.server.environment.merging(["PGDATABASE": host.database]) { _, own in own })
            let holder = try client.start([
                "psql", "-Xqc", "BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(300)",
            ])
            defer { kill(holder.pid, SIGKILL) }
            try await eventually("the lock is held") {
                try await host.server.psql(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(host.database)' AND wait_event = 'PgSleep'"
                ) == "1"
            }
            let began = monotonicSeconds()
            try await expectItemFails(
                host.demo, "database.lock-timeout", says: "pg_stat_activity", "lock_timeout", isSeenByCheck: false)
            #expect(monotonicSeconds() - began < 60)
        }
    }

    // MARK: - Containers

    @Test(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
    func theContainerIsNotThereOrStopped() async throws {
        try await withDemoHost { demo in
            try await withEngine { engine in
                let name = uniqueName("postgres")
                let entry = "{ name: shop, engine: postgres, container: \(name), database: shop }"
                try configure(demo, entry, socket: engine.socket)
                try await expectItemFails(demo, "recovery.database-container", says: "no such container", "`container`")
                let plan: (inout ContainerPlan) -> Void = { plan in
                    plan.isStarted = false
                    plan.image = RealPostgres.image
                }
                try await withContainer(engine, name: name, plan) { _ in
                    try await expectItemFails(
                        demo, "recovery.database-container", says: "does not run", "docker start", name)
                }
                // It runs, but nothing in it is a server.
                try await withContainer(engine, name: name) { _ in
                    try await expectItemFails(demo, "database.no-tools", says: name, "the container that the server")
                }
            }
        }
    }
}
