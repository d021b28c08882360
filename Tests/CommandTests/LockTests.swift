import Glibc
import TestKit
import Testing

/// One at a time, and nothing to remove by hand.
@Suite struct LockTests {
    @Test func twoBackupsAtOnce() async throws {
        try await withDemoHost(.backedUp) { host in
            let held = try await host.holdingUpGPG(at: "--encrypt")
            let first = try held.holdfast.start([CommandRunner.binary, "backup"])
            try await host.untilGPGIsHeld()
            let before = try host.points()
            for command in [
                ["backup"], ["restore", "volume", "n8n_data", "--yes", "--key", host.privateKey],
                ["restore", "undo", "--yes"], ["resume"],
            ] {
                let second = try await host.holdfast.run([CommandRunner.binary] + command + ["--json"])
                try expectFailure(second, 75, "recovery.busy", says: "\(first.pid) backup")
            }
            // Those who only look are not kept waiting, and see nothing unfinished.
            for command in [["list"], ["verify", "--all"], ["show", "latest"]] {
                let looked = try await host.holdfast.run([CommandRunner.binary] + command)
                #expect(looked.status == 0, "\(looked)")
            }
            #expect(try host.points() == before)
            try host.letGPGGo()
            let outcome = try await first.wait()
            #expect(outcome.status == 0, "\(outcome)")
            #expect(try host.points().count == before.count + 1)
        }
    }

    @Test func theLockDiesWithItsProcess() async throws {
        try await withDemoHost(.backedUp) { host in
            let held = try await host.holdingUpGPG(at: "--encrypt")
            let first = try held.holdfast.start([CommandRunner.binary, "backup"])
            try await host.untilGPGIsHeld()
            first.signal(SIGKILL)
            #expect(try await first.wait().status == 137)
            #expect(try host.leftovers().count > 0)
            let next = try await host.holdfast("backup")
            #expect(next.status == 0, "\(next)")
            #expect(next.errors.contains("removed the unfinished point") && next.errors.contains("died before its end"))
            #expect(try host.leftovers() == [])
            try host.letGPGGo()
        }
    }

    @Test func onlyOurOwnUnfinishedPointsAreSwept() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.write("backups/2020-01-01T000000Z.partial/volume.x.tar.zst.gpg.partial", "x")
            try host.write("backups/somebody-else.partial", "precious")
            try host.write("backups/volumes-2025-12-08-120000.tar.gz.gpg", "precious")
            try await host.backup()
            #expect(!host.has("backups/2020-01-01T000000Z.partial"))
            #expect(host.has("backups/somebody-else.partial"))
            #expect(host.has("backups/volumes-2025-12-08-120000.tar.gz.gpg"))
        }
    }

    @Test func aNameThatIsTakenMovesOn() async throws {
        try await withDemoHost(.backedUp) { host in
            let taken = try await host.shell(
                "now=$(date +%s); for i in $(seq 0 30); do date -u -d @$((now + i)) +%Y-%m-%dT%H%M%SZ; done"
            )
            .split(separator: "\n").map(String.init)
            try await host.shell("cd backups; mkdir -p \(taken.joined(separator: " "))")
            let point = try await host.backup()
            #expect(!taken.contains(point))
            #expect(point > taken[taken.count - 1])
            #expect(try await host.holdfast("verify", point).status == 0)
        }
    }

    @Test func aClockThatWasSetBackBreaksNothing() async throws {
        try await withDemoHost { host in
            let ahead = try await host.withClock(offBy: 7200)
            let future = try await ahead.backup()
            try host.write("\(host.data())/config.json", "since then")
            let now = try await host.backup()
            #expect(now < future)
            let verified = try await host.holdfast("verify", "--all")
            #expect(verified.status == 0, "\(verified)")
            let again = try await host.backup()
            #expect(again > now && again < future)
            #expect(try await host.holdfast("verify", "--all").status == 0)
            #expect(try await host.holdfast("list").status == 0)
        }
    }

    @Test func aStateFolderThatOthersCanWriteIsRefused() async throws {
        try await withDemoHost { host in
            try await host.shell("chmod 777 state")
            let outcome = try await host.holdfast("backup", "--json")
            try expectFailure(outcome, 4, "recovery.unsafe-state", says: host.state, "chmod")
        }
    }
}
