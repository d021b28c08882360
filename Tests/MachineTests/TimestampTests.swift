import Glibc
import Machine
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-2_208_988_800, "1900-01-01T00:00:00Z"),
            (2_147_483_648, "2038-01-19T03:14:08Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
            (1_795_312_800, "2026-11-22T02:00:00Z"),
        ] as [(Int64, String)])
    func formatsAndParses(seconds: Int64, text: String) {
        #expect(Timestamp(seconds: seconds).description == text)
        #expect(Timestamp(text) == Timestamp(seconds: seconds))
    }

    @Test(arguments: [
        "", " ", "2026", "2026-11-22", "2026-11-22T02:00:00", "2026-11-22T02:00:00z", "2026-11-22 02:00:00Z",
        "2026-11-22T02:00:00Z ", " 2026-11-22T02:00:00Z", "2026-11-22T02:00:00.5Z", "2026-11-22T02:00:00+00:00",
        "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2016-12-31T23:59:60Z",
        "-026-01-01T00:00:00Z",
        "+026-01-01T00:00:00Z", "2026-1-01T00:00:00Z", "2026-01-01T0:00:00Z", "２０２６-01-01T00:00:00Z",
        "2026-11-22T02:00:00Z\u{0}",
        "12026-01-01T00:00:00Z", "2026-11-22T02:00:00\u{301}Z",
    ])
    func nonsenseIsRefused(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test func everyDayOfFourHundredYearsComesBack() {
        var day = Timestamp(seconds: -2_208_988_800 + 3600)
        for _ in 0..<146_097 {
            guard Timestamp(day.description) == day else {
                Issue.record("\(day)")
                return
            }
            day = day.advanced(by: 86_400)
        }
    }

    /// Local time would repeat an hour each autumn.
    @Test func theZoneOfTheMachineChangesNothing() async throws {
        let text = "2026-10-25T02:30:00Z"
        let here = Timestamp(text)
        setenv("TZ", "Europe/Berlin", 1)
        tzset()
        defer {
            unsetenv("TZ")
            tzset()
        }
        #expect(Timestamp(text) == here)
        #expect(here?.description == text)
    }

    @Test func orderAndDistance() {
        let early = Timestamp(seconds: 5, nanoseconds: 999_999_999)
        let late = Timestamp(seconds: 6, nanoseconds: 1)
        #expect(early < late)
        #expect(abs(late.since(early) - 2e-9) < 1e-12)
        #expect(early.since(late) < 0)
        #expect(
            Timestamp(seconds: 1_795_312_800, nanoseconds: 500_000_000).since(Timestamp(seconds: 1_795_312_799)) == 1.5)
        #expect(Timestamp.distantPast < Timestamp(seconds: -1 << 40))
        #expect(Timestamp(seconds: 0).since(.distantPast) > 9e18)
        #expect(Timestamp(seconds: 1 << 40).since(.distantPast) > 9e18)
        #expect(Timestamp.distantPast.description == "\(Int64.min)")
    }

    @Test func beforeSeventyNanosecondsCountForward() {
        let moment = Timestamp(timespec(tv_sec: -1, tv_nsec: 250_000_000))
        #expect(moment.since(Timestamp(seconds: 0)) == -0.75)
        #expect(moment.timespec.tv_sec == -1 && moment.timespec.tv_nsec == 250_000_000)
        #expect(moment.description == "1969-12-31T23:59:59Z")
    }

    @Test func clocksRun() {
        #expect(SystemClock().now() > Timestamp(seconds: 1_700_000_000))
        let first = monotonicSeconds()
        #expect(monotonicSeconds() >= first)
    }
}
