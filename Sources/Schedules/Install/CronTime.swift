/// The five fields at the start of a crontab's line.
package struct CronTime: Equatable, Sendable, CustomStringConvertible {
    /// `0 2 * * *`
    package let description: String

    /// Says an expression in cron's words.
    ///
    /// - Parameter local: the zone in which cron on this host reads its times.
    /// - Throws: ``ScheduleError`` `schedule.not-for-cron` where cron has no words for it, with a way out.
    package init(_ expression: CalendarExpression, local: Zone) throws {
        func complain(_ what: String, _ remedy: String) -> ScheduleError {
            .refused("not-for-cron", "cron cannot run at “\(expression)”: \(what).", remedy: remedy)
        }
        let elsewhere = "Change the expression, or let systemd or `holdfast watch` run it."
        if let zone = expression.zone, zone.name != local.name {
            throw complain(
                "it knows only this host's own time (\(local.name)), not \(zone.name)",
                "Leave out the zone and write local time, or let systemd or `holdfast watch` run it.")
        }
        guard expression.second == CalendarField(only: 0) else { throw complain("it knows no seconds", elsewhere) }
        guard expression.year == .any else { throw complain("it knows no years", elsewhere) }
        guard !expression.daysFromTheEnd else {
            throw complain("it cannot count days from the end of the month", elsewhere)
        }
        let everyDay = expression.weekdays == CalendarExpression.everyDay
        guard everyDay || expression.day == .any else {
            throw complain(
                "of a weekday and a day of the month it takes either, where both are meant",
                "Leave out one of them, or let systemd or `holdfast watch` run it.")
        }
        let days = everyDay ? "*" : expression.weekdays.sorted().map { "\(($0 + 1) % 7)" }.joined(separator: ",")
        description = [
            Self.words(expression.minute, upTo: 59), Self.words(expression.hour, upTo: 23),
            Self.words(expression.day, upTo: 31), Self.words(expression.month, upTo: 12), days,
        ].joined(separator: " ")
    }

    private static func words(_ field: CalendarField, upTo largest: Int) -> String {
        guard !field.parts.isEmpty else { return "*" }
        return field.parts.map { part in
            guard part.step > 0 else { return "\(part.start)" }
            return "\(part.start)-\(part.end ?? largest)" + (part.step > 1 ? "/\(part.step)" : "")
        }.joined(separator: ",")
    }
}
