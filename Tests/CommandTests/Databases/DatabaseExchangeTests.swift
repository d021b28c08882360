import Glibc
import Machine
import TestKit
import Testing

/// The moments around the exchange, one by one: the server is made to wait there.
@Suite(.serialized, .enabled(if: RealPostgres.isAvailable, needsPostgres))
struct DatabaseExchangeTests {
    /// A host with a server of its own, on which a restore stands still before it exchanges the names.
    private func withHeldExchange(
        _ body: (_ demo: DemoHost, _ own: OwnPostgres, _ restore: Running, _ barrier: Running) async throws -> Void
    ) async throws {
        try await withDemoHost { demo in
            try await withOwnPostgres { own in
                let server = own.server
                let restore = try await beginRestore(demo, server)
                // It cannot be renamed while this is held.
                let barrier = try CommandRunner(environment: server.environment).start([
                    "psql", "-Xqc",
                    "BEGIN; SELECT FROM pg_database WHERE datname = 'shop' FOR UPDATE; SELECT pg_sleep(300)",
                ])
                do {
                    try await eventually("the names are about to be exchanged") {
                        try await server.psql(
                            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%RENAME TO%' AND wait_event_type = 'Lock'"
                        ) == "1"
                    }
                    try await body(demo, own, restore, barrier)
                } catch {
                    barrier.signal(SIGKILL)
                    restore.signal(SIGKILL)
                    throw error
                }
            }
        }
    }

    /// Backs a database up, spoils it, and begins to restore it; returns while that is being loaded.
    private func beginRestore(_ demo: DemoHost, _ server: PostgresServer) async throws -> Running {
        try await server.psql("CREATE DATABASE shop")
        try await server.psql(Shop.sql + Shop.bulk(100_000), database: "shop")
        try demo.configure { $0.onlyDatabases([server.entry("shop", "shop")]) }
        try await demo.backup()
        try await server.psql("DELETE FROM orders", database: "shop")
        let restore = try demo.holdfast.start([
            CommandRunner.binary, "restore", "database", "shop", "--yes", "--key", demo.privateKey,
        ])
        try await eventually("it is being loaded") { try await restored(server).count == 1 }
        return restore
    }

    private func restored(_ server: PostgresServer) async throws -> [String] {
        try await server.psql("SELECT datname FROM pg_database WHERE datname LIKE 'holdfast%' ORDER BY 1")
            .split(separator: "\n").map(String.init)
    }

    private func open(_ barrier: Running, _ server: PostgresServer) async throws {
        _ = try? await server.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)' AND pid <> pg_backend_pid()"
        )
        barrier.signal(SIGKILL)
        _ = try await barrier.wait()
    }

    private func expectOld(_ demo: DemoHost, _ server: PostgresServer) async throws {
        #expect(try await server.count("orders", in: "shop") == 0)
        #expect(try await restored(server) == [])
        #expect(try demo.journal == "" && demo.names("state/restores") == [])
    }

    @Test func killedRightBeforeTheExchange() async throws {
        try await withHeldExchange { demo, own, restore, barrier in
            restore.signal(SIGKILL)
            _ = try await restore.wait()
            try await open(barrier, own.server)
            // Its psql was told already, and may still do it.
            expectDone(try await demo.holdfast("resume"))
            if try await own.server.count("orders", in: "shop") > 0 {
                #expect(try await restored(own.server).count == 1)
                expectDone(try await demo.holdfast("restore", "undo", "--yes"))
            }
            try await expectOld(demo, own.server)
            try await demo.backup()
        }
    }

    @Test func killedRightAfterTheExchange() async throws {
        try await withHeldExchange { demo, own, restore, barrier in
            restore.signal(SIGSTOP)
            try await open(barrier, own.server)
            try await eventually("the names are exchanged") {
                try await restored(own.server).contains { $0.hasSuffix("_former") }
            }
            restore.signal(SIGKILL)
            _ = try await restore.wait()
            #expect(try await own.server.count("orders", in: "shop") == 500)
            // The next command that takes the lock does as `resume` does.
            try await demo.backup()
            #expect(try await own.server.count("orders", in: "shop") == 500)
            let undone = try await demo.holdfast("restore", "undo", "--yes")
            expectDone(undone)
            try await expectOld(demo, own.server)
        }
    }

    @Test func interruptedInTheMiddleOfTheExchange() async throws {
        try await withHeldExchange { demo, own, restore, barrier in
            restore.signal(SIGINT)
            try await Task.sleep(for: .milliseconds(300))
            try await open(barrier, own.server)
            let outcome = try await restore.wait()
            #expect(outcome.status == 130, "\(outcome)")
            let isOld = try await own.server.count("orders", in: "shop") == 0
            if !isOld { expectDone(try await demo.holdfast("restore", "undo", "--yes")) }
            try await expectOld(demo, own.server)
        }
    }

    @Test func theServerIsKilledBeforeTheExchange() async throws {
        try await withHeldExchange { demo, own, restore, barrier in
            try await own.kill()
            let outcome = try await restore.wait()
            _ = try await barrier.wait()
            #expect(outcome.status == 1, "\(outcome)")
            // Not there yet: nothing is forgotten.
            let early = try await demo.holdfast("resume")
            #expect(early.status == 3, "\(early)")
            try await own.start()
            expectDone(try await demo.holdfast("resume"))
            try await expectOld(demo, own.server)
            expectDone(try await demo.restore("database", "shop"))
            #expect(try await own.server.count("orders", in: "shop") == 500)
        }
    }

    @Test func theServerIsKilledWhileItIsLoaded() async throws {
        try await withDemoHost { demo in
            try await withOwnPostgres { own in
                let server = own.server
                let restore = try await beginRestore(demo, server)
                try await own.kill()
                let outcome = try await restore.wait()
                #expect(outcome.status == 1, "\(outcome)")
                try await own.start()
                expectDone(try await demo.holdfast("resume"))
                try await expectOld(demo, server)
            }
        }
    }
}
