import Schedules
import Settings
import Testing

@Suite struct ScheduleTests {
    private static let good = "backup: { directory: /b }\n"

    @Test func readsTimesAndThePrune() throws {
        let text = Self.good + "schedule: { backup: \"*-*-* 02:00\", verify: Sun 04:00, prune: after  Backup }\n"
        let schedule = try #require(try Settings.parse(text, file: "f").schedule)
        #expect(schedule.backup?.description == "*-*-* 02:00:00")
        #expect(schedule.verify?.description == "Sun *-*-* 04:00:00")
        #expect(schedule.prune == .afterBackup)
    }

    @Test func aPruneMayHaveATimeOfItsOwn() throws {
        let schedule = try Settings.parse(Self.good + "schedule: { prune: monthly }\n", file: "f").schedule
        #expect(schedule == Settings.Schedule(prune: .at(try CalendarExpression("monthly"))))
    }

    @Test func withoutASectionNothingRuns() throws {
        #expect(try Settings.parse(Self.good, file: "f").schedule == nil)
    }

    /// The place is that of the word that is wrong, not of the key.
    @Test(
        arguments: [
            ("schedule: { backup: dayly }", "h.yml:2:21", "“dayly”", "Did you mean `daily`?"),
            ("schedule: { backup: \"Mon..Foo 02:00\" }", "h.yml:2:27", "“Foo”", "`Mon`"),
            ("schedule: { backup: '*-*-* 25:00' }", "h.yml:2:28", "There is no hour 25.", "0 to 23"),
            ("schedule:\n  verify: 02:00 Europe/Berlni", "h.yml:3:17", "no time zone", "`Europe/Berlin`"),
            ("schedule: { verify: \"02:00 CET\" }", "h.yml:2:28", "“CET”", "`Europe/Berlin`"),
            ("schedule: { verify: 02:00:00.5 }", "h.yml:2:29", "Fractions", "whole seconds"),
            ("schedule: { prune: after bakcup, backup: daily }", "h.yml:2:20", "`schedule.prune`", "`after backup`"),
            ("schedule: { prune: after backup }", "h.yml:2:20", "never runs", "`schedule.backup`"),
            ("schedule: { backup: [daily, 02:00] }", "h.yml:2:21", "has to be a time", "Write when"),
            ("schedule: { bakcup: daily }", "h.yml:2:13", "`bakcup`", "did you mean `backup`?"),
            ("schedule: daily", "h.yml:2:11", "has to be a mapping", "Write `schedule: {"),
        ])
    func badOnesPointAtLineAndColumn(line: String, place: String, what: String, remedy: String) throws {
        let error = try #require(throws: SettingsError.self) { try Settings.parse(Self.good + line, file: "h.yml") }
        #expect(error.place == place)
        #expect("\(error)".contains(what) && "\(error)".contains(remedy), "\(error)")
    }
}
