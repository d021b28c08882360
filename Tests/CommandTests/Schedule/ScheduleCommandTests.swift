import Glibc
import Machine
import TestKit
import Testing

/// `holdfast schedule` and `holdfast watch`, as a person types them.
@Suite struct ScheduleCommandTests {
    private func withSchedule(
        _ schedule: String, _ body: (DemoHost) async throws -> Void
    ) async throws {
        try await withDemoHost {
            $0.more = "schedule: \(schedule)\n"
        } _: { host in
            try await body(host)
        }
    }

    @Test func unitsAreShownThenWrittenThenTakenBack() async throws {
        try await withSchedule("{ backup: \"*-*-* 02:00\", verify: Sun 04:00, prune: after backup }") { host in
            let root = host.folder + "/root"
            let words = ["schedule", "install", "--systemd", "--name", "inlock", "--root", root]
            let dry = try await host.holdfast.run([CommandRunner.binary] + words + ["--dry-run"])
            #expect(dry.status == 0 && dry.output.contains("OnCalendar=*-*-* 02:00:00"), "\(dry)")
            #expect(!host.has("root"))
            let done = try await host.holdfast.run([CommandRunner.binary] + words + ["--json"])
            #expect(try done.json()["done"].bool == true, "\(done)")
            // A link to where it will be, not to where it is.
            #expect(throws: Never.self) {
                try host.status("root/etc/systemd/system/timers.target.wants/inlock-backup.timer")
            }
            let service = try host.read("root/etc/systemd/system/inlock-backup.service")
            #expect(
                service.contains(
                    "ExecStart=\(absolutePath(CommandRunner.binary)) backup --prune --config \(host.config)\n"))
            #expect(service.contains("ReadWritePaths=-\(host.backups)\n"))
            let removed = try await host.holdfast("schedule", "remove", "--name", "inlock", "--root", root)
            #expect(removed.status == 0, "\(removed)")
            let left = try host.find("root").filter { $0.contains("inlock") }
            #expect(left == [])
        }
    }

    @Test func whatCronCannotSayIsRefused() async throws {
        try await withSchedule("{ backup: \"*-*~1 02:00\" }") { host in
            let refused = try await host.holdfast(
                "schedule", "install", "--cron", "--root", host.folder + "/root", "--json")
            try expectFailure(refused, 4, "schedule.not-for-cron", says: "end of the month")
            #expect(!host.has("root"))
        }
    }

    @Test func withoutAScheduleNothingIsInstalled() async throws {
        try await withDemoHost { host in
            for words in [["schedule", "install", "--systemd"], ["watch"]] {
                let refused = try await host.holdfast.run([CommandRunner.binary] + words + ["--json"])
                try expectFailure(refused, 4, "schedule.none", says: "schedule:")
            }
        }
    }

    @Test func showHasLocalTimeAndUTCAndSaysThatNobodyStartsIt() async throws {
        try await withSchedule("{ backup: \"2030-10-26..27 02:30\" }") { host in
            var berlin = host
            berlin.holdfast.environment["TZ"] = "Europe/Berlin"
            let shown = try await berlin.holdfast("schedule", "show", "--json")
            #expect(shown.status == 1)
            let backup = try shown.json()["jobs"][1]
            #expect(backup["next"][0]["local"].string == "Sat 2030-10-26 02:30:00 CEST", "\(shown)")
            #expect(backup["next"][1]["utc"].string == "2030-10-27T00:30:00Z")
            #expect(try shown.json()["troubles"][0].string?.contains("nobody on this host") == true)
        }
    }

    @Test func checkSaysThatNobodyStartsBackups() async throws {
        try await withSchedule("{ backup: daily }") { host in
            let checked = try await host.holdfast("check")
            #expect(checked.output.contains("nobody on this host starts backups"), "\(checked)")
            #expect(checked.output.contains("holdfast schedule install"))
        }
    }
}
