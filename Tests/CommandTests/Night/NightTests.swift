import Docker
import Glibc
import Machine
import TestKit
import Testing

/// Nights as they come, one after the other: messages, exit statuses, numbers and `status` each say the truth.
@Suite(
    .enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)),
    .enabled(if: RealPostgres.isAvailable, needsPostgres), .enabled(if: isRoot, needsRoot))
struct NightTests {
    @Test func aWeekOfNights() async throws {
        try await withNightHost { night in
            var night = night
            try await goodNight(&night)
            try await deadPostgres(&night)
            try await fullDisk(&night)
            try await powerCut(&night)
            try await skippedNight(&night)
            let subjects = try await night.mail.envelopes().indices.asyncMap {
                try await night.mail.message($0 + 1)["headers"]["subject"].string ?? ""
            }
            #expect(subjects.count == (try night.messages().count), "\(subjects)")
        }
    }

    private func goodNight(_ night: inout NightHost) async throws {
        let outcome = try await night.run(at: 0, "backup")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(try night.messages().isEmpty)
        #expect(try night.beats() == ["/start", ""])
        for item in [night.volumeItem, NightHost.database] {
            #expect(try night.number("holdfast_item_last_success_timestamp_seconds", item) ?? 0 > 0)
            #expect(try night.number("holdfast_item_failing", item) == 0)
        }
        let (status, report) = try await night.status(at: 1)
        #expect(status == 0 && report["wrong"].all.isEmpty)
        #expect(report["items"].all.count == 3)
    }

    private func deadPostgres(_ night: inout NightHost) async throws {
        let before = try night.number("holdfast_item_last_success_timestamp_seconds", NightHost.database)
        try await night.host.docker("kill", night.postgres.container.name)
        let outcome = try await night.run(at: 24, "backup")
        #expect(outcome.status == 3, "\(outcome)")
        let message = try #require(try night.messages().last)
        #expect(message["kind"].string == "incomplete")
        #expect(message["title"].string == "Backup incomplete: 2 of 3 items")
        #expect(
            message["wrong"].all.map { $0["subject"].string } == [
                "\(NightHost.database), \(NightHost.database).globals"
            ])
        #expect(message["wrong"].all[0]["text"].string?.contains(night.postgres.container.name) == true, "\(message)")
        let good = message["good"].all.first { $0["subject"].string == NightHost.database }
        #expect(good?["text"].string?.hasSuffix("24 h 0 min ago") == true, "\(message)")
        #expect(try night.beats().suffix(2) == ["/start", "/fail"])
        #expect(try night.number("holdfast_item_last_success_timestamp_seconds", NightHost.database) == before)
        #expect(try night.number("holdfast_item_failing", NightHost.database) == 1)
        #expect(try night.number("holdfast_item_failing", night.volumeItem) == 0)
        let (status, report) = try await night.status(at: 24.5)
        #expect(status == 1)
        #expect(report["wrong"].all.count == 1, "\(report)")

        try await night.host.docker("start", night.postgres.container.name)
        try await night.postgres.waitUntilReady()
    }

    private func fullDisk(_ night: inout NightHost) async throws {
        let volume = night.volume.mountpoint
        try await night.host.demo.shell(
            "head -c 30M /dev/urandom > \(volume)/new; head -c 60M /dev/urandom > backups/x")
        let outcome = try await night.run(at: 48, "backup")
        #expect(outcome.status == 3, "\(outcome)")
        let message = try #require(try night.messages().last)
        #expect(message["wrong"].all.map { $0["subject"].string } == [night.volumeItem])
        let text = message["wrong"].all[0]["text"].string ?? ""
        #expect(text.contains("No space left on device") && text.contains("Free some space"), "\(text)")
        #expect(message["next"].string == "holdfast backup volumes \(night.volume.name)")
        #expect(try await night.host.look(night.app).state == .running)
        #expect(try night.host.demo.leftovers() == [])
        #expect(try night.number("holdfast_item_failing", night.volumeItem) == 1)
        #expect(try night.number("holdfast_item_failing", NightHost.database) == 0)
        try await night.host.demo.shell("rm backups/x \(volume)/new")
    }

    /// Killed while the container stands still for its volume; after the reboot, `resume` puts that right and tells.
    private func powerCut(_ night: inout NightHost) async throws {
        var stuck = night
        stuck.host = try await night.host.stuck()
        stuck.set(hours: 72)
        let backup = try stuck.host.startBackup()
        try await stuck.host.reached()
        let told = try night.messages().count
        backup.signal(SIGKILL)
        _ = try await backup.wait()
        try stuck.host.open()
        let resumed = try await night.run(at: 72.1, "resume")
        #expect(resumed.status == 0, "\(resumed)")
        #expect(try await night.host.look(night.app).state == .running)
        let message = try #require(try night.messages().dropFirst(told).first)
        #expect(message["kind"].string == "failed" && message["title"].string == "Backup failed")
        #expect(message["wrong"].all[0]["text"].string?.contains("killed, or the power went") == true, "\(message)")
        #expect(try night.number("holdfast_item_failing", NightHost.database) == 1)
        let (status, report) = try await night.status(at: 72.2)
        #expect(status == 1 && report["runs"]["backup"]["outcome"].string == "died")

        let outcome = try await night.run(at: 73, "backup")
        #expect(outcome.status == 0, "\(outcome)")
        let recovered = try #require(try night.messages().last)
        #expect(recovered["kind"].string == "recovered" && recovered["wrong"].all.isEmpty)
        #expect(recovered["key"].string == message["key"].string)
        #expect(try night.number("holdfast_item_failing", NightHost.database) == 0)
        #expect(try await night.status(at: 73.1).status == 0)
    }

    /// Nothing starts the backup any more; whatever looks every hour says so, once.
    private func skippedNight(_ night: inout NightHost) async throws {
        let told = try night.messages().count
        #expect(try await night.run(at: 97, "notify", "send").status == 0)
        #expect(try night.messages().count == told)
        for hour in [98.5, 99.5, 100.5] {
            let sent = try await night.run(at: hour, "notify", "send")
            #expect(sent.status == 0, "\(sent)")
        }
        let messages = try night.messages().dropFirst(told)
        #expect(messages.map { $0["kind"].string } == ["stale"])
        #expect(messages.first?["title"].string == "No fresh backup")
        #expect(messages.first?["wrong"].all.count == 3)
        let (status, report) = try await night.status(at: 100.6)
        #expect(status == 1 && report["items"].all.allSatisfy { $0["isStale"].bool == true })
        #expect(try await night.run(at: 101, "backup").status == 0)
        #expect(try night.messages().last?["kind"].string == "recovered")
    }
}

extension Sequence {
    fileprivate func asyncMap<Output>(_ transform: (Element) async throws -> Output) async throws -> [Output] {
        var all: [Output] = []
        for element in self { all.append(try await transform(element)) }
        return all
    }
}
