import Glibc
import Machine
import TestKit
import Testing

/// HAZARDS.md, “Keeping”: each of its rows, through the program.
@Suite struct PruneHazardTests {
    /// Retention by mtime: a copied or touched file changes age.
    @Test func ageIsReadFromTheManifestNotFromMtime() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let points = try await host.backUp(on: -4 ... -1)
            try host.keep("keep_last: 2")
            // The oldest look newest, and the newest as if nobody had touched them for years.
            try await host.shell(
                """
                find backups/\(points[0]) backups/\(points[1]) | xargs touch -d '2040-01-01'
                find backups/\(points[2]) backups/\(points[3]) | xargs touch -d '2001-01-01'
                """)
            #expect(try await host.prune().removed == [points[0], points[1]])
            #expect(try host.points() == [points[2], points[3]])
        }
    }

    /// Retention deletes the last good ones while new ones fail: an item that fails every night.
    @Test func theLastGoodCopyStaysWhileNewOnesFail() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let good = try await host.backUp(on: -9 ... -8)
            let content = try host.snapshot(host.data())
            try host.remove("volumes/n8n_data/_data/config.json")
            try host.remove("volumes/n8n_data/_data/nodes")
            try host.keep("keep_last: 2")
            for day in -6 ... -1 {
                let outcome = try await host.on(day: day).holdfast("backup", "--json")
                #expect(outcome.status == 3, "\(outcome)")
                try await host.on(day: day).prune()
            }
            // Incomplete runs do not stop it; what they saved goes by its age, what failed holds nothing.
            #expect(try host.points().count == 4)
            #expect(Array(try host.points().prefix(2)) == good)
            #expect(try await host.restore("volume", "n8n_data", "--from", good[1]).status == 0)
            try expectSame(content, host.snapshot(host.data()))
        }
    }

    /// … and a backup that fails as a whole.
    @Test func nothingIsRemovedAfterABackupThatFailed() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let points = try await host.backUp(on: -5 ... -1)
            try host.keep("keep_last: 1") {
                $0.files = [("gone", "/nowhere/at/all")]
                $0.include = ["none"]
            }
            #expect(try await host.holdfast("backup").status == 1)
            let outcome = try await host.holdfast("prune", "--json")
            try expectFailure(outcome, 4, "recovery.backup-failed", says: "failed", "--after-failure")
            #expect(try host.points() == points)
            let dry = try await host.holdfast("prune", "--dry-run")
            #expect(dry.status == 4 && dry.output.contains("It would be refused: The newest backup"), "\(dry)")
            // Where the disk is full because nothing was removed, a person can.
            #expect(try await host.prune("--after-failure").removed == Array(points.dropLast()))
        }
    }

    /// … and one that was killed, as a power cut does it.
    @Test func nothingIsRemovedAfterABackupThatDied() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.keep("keep_last: 1")
            let held = try await host.holdingUpGPG(at: "--encrypt")
            let running = try held.holdfast.start([CommandRunner.binary, "backup"])
            try await host.untilGPGIsHeld()
            running.signal(SIGKILL)
            _ = try await running.wait()
            try host.letGPGGo()
            let points = try host.points()
            try expectFailure(try await host.holdfast("prune", "--json"), 4, "recovery.backup-failed", says: "died")
            #expect(try host.points() == points)
            try await host.backup()
            #expect(try await host.prune().removed == points)
        }
    }

    /// A copy of which a file is gone is none: it must not stand in for one that is there.
    @Test func aCopyWhoseFileIsGoneCountsForNothing() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let points = try await host.backUp(on: -3 ... -1)
            try host.keep("keep_last: 1")
            unlink(host.archive(of: points[2]))
            let report = try await host.prune()
            #expect(report.removed == [points[0]])
            #expect(report.reasons("volume.n8n_data", in: points[1]) == ["newest whole copy", "the newest"])
        }
    }

    /// A sudden shrink is retained as success.
    @Test func aSuddenDropStopsItUntilAPersonAccepts() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            try await host.shell("for i in $(seq 200); do echo $i > \(host.data())/$i; done")
            var points = try await host.backUp(on: -6 ... -3)
            try await host.shell("rm \(host.data())/*[0-9]")
            try host.keep("keep_last: 1")
            // Also if it was not pruned on the day of the drop.
            points += try await host.backUp(on: -2 ... -1)
            let before = try Possessions(of: host)
            let refused = try await host.holdfast("prune", "--json")
            try expectFailure(
                refused, 4, "recovery.sudden-drop", says: "volume.n8n_data had 205 entries", "and 5 entries", points[3],
                points[4], "--accept-drop volume.n8n_data")
            try await before.expectUntouched(host)
            try expectFailure(
                try await host.holdfast("prune", "--accept-drop", "volume.web_data", "--json"), 4,
                "recovery.sudden-drop", says: "volume.n8n_data")
            // Accepting in a dry run is not remembered.
            #expect(try await host.prune("--accept-drop", "all", "--dry-run").removed == Array(points.dropLast()))
            #expect(!host.has("state/retention.json"))
            #expect(try await host.prune("--accept-drop", "volume.n8n_data").removed == Array(points.dropLast()))
            #expect(try host.read("state/retention.json").contains(points[4]))
            // Asked once.
            try await host.backup()
            #expect(try await host.prune().removed == [points[5]])
        }
    }

    @Test func aDropThatWasAMistakeIsOverWhenTheDataIsBack() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            try await host.shell("for i in $(seq 200); do echo $i > \(host.data())/$i; done; cp -a \(host.data()) kept")
            try await host.backUp(on: -4 ... -3)
            try await host.shell("rm \(host.data())/*[0-9]")
            try host.keep("keep_last: 1")
            try await host.on(day: -2).backup()
            #expect(try await host.on(day: -2).holdfast("prune").status == 4)
            try await host.shell("cp -a kept/. \(host.data())/")
            let last = try await host.on(day: -1).backup()
            try await host.prune()
            #expect(try host.points() == [last])
        }
    }

    /// The clock jumps into the future: everything looks old.
    @Test func aClockThatJumpsIntoTheFutureRemovesNothing() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let points = try await host.backUp(on: -6 ... -1)
            try host.keep("keep_last: 1, keep_within: 60h")
            // Only now is wrong.
            let later = host.on(day: 400)
            try expectFailure(
                try await later.holdfast("prune", "--json"), 4, "recovery.clock-jump", says: "and now", "--accept-jump")
            #expect(try host.points() == points)
            // A backup was made by the wrong clock: still wrong, then right again.
            try await host.shell("gpgconf --kill all")
            let wrong = try await later.holdfast("backup", "--json")
            guard wrong.status == 0, let made = try wrong.json()["point"].string else { return }
            try expectFailure(
                try await later.holdfast("prune", "--json"), 4, "recovery.clock-jump", says: points[5], made)
            try expectFailure(
                try await host.holdfast("prune", "--json"), 4, "recovery.clock-jump",
                says: "\(made) is dated in the future", "--accept-jump")
            #expect(try host.points() == points + [made])
            // A person knows: it is left alone, counts for nothing, and is not asked about again.
            #expect(try await host.prune("--accept-jump").removed == Array(points[..<3]))
            #expect(try await host.prune().removed == [])
            #expect(try host.points() == Array(points[3...]) + [made])
        }
    }

    @Test func aClockThatJumpsBackRemovesNothing() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let points = try await host.backUp(on: -3 ... -1)
            try host.keep("keep_last: 1")
            try expectFailure(
                try await host.on(day: -30).holdfast("prune", "--json"), 4, "recovery.clock-jump", says: points[0])
            #expect(try host.points() == points)
        }
    }

    /// After a pause that a person knows of, it is asked once.
    @Test func aGapIsAskedAboutOnce() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            try await host.backUp(on: -40 ... -38)
            try await host.backUp(on: -3 ... -2)
            try host.keep("keep_last: 2")
            try expectFailure(try await host.holdfast("prune", "--json"), 4, "recovery.clock-jump", says: "35 d")
            try await host.prune("--accept-jump")
            #expect(try host.points().count == 2)
            try await host.on(day: -1).backup()
            #expect(try await host.prune().removed.count == 1)
        }
    }
}
