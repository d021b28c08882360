import Glibc
import Machine
import Schedules
import TestKit
import Testing

/// Clocks that jump, that are set while something runs, that repeat an hour; and moments that no clock shows.
@Suite struct ClockTests {
    private static let day = 86_400

    /// A walk through time: whatever the clock says meanwhile, no good copy goes for it, and none is made up.
    @Test func aClockThatJumps() async throws {
        for round in Torture.rounds(of: "clock jumps", short: 2) {
            try await withDemoHost { host in
                try host.configure { $0.backup = ["retention: { keep_last: 2 }"] }
                var round = round
                var offset = 0
                let jumps = [
                    60, 3600, -3600, Self.day, -Self.day, 40 * Self.day, -40 * Self.day, 700 * Self.day,
                    -700 * Self.day,
                ]
                for step in 0..<(Torture.seconds == nil ? 6 : 12) {
                    let next =
                        Int.random(in: 0...2, using: &round.random) == 0
                        ? 0 : offset + (jumps.randomElement(using: &round.random) ?? 0)
                    let isMeanwhile = Bool.random(using: &round.random)
                    let clocked =
                        isMeanwhile
                        ? try await host.withClock(
                            offBy: offset, jump: (after: Int.random(in: 1...25, using: &round.random), to: next))
                        : try await host.withClock(offBy: next)
                    let command = ["backup", "backup", "prune", "status", "verify", "list"].randomElement(
                        using: &round.random)
                    let text = "step \(step), \(command ?? ""), clock \(offset / 3600) h → \(next / 3600) h, \(round)"
                    try await run(command ?? "", on: clocked, host, text)
                    offset = next
                }
                try await expectTruth(host, "\(round)")
            }
        }
    }

    private func run(_ command: String, on clocked: DemoHost, _ host: DemoHost, _ text: String) async throws {
        let before = try Belongings(of: host)
        let outcome = try await clocked.holdfast(command, "--json")
        try expectHonest(outcome, text)
        let now = try host.points()
        if command == "prune" {
            // At least as many as are to be kept, and whatever lies in the future of that clock.
            #expect(now.count >= min(2, before.points.count), "\(text): \(outcome)")
        } else {
            try before.expectPoints(text)
        }
        let new = now.filter { before.points[$0] == nil }
        #expect(new.count == (command == "backup" && outcome.status == 0 ? 1 : 0), "\(text): \(outcome)")
        try before.expectLive(text)
        #expect(try host.leftovers() == [], "\(text): \(outcome)")
    }

    /// With a clock that is right again, a backup is good, and nothing is said to be newer than it can be.
    private func expectTruth(_ host: DemoHost, _ text: String) async throws {
        let point = try await host.backup()
        let verified = try await host.holdfast("verify", "--all")
        #expect(verified.status == 0, "\(text): \(verified)")
        let status = try await host.holdfast("status", "--json")
        for item in try status.json()["items"].all {
            // Clocks are set by a little: what is ahead by less than five minutes counts.
            let place = item["place"].string ?? ""
            let newest = SystemClock().now().advanced(by: 300).format("%Y-%m-%dT%H%M%SZ")
            #expect((point...newest).contains(place), "\(text): \(status)")
            #expect(item["isStale"].bool == false, "\(text): \(status)")
        }
        let pruned = try await host.holdfast("prune", "--json")
        #expect([0, 4].contains(pruned.status), "\(text): \(pruned)")
        #expect(try host.points().contains(point), "\(text): \(pruned)")
    }

    /// Nothing is fresh for the sake of a point that says it was made next year, and nothing goes for it.
    @Test func aPointOfTheFuture() async throws {
        for round in Torture.rounds(of: "points of the future", short: 1) {
            var round = round
            let ahead =
                Int.random(in: 1...900, using: &round.random) * Self.day
                + Int.random(in: 3600...80_000, using: &round.random)
            try await withDemoHost { host in
                try host.configure { $0.backup = ["retention: { keep_last: 1 }"] }
                let past = try await host.withClock(offBy: -3 * Self.day).backup()
                let future = try await host.withClock(offBy: ahead).backup()
                let text = "\(ahead / Self.day) days ahead, \(round)"
                let status = try await host.holdfast("status", "--json")
                #expect(status.status == 1, "\(text): \(status)")
                for item in try status.json()["items"].all {
                    #expect(item["place"].string == past && item["isStale"].bool == true, "\(text): \(status)")
                }
                let new = try await host.backup()
                #expect(try await host.holdfast("prune").status == 4, "\(text)")
                #expect(try host.points() == [past, new, future], "\(text)")
                let accepted = try await host.holdfast("prune", "--accept-jump")
                #expect(accepted.status == 0, "\(text): \(accepted)")
                #expect(try host.points() == [new, future], "\(text)")
                #expect(try await host.holdfast("verify", "--all").status == 0, "\(text)")
                let listed = try await host.holdfast("list")
                #expect(listed.status == 0 && listed.output.contains(future), "\(text): \(listed)")
                let restored = try await host.restore("volume", "n8n_data", "--json")
                #expect(restored.status == 0, "\(text): \(restored)")
            }
        }
    }

    /// A daily time comes once a day, whatever the clocks of a zone do, and not at all only where it does not exist.
    @Test func daysOnWhichClocksChange() async throws { try await aside { try Self.dailyTimes() } }

    private static func dailyTimes() throws {
        let zones = [
            "UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Havana",
            "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago", "Pacific/Chatham", "Antarctica/Troll",
        ]
        for round in Torture.rounds(of: "changes of clocks", short: 20) {
            var round = round
            let zone = try Zone(named: zones.randomElement(using: &round.random) ?? "UTC")
            let (hour, minute) = (
                Int.random(in: 0...4, using: &round.random), Int.random(in: 0...59, using: &round.random)
            )
            let expression = try CalendarExpression("\(hour):\(minute)")
            var moment = Timestamp(seconds: Int64.random(in: 1_577_836_800...2_200_000_000, using: &round.random))
            for _ in 0..<400 {
                let next = try #require(expression.next(after: moment, in: zone))
                let text = "\(hour):\(minute) in \(zone.name): \(moment), then \(next), \(round)"
                #expect(next > moment, "\(text)")
                let civil = zone.civil(at: next)
                #expect(civil.hour == hour && civil.minute == minute && civil.second == 0, "\(text)")
                // Every day between the two lacks that time.
                var day = zone.civil(at: moment)
                let isAfter = (day.hour, day.minute, day.second) >= (hour, minute, 0)
                (day.hour, day.minute, day.second) = (hour, minute, 0)
                if isAfter { day = day.advanced(by: 86_400) }
                while day < civil {
                    #expect(zone.moments(of: day).allSatisfy { $0 <= moment }, "\(day) is left out: \(text)")
                    day = day.advanced(by: 86_400)
                }
                moment = next
            }
        }
    }

    /// 23:59:60, which UTC has now and then and no counted second stands for.
    @Test func aLeapSecond() async throws {
        #expect(Timestamp("2016-12-31T23:59:60Z") == nil)
        try await withDemoHost(.backedUp) { host in
            try host.configure { $0.backup = ["legacy: [ { directory: \(host.path("old")), keep_within: 7d } ]"] }
            try await host.shell(
                """
                cp -a backups/$(ls backups | head -1) backups/2016-12-31T235960Z
                mkdir old; tar czf old/volumes-2016-12-31-235960.tar.gz -C volumes .
                for d in 01 12 23; do tar czf old/volumes-2025-01-$d-235959.tar.gz -C volumes .; done
                """)
            let points = try host.points()
            for command in ["list", "status", "check", "verify", "backup", "prune"] {
                let outcome = try await host.holdfast(command, "--json")
                try expectHonest(outcome, "\(command): \(outcome)")
            }
            #expect(Set(points).isSubset(of: try host.points()))
            #expect(
                try host.names("old") == ["volumes-2016-12-31-235960.tar.gz", "volumes-2025-01-23-235959.tar.gz"],
                "an archive without a date that exists stays")
            let restored = try await host.restore("volume", "n8n_data", "--from", "2016-12-31T235960Z", "--json")
            #expect(restored.status != 0, "\(restored)")
        }
    }
}
