import Glibc
import Machine
import TestKit
import Testing

/// `holdfast prune`: what it says, what it does, and what it refuses.
@Suite struct PruneTests {
    @Test func withoutRulesItRefusesAndSaysWhatToWrite() async throws {
        try await withDemoHost(.backedUp) { host in
            let before = try Possessions(of: host)
            for arguments in [["prune", "--json"], ["prune", "--dry-run", "--json"]] {
                let outcome = try await host.holdfast.run([CommandRunner.binary] + arguments)
                try expectFailure(outcome, 4, "recovery.no-retention", says: "holdfast.yml", "keep_within: 30d")
            }
            try await before.expectUntouched(host)
        }
    }

    @Test func aPlanIsShownThenCarriedOutThenThereIsNothingLeftToDo() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let points = try await host.backUp(on: -5 ... -1)
            try host.keep("keep_last: 2")
            let before = try Possessions(of: host)
            let dry = try await host.holdfast("prune", "--dry-run")
            #expect(dry.status == 0, "\(dry)")
            #expect(dry.output.contains("remove  \(points[0]) … \(points[2])  3 points, "), "\(dry)")
            #expect(dry.output.contains("no rule keeps it") && dry.output.contains("one of the newest 2"), "\(dry)")
            #expect(
                dry.output.contains("Would remove 3 of 5 restore points") && dry.output.hasSuffix("Nothing was done.\n")
            )
            try await before.expectUntouched(host)
            #expect(!(try host.names("state/runs").contains { $0.hasSuffix("-prune.json") }))

            let outcome = try await host.holdfast("prune")
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.output.contains("Removed 3 of 5 restore points"), "\(outcome)")
            for point in points[..<3] { #expect(outcome.errors.contains("removed the point \(point), "), "\(outcome)") }
            #expect(try host.points() == Array(points[3...]))
            let record = try #require(try host.names("state/runs").last { $0.hasSuffix("-prune.json") })
            #expect(try host.read("state/runs/\(record)").contains("\"complete\""))
            // The manifest before the oldest is gone, which is normal.
            let verified = try await host.holdfast("verify", "--all")
            #expect(verified.status == 0 && verified.output.contains("is no longer here"), "\(verified)")

            let again = try await host.prune()
            #expect(again.removed == [] && again["done"]["points"].all.isEmpty)
            #expect(try host.points() == Array(points[3...]))
        }
    }

    /// Each item by itself; a point stays for a single one's sake, and the reasons say whose.
    @Test func reasonsAreGivenForEachItemWhereTheyDiffer() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let first = try await host.on(day: -9).backup("volumes", "web_data")
            let others = try await host.backUp(on: -3 ... -1)
            let last = try await host.backup("volumes", "n8n_data")
            try host.keep("keep_last: 1")
            let plan = try await host.prune("--dry-run")
            #expect(plan.removed == [first] + others.dropLast())
            #expect(plan.reasons("volume.n8n_data", in: last) == ["newest whole copy", "the newest"])
            #expect(plan.reasons("volume.n8n_data", in: others[2]) == ["no rule keeps it"])
            #expect(plan.reasons("volume.web_data", in: others[2]) == ["newest whole copy", "the newest"])
            let text = try await host.holdfast("prune", "--dry-run").output
            #expect(text.contains("files.compose, volume.web_data: newest whole copy; the newest\n"), "\(text)")
            #expect(text.contains("volume.n8n_data: no rule keeps it\n"), "\(text)")
            // The newest point is not about it, but backups are.
            let refused = try await host.holdfast("prune", "--forget", "volume.web_data", "--json")
            try expectFailure(refused, 4, "recovery.still-saved", says: "volume.web_data")
        }
    }

    @Test func anItemThatIsNoLongerSavedStaysUntilAPersonForgetsIt() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let old = try await host.on(day: -9).backup()
            try host.keep("keep_last: 1") { $0.exclude = ["web_data"] }
            let new = try await host.backUp(on: -3 ... -1)
            #expect(try await host.prune().removed == Array(new.dropLast()))
            #expect(try host.points() == [old, new[2]])
            for (item, code) in [
                ("volume.nothing", "recovery.no-such-item"), ("volume.n8n_data", "recovery.still-saved"),
            ] {
                let refused = try await host.holdfast("prune", "--forget", item, "--json")
                try expectFailure(refused, 4, code, says: item)
            }
            let plan = try await host.prune("--forget", "volume.web_data", "--dry-run")
            #expect(plan.reasons("volume.web_data", in: old) == ["forgotten, by --forget"])
            #expect(try await host.prune("--forget", "volume.web_data").removed == [old])
            #expect(try host.points() == [new[2]])
        }
    }

    @Test func pointsOfOthersAndUnreadableOnesAreLeftAlone() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let points = try await host.backUp(on: -5 ... -1)
            try host.write("backups/\(points[0])/manifest.json", "{")
            let manifest = try host.read("backups/\(points[1])/manifest.json")
            let hostID = try #require(manifest.split(separator: "\"").first { $0.utf8.count == 32 })
            try host.write(
                "backups/\(points[1])/manifest.json",
                manifest.split(separator: hostID, omittingEmptySubsequences: false).joined(
                    separator: String(repeating: "0", count: 32)))
            try host.keep("keep_last: 1")
            let report = try await host.prune()
            #expect(report.removed == [points[2], points[3]])
            let text = try await host.holdfast("prune", "--dry-run").output
            #expect(text.contains("its manifest or its signature cannot be read: left alone"), "\(text)")
            #expect(text.contains("made by another host"), "\(text)")
        }
    }

    /// What a restore can still be undone to, a person may want to look at again.
    @Test func aPointThatARestoreCameFromStaysUntilThatIsCommitted() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let points = try await host.backUp(on: -3 ... -1)
            #expect(try await host.restore("volume", "n8n_data", "--from", points[0]).status == 0)
            try host.keep("keep_last: 1")
            #expect(try await host.prune().removed == [points[1]])
            #expect(try await host.holdfast("restore", "commit", "--yes").status == 0)
            #expect(try await host.prune().removed == [points[0]])
        }
    }

    @Test func whileAnotherIsAtWork() async throws {
        try await withDemoHost(.backedUp) { host in
            try host.keep("keep_last: 1")
            let held = try await host.holdingUpGPG(at: "--encrypt")
            let first = try held.holdfast.start([CommandRunner.binary, "backup"])
            try await host.untilGPGIsHeld()
            let before = try host.points()
            try expectFailure(
                try await host.holdfast("prune", "--json"), 75, "recovery.busy", says: "\(first.pid) backup")
            #expect(try host.points() == before)
            try host.letGPGGo()
            #expect(try await first.wait().status == 0)
        }
    }

    /// One point that cannot go keeps neither its name in doubt nor the others from going.
    @Test(.enabled(if: isRoot, needsRoot)) func aPointThatCannotBeRemoved() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let points = try await host.backUp(on: -4 ... -1)
            try host.keep("keep_last: 1")
            try await host.shell("mkdir backups/\(points[0])/disk && mount -t tmpfs none backups/\(points[0])/disk")
            let outcome = try await host.holdfast("prune", "--json")
            try await host.shell("umount backups/\(points[0])*/disk")
            #expect(outcome.status == 3, "\(outcome)")
            #expect(try outcome.json()["done"]["problems"][points[0]].string?.isEmpty == false, "\(outcome)")
            #expect(try outcome.json()["done"]["points"].all.compactMap(\.string) == [points[1], points[2]])
            #expect(try host.points() == [points[3]])
            #expect(try await host.holdfast("resume").errors.isEmpty)
            #expect(try host.names("backups").filter { $0.hasSuffix(".removing") } == [])
        }
    }
}
