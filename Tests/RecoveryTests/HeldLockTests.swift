import Glibc
import Machine
import Recovery
import TestKit
import Testing

struct HeldLockTests {
    @Test func secondOneIsTurnedAwayAndToldWho() async throws {
        try await withTestSite { host in
            let (lock, _) = try await host.lock("backup")
            let error = await #expect(throws: RecoveryError.self) { _ = try await host.lock("restore") }
            #expect(error?.code == "recovery.busy")
            #expect(error?.what == "Another holdfast is at work: \(getpid()) backup.")
            lock.release()
            let (again, _) = try await host.lock("restore")
            #expect(try host.read("state/lock") == "\(getpid()) restore\n")
            again.release()
        }
    }

    /// What is unfinished belongs to whoever holds the lock: others leave it alone.
    @Test func nothingIsTouchedWithoutTheLock() async throws {
        try await withTestSite { host in
            let (lock, _) = try await host.lock("backup")
            try host.make("volumes/a/.holdfast-staging", holding: "being made")
            _ = try lock.journal.owe(.remove(folder: host.volumes + "/a", name: ".holdfast-staging"))
            let run = try RunRecord.begin("backup", at: TestSite.now, in: host.state).run
            try host.make("backups/2025-12-21T030000Z.partial", holding: "being made")
            await #expect(throws: RecoveryError.self) { _ = try await host.lock("resume") }
            #expect(host.text("volumes/a/.holdfast-staging") == "being made")
            #expect(host.text("backups/2025-12-21T030000Z.partial") == "being made")
            #expect(try host.read("state/runs/\(run).json").contains("running"))
            lock.release()
        }
    }
}
