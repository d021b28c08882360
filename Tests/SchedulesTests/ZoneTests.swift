import Glibc
import Machine
import Schedules
import TestKit
import Testing

/// Zones say what `date` says, which is what the C library makes of the same files.
@Suite struct ZoneTests {
    @Test(arguments: [
        "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Havana",
        "Australia/Lord_Howe",
        "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Chatham", "Africa/Casablanca", "America/Santiago",
        "Antarctica/Troll", "Etc/GMT+12", "UTC",
    ])
    func agreesWithDate(name: String) async throws {
        let seed = UInt64.random(in: 0...UInt64(UInt32.max))
        print("ZoneTests: seed \(seed), \(name)")
        var random = SeededRandom(seed: seed)
        let zone = try Zone(named: name)
        // From 1900 to 2199: before the table, in it, and beyond it, where the rule in the footer counts.
        let moments = (0..<1500).map { _ in
            Timestamp(seconds: Int64.random(in: -2_208_988_800...7_258_118_399, using: &random))
        }
        let runner = CommandRunner(environment: ["TZ": name, "LC_ALL": "C"])
        let input = moments.map { "@\($0.seconds)\n" }.joined()
        let outcome = try await runner.run(["date", "-f", "-", "+%a %Y-%m-%d %H:%M:%S %Z"], input: Array(input.utf8))
        let lines = outcome.output.split(separator: "\n").map(String.init)
        try #require(lines.count == moments.count, "\(outcome)")
        for (moment, line) in zip(moments, lines) where zone.text(moment) != line {
            Issue.record("\(moment) in \(name): \(zone.text(moment)), not \(line) (seed \(seed))")
        }
    }

    @Test func gapsHaveNoMomentAndOverlapsTwo() throws {
        let berlin = try Zone(named: "Europe/Berlin")
        #expect(berlin.moments(of: CivilTime(2026, 3, 29, 2, 30)) == [])
        #expect(
            berlin.moments(of: CivilTime(2026, 10, 25, 2, 30)).map(\.description)
                == ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"])
        let howe = try Zone(named: "Australia/Lord_Howe")
        #expect(howe.moments(of: CivilTime(2026, 10, 4, 2, 15)) == [])
        #expect(howe.moments(of: CivilTime(2026, 4, 5, 1, 45)).count == 2)
        // A day that was left out.
        #expect(try Zone(named: "Pacific/Apia").moments(of: CivilTime(2011, 12, 30, 12)) == [])
    }

    @Test func theHostsOwnZoneIsTheVariablesOrTheLinks() async throws {
        try await withTemporaryFolder { folder in
            let link = folder + "/localtime"
            var files = ZoneFiles(localtime: link)
            #expect(try Zone.local(files) == .utc)
            symlink("/usr/share/zoneinfo/Asia/Kolkata", link)
            #expect(try Zone.local(files).name == "Asia/Kolkata")
            for (variable, name, text) in [
                ("Europe/Berlin", "Europe/Berlin", "Sun 2026-11-22 03:00:00 CET"),
                (":America/New_York", "America/New_York", "Sat 2026-11-21 21:00:00 EST"),
                ("", "UTC", "Sun 2026-11-22 02:00:00 UTC"),
                ("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo", "Sun 2026-11-22 11:00:00 JST"),
                ("CET-1CEST,M3.5.0,M10.5.0/3", "local time", "Sun 2026-11-22 03:00:00 CET"),
                ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "local time", "Sun 2026-11-22 13:00:00 +11"),
            ] {
                files.variable = variable
                let zone = try Zone.local(files)
                #expect(zone.name == name)
                #expect(zone.text(Timestamp(seconds: 1_795_312_800)) == text)
            }
            files.variable = "Europe/Nowhere"
            #expect(throws: ScheduleError.self) { try Zone.local(files) }
            #expect(try Zone.local(files.ofTheHost).name == "Asia/Kolkata")
        }
    }

    @Test func damagedFilesAreErrors() async throws {
        let whole = try #require(contents(of: "/usr/share/zoneinfo/Europe/Berlin"))
        let seed = UInt64.random(in: 0...UInt64(UInt32.max))
        print("ZoneTests: seed \(seed), damage")
        var random = SeededRandom(seed: seed)
        try await withTemporaryFolder { folder in
            let files = ZoneFiles(folder: folder)
            let root = try Descriptor.folder(folder)
            for length in stride(from: 0, to: whole.count - 1, by: 37) {
                try root.publish("Cut", Array(whole[..<length]), replacing: true)
                #expect(throws: ScheduleError.self, "\(length) bytes") { try Zone(named: "Cut", files) }
            }
            for _ in 0..<300 {
                var bytes = whole
                for _ in 0..<4 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                try root.publish("Bent", bytes, replacing: true)
                // Whatever it says, it says it without falling over.
                guard let zone = try? Zone(named: "Bent", files) else { continue }
                for seconds in stride(from: Int64(-3_000_000_000), to: 5_000_000_000, by: 400_000_000) {
                    _ = zone.text(Timestamp(seconds: seconds))
                }
            }
        }
    }

    @Test(arguments: [
        "", "..", "../etc/passwd", "Europe", "Europe/", "/etc/passwd", "Europe//Berlin", "tzdata.zi", "a\0b",
        "Europe\0/Berlin", "../../etc/passwt",
    ])
    func whatIsNoNameOfAZoneIsRefused(name: String) {
        let error = #expect(throws: ScheduleError.self) { try Zone(named: name) }
        #expect(error?.description.contains("\0") == false)
        // What it was likely meant to be is not looked for outside of the zones.
        #expect(error?.remedy?.contains("passwd") == false)
    }
}
