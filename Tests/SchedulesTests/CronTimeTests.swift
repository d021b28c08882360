import Schedules
import Testing

@Suite struct CronTimeTests {
    @Test(
        arguments: [
            ("*-*-* 02:00", "0 2 * * *"), ("Sun 04:00", "0 4 * * 0"), ("hourly", "0 * * * *"),
            ("minutely", "* * * * *"),
            ("daily", "0 0 * * *"), ("weekly", "0 0 * * 1"), ("monthly", "0 0 1 * *"),
            ("quarterly", "0 0 1 1,4,7,10 *"),
            ("yearly", "0 0 1 1 *"), ("*:0/15", "0-59/15 * * * *"), ("Mon..Fri 8..18/2:30", "30 8-18/2 * * 1,2,3,4,5"),
            ("*-*-1..7 03:05", "5 3 1-7 * *"), ("*-*-1,15 0/6:00", "0 0-23/6 1,15 * *"), ("02:00 UTC", "0 2 * * *"),
            ("Sat,Sun 1,2:10..20", "10-20 1,2 * * 0,6"),
        ])
    func saysTheSameInCronsWords(text: String, cron: String) throws {
        let time = try CronTime(try CalendarExpression(text), local: .utc)
        // Sunday is 0 and stands where its number is sought by nobody.
        let fields = time.description.split(separator: " ")
        let wanted = cron.split(separator: " ")
        #expect(fields.dropLast() == wanted.dropLast())
        #expect(Set(fields.last?.split(separator: ",") ?? []) == Set(wanted.last?.split(separator: ",") ?? []))
    }

    @Test(
        arguments: [
            ("02:00 Europe/Berlin", "only this host's own time (UTC), not Europe/Berlin"), ("02:00:30", "no seconds"),
            ("*:*:*", "no seconds"), ("2026-*-* 02:00", "no years"), ("*-*~1 02:00", "from the end of the month"),
            ("Fri *-*-13", "takes either"),
        ])
    func refusesWhatCronCannotSay(text: String, reason: String) throws {
        let error = try #require(throws: ScheduleError.self) {
            try CronTime(try CalendarExpression(text), local: .utc)
        }
        #expect(error.code == "schedule.not-for-cron")
        #expect(error.what.contains(reason), "\(error)")
        #expect(error.remedy?.contains("holdfast watch") == true)
    }

    @Test func theHostsOwnZoneMayBeNamed() throws {
        let berlin = try Zone(named: "Europe/Berlin")
        #expect(try CronTime(try CalendarExpression("02:00 Europe/Berlin"), local: berlin).description == "0 2 * * *")
    }
}
