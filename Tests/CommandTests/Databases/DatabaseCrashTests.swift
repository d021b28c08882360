import Glibc
import Machine
import TestKit
import Testing

/// Killed at any moment: the live database is the old one or the new one, whole, and the next command puts the rest right.
@Suite(.serialized, .enabled(if: RealPostgres.isAvailable, needsPostgres))
struct DatabaseCrashTests {
    private func resume(_ host: ShopHost, _ text: String) async throws {
        try await host.demo.resume(text)
        #expect(try host.demo.leftovers() == [], "\(text)")
    }

    @Test func aBackupThatIsKilled() async throws {
        try await withShop(Shop.sql + Shop.bulk(20_000)) { host in
            let before = try await host.dump()
            let began = monotonicSeconds()
            try await host.backup()
            let seconds = monotonicSeconds() - began
            var points = try host.demo.points()
            try await host.demo.kill(["backup"], seed: 31, times: 4, typically: seconds) { text in
                let now = try host.demo.points()
                #expect(Array(now.prefix(points.count)) == points, "\(text)")
                for new in now.dropFirst(points.count) {
                    let verified = try await host.holdfast("verify", new)
                    #expect(verified.status == 0, "\(text): \(verified)")
                }
                points = now
                try await resume(host, text)
            }
            // No session of ours, with its locks, outlives us.
            try await eventually("no session is left") {
                try await host.server.psql(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(host.database)'") == "0"
            }
            try await host.backup()
            try await host.expectUntouched(before)
        }
    }

    @Test func aRestoreThatIsKilled() async throws {
        try await withShop(Shop.sql + Shop.bulk(20_000)) { host in
            let new = try await host.dump()
            try await host.backup()
            try await host.psql(Shop.accident)
            let old = try await host.dump()
            let began = monotonicSeconds()
            expectDone(try await host.restore("database", "shop"))
            let seconds = monotonicSeconds() - began
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            let arguments = ["restore", "database", "shop", "--yes", "--key", host.demo.privateKey]
            try await host.demo.kill(arguments, seed: 37, times: 4, typically: seconds) { text in
                try await resume(host, text)
                let now = try await host.dump()
                #expect(now == old || now == new, "\(text)")
                if now == new {
                    let undone = try await host.holdfast("restore", "undo", "--yes")
                    #expect(undone.status == 0, "\(text): \(undone)")
                }
                try await host.expectUntouched(old, text)
            }
            expectDone(try await host.restore("database", "shop"))
            #expect(try await host.dump() == new)
        }
    }

    /// Also what another command than `resume` meets first.
    @Test(arguments: ["undo", "commit"])
    func anUndoAndACommitThatAreKilled(command: String) async throws {
        try await withShop { host in
            let new = try await host.dump()
            try await host.backup()
            var random = SeededRandom(seed: 41)
            for round in 0..<3 {
                let text = "\(command), round \(round)"
                try await host.psql("INSERT INTO customers VALUES (\(3000 + round), 'since then')")
                let old = try await host.dump()
                expectDone(try await host.restore("database", "shop"))
                let running = try host.holdfast.start([CommandRunner.binary, "restore", command, "--yes"])
                try await Task.sleep(for: .milliseconds(Int.random(in: 5...300, using: &random)))
                running.signal(SIGKILL)
                _ = try await running.wait()
                try await resume(host, text)
                let now = try await host.dump()
                #expect(now == new || command == "undo" && now == old, "\(text)")
                if !(try host.demo.names("state/restores").isEmpty) {
                    let committed = try await host.holdfast("restore", "commit", "--yes")
                    #expect(committed.status == 0, "\(text): \(committed)")
                }
                try await host.expectUntouched(now, text)
            }
        }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func aRestoreThatIsInterrupted(signal: Int32) async throws {
        try await withShop(Shop.sql + Shop.bulk(150_000)) { host in
            try await host.backup()
            try await host.psql(Shop.accident)
            let old = try await host.dump()
            let running = try host.holdfast.start([
                CommandRunner.binary, "restore", "database", "shop", "--yes", "--key", host.demo.privateKey,
            ])
            try await eventually("it is being loaded") { try await !host.copies().isEmpty }
            running.signal(signal)
            let outcome = try await running.wait()
            #expect(outcome.status == 128 + signal, "\(outcome)")
            try await host.expectUntouched(old)
            expectDone(try await host.restore("database", "shop"))
        }
    }
}
