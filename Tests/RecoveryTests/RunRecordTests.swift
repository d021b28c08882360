import Machine
import Recovery
import RestorePoints
import TestKit
import Testing

/// What is written of every attempt.
struct RunRecordTests {
    @Test func beginsAsRunningAndEndsAsItEnded() async throws {
        try await withTestSite { host in
            var record = try RunRecord.begin("backup", at: TestSite.now, in: host.state)
            #expect(record.run == "2025-12-21T030000Z-backup")
            let begun = """
                {
                  "items" : {

                  },
                  "outcome" : "running",
                  "problems" : {

                  },
                  "run" : "2025-12-21T030000Z-backup",
                  "started" : "2025-12-21T03:00:00Z"
                }

                """
            #expect(try host.read("state/runs/2025-12-21T030000Z-backup.json") == begun)
            record.items = ["volume.a": .whole, "volume.b": .failed]
            record.problems = ["volume.b": "it was not there"]
            record.point = "2025-12-21T030000Z"
            try record.end(.incomplete, at: TestSite.now.advanced(by: 61), in: host.state)
            let ended = try host.read("state/runs/2025-12-21T030000Z-backup.json")
            for part in [
                "\"outcome\" : \"incomplete\"", "\"ended\" : \"2025-12-21T03:01:01Z\"", "\"volume.b\" : \"failed\"",
                "\"volume.b\" : \"it was not there\"", "\"point\" : \"2025-12-21T030000Z\"",
            ] { #expect(ended.contains(part)) }
        }
    }

    @Test func twoInOneSecondDoNotMeet() async throws {
        try await withTestSite { host in
            let names = try (1...3).map { _ in try RunRecord.begin("backup", at: TestSite.now, in: host.state).run }
            #expect(Set(names).count == 3)
            #expect(try Descriptor.folder(host.runs).names().count == 3)
        }
    }

    /// Whoever verifies, or is told that another is at work, writes without the lock: none takes another's unfinished record.
    @Test func manyAtOnceDoNotMeet() async throws {
        try await withTestSite { host in
            let state = host.state
            let names = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<64 {
                    group.addTask {
                        var record = try RunRecord.begin("verify", at: TestSite.now, in: state)
                        try record.end(.complete, at: TestSite.now, in: state)
                        return record.run
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(names.count == 64)
            #expect(RunRecords(state).latest().filter { $0.outcome == .complete }.count == 64)
        }
    }

    /// A start without an end is a failure too: the next holder of the lock says so.
    @Test func runThatIsStillRunningHasDied() async throws {
        try await withTestSite { host in
            var good = try RunRecord.begin("backup", at: TestSite.now.advanced(by: -120), in: host.state)
            try good.end(.complete, at: TestSite.now.advanced(by: -100), in: host.state)
            let dead = try RunRecord.begin("backup", at: TestSite.now.advanced(by: -60), in: host.state).run
            try host.write("state/runs/2025-12-21T025930Z-backup.json", "{ \"cut")
            let (lock, putRight) = try await host.lock()
            #expect(putRight == ["the run \(dead) died before its end"])
            #expect(try host.read("state/runs/\(dead).json").contains("\"outcome\" : \"died\""))
            #expect(try host.read("state/runs/\(good.run).json").contains("\"outcome\" : \"complete\""))
            lock.release()
            let (_, again) = try await host.lock()
            #expect(again.isEmpty)
        }
    }

    @Test func unfinishedPointsAreSwept() async throws {
        try await withTestSite { host in
            try host.make("backups/2025-12-20T030000Z.partial", holding: "half")
            try host.make("backups/2025-12-20T030000Z", holding: "whole")
            try host.make("backups/somebody.partial", holding: "not ours")
            let (_, putRight) = try await host.lock()
            #expect(putRight == ["removed the unfinished point 2025-12-20T030000Z.partial"])
            #expect(try Descriptor.folder(host.backups).names() == ["2025-12-20T030000Z", "somebody.partial"])
        }
    }

    /// A verification writes its record without the lock that all others take.
    @Test func recordsAreNotSweptWhileTheyAreWritten() async throws {
        try await withTestSite { host in
            try await withThrowingTaskGroup { group in
                for number in 0..<4 {
                    group.addTask {
                        for _ in 0..<50 {
                            var record = try RunRecord.begin("verify-\(number)", at: TestSite.now, in: host.state)
                            try record.end(.complete, at: TestSite.now, in: host.state)
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<200 { try await host.lock().0.release() }
                }
                try await group.waitForAll()
            }
            #expect(try Descriptor.folder(host.runs).names().count == 200)
        }
    }

    /// Killed while a record was written, and had no name yet.
    @Test func unfinishedRecordsAreSwept() async throws {
        try await withTestSite { host in
            try host.write("state/runs/2025-12-20T030000Z-backup.json.partial", "{ \"outcome\" : \"running\"")
            try host.write("state/restores/2025-12-20T030000Z.json.partial", "{")
            _ = try await host.lock()
            #expect(try Descriptor.folder(host.folder + "/state/runs").names() == [])
            #expect(try Descriptor.folder(host.folder + "/state/restores").names() == [])
        }
    }
}
