import Glibc
import Machine
import TestKit
import Testing

/// `holdfast watch`, for real.
@Suite struct WatchTests {
    private func withSchedule(_ schedule: String, _ body: (DemoHost) async throws -> Void) async throws {
        try await withDemoHost {
            $0.more = "schedule: \(schedule)\n"
        } _: { host in
            try await body(host)
        }
    }

    private func watch(_ host: DemoHost) throws -> Running { try host.holdfast.start([CommandRunner.binary, "watch"]) }

    @Test func runsWhatIsDueAndEndsWhenToldTo() async throws {
        try await withSchedule("{ backup: \"*:*:0/2\" }") { host in
            let watch = try watch(host)
            try await eventually("two backups") { try host.points().count >= 2 }
            // One a host.
            let second = try await host.holdfast("watch", "--json")
            try expectFailure(second, 75, "schedule.watched", says: "\(watch.pid) watch")
            let shown = try await host.holdfast("schedule", "show")
            #expect(shown.status == 0 && shown.output.contains("holdfast watch (process \(watch.pid)"), "\(shown)")
            let installing = try await host.holdfast("schedule", "install", "--systemd", "--json")
            try expectFailure(installing, 4, "schedule.two-schedulers", says: "kill \(watch.pid)")
            watch.signal(SIGTERM)
            let ended = try await watch.wait()
            #expect(ended.status == 143, "\(ended)")
            #expect(ended.errors.contains("holdfast resume ended with exit status 0"), "\(ended)")
            #expect(ended.errors.contains("holdfast backup ended with exit status 0"), "\(ended)")
            #expect(try host.leftovers() == [])
        }
    }

    @Test func aStopIsPassedOnAndWaitedFor() async throws {
        try await withSchedule("{ backup: \"*:*:*\" }") { host in
            let held = try await host.holdingUpGPG(at: "--encrypt")
            let watch = try self.watch(held)
            try await host.untilGPGIsHeld()
            watch.signal(SIGTERM)
            let ended = try await watch.wait()
            #expect(ended.status == 143, "\(ended)")
            #expect(ended.errors.contains("holdfast backup ended with exit status 143"), "\(ended)")
            #expect(try host.leftovers() == [])
            #expect(try host.read("state/schedule.json").contains("\"status\" : 143"))
        }
    }

    @Test func whatWasMissedIsMadeUpForOnce() async throws {
        try await withSchedule("{ backup: yearly }") { host in
            try host.write("state/schedule.json", "{\"jobs\": {\"backup\": {\"covered\": \"2019-06-01T00:00:00Z\"}}}")
            let watch = try watch(host)
            try await eventually("it waits again") { try watch.errorsSoFar().contains("next: ") }
            watch.signal(SIGTERM)
            let ended = try await watch.wait()
            #expect(ended.errors.contains("and missed"), "\(ended)")
            #expect(try host.points().count == 1)
            #expect(try host.read("state/schedule.json").contains("\"status\" : 0"))
        }
    }

    /// A backup that hangs is what somebody has to hear of.
    @Test func messagesAreSentWhileABackupHangs() async throws {
        try await withSchedule("{ backup: yearly }") { host in
            try host.write(
                "state/schedule.json",
                "{\"jobs\": {\"backup\": {\"covered\": \"2019-06-01T00:00:00Z\"}, \"notify\": {\"covered\": \"2019-06-01T00:00:00Z\"}}}"
            )
            let held = try await host.holdingUpGPG(at: "--encrypt")
            let watch = try self.watch(held)
            try await host.untilGPGIsHeld()
            try await eventually("messages were sent") {
                try watch.errorsSoFar().contains("holdfast notify send ended with exit status 0")
            }
            watch.signal(SIGTERM)
            let ended = try await watch.wait()
            #expect(ended.status == 143, "\(ended)")
            let stamps = try host.read("state/schedule.json")
            #expect(stamps.contains("\"status\" : 143") && stamps.contains("\"notify\""), "\(stamps)")
        }
    }

    /// Whoever makes room on a full disk is one of its jobs.
    @Test func stampsThatCannotBeWrittenDoNotStopIt() async throws {
        try await withSchedule("{ backup: \"*:*:0/2\" }") { host in
            // Nobody can make a file in the place of a folder with something in it.
            try host.write("state/schedule.json.partial/in the way", "")
            let watch = try watch(host)
            try await eventually("two backups") { try host.points().count >= 2 }
            watch.signal(SIGTERM)
            let ended = try await watch.wait()
            #expect(ended.status == 143 && ended.errors.contains("may run again after a restart"), "\(ended)")
        }
    }

    @Test func stampsThatCannotBeReadStopIt() async throws {
        try await withSchedule("{ backup: daily }") { host in
            try host.write("state/schedule.json", "{\"jobs\": ")
            let ended = try await host.holdfast("watch", "--json")
            try expectFailure(ended, 1, "schedule.bad-stamps", says: "schedule.json", "Remove the file")
        }
    }
}
