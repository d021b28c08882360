/// When something is to happen, in systemd's language for calendar events (`OnCalendar=`, systemd.time(7)).
///
/// `docs/formats/schedule.md` has the language. What holdfast understands it understands as systemd does: the same normal
/// form, the same moments.
package struct CalendarExpression: Hashable, Sendable, CustomStringConvertible {
    /// The days of the week, 0 for Monday; all seven where the expression names none.
    let weekdays: Set<Int>
    let year: CalendarField
    let month: CalendarField
    let day: CalendarField
    /// Whether the days count from the end of the month (`*-*~1`).
    let daysFromTheEnd: Bool
    let hour: CalendarField
    let minute: CalendarField
    let second: CalendarField
    /// The zone that the expression itself names.
    package let zone: Zone?

    /// Puts an expression together from parts that are taken to be valid.
    init(
        weekdays: Set<Int> = [], year: CalendarField = .any, month: CalendarField = .any, day: CalendarField = .any,
        daysFromTheEnd: Bool = false, hour: CalendarField = .any, minute: CalendarField = .any,
        second: CalendarField = CalendarField(only: 0), zone: Zone? = nil
    ) {
        self.weekdays = weekdays.isEmpty ? Self.everyDay : weekdays
        self.year = year
        self.month = month
        self.day = day
        self.daysFromTheEnd = daysFromTheEnd && day != .any
        self.hour = hour
        self.minute = minute
        self.second = second
        self.zone = zone
    }

    /// The normal form: what `systemd-analyze calendar` prints as such.
    package var description: String {
        let days = weekdays == Self.everyDay ? "" : Self.text(of: weekdays) + " "
        let date =
            "\(year.text(width: 4))-\(month.text(width: 2))\(daysFromTheEnd ? "~" : "-")\(day.text(width: 2))"
        let isEverySecond = second == CalendarField([.init(start: 0, end: nil, step: 1)])
        let time =
            "\(hour.text(width: 2)):\(minute.text(width: 2)):\(isEverySecond ? "*" : second.text(width: 2))"
        return "\(days)\(date) \(time)" + (zone.map { " \($0.name)" } ?? "")
    }

    /// Compared by what they say.
    package static func == (one: CalendarExpression, other: CalendarExpression) -> Bool {
        one.description == other.description
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(description) }

    /// `Mon..Fri`, `Sat,Sun`, `Mon,Wed..Fri`.
    private static func text(of weekdays: Set<Int>) -> String {
        var runs: [ClosedRange<Int>] = []
        for day in weekdays.sorted() {
            if let last = runs.last, last.upperBound == day - 1 {
                runs[runs.count - 1] = last.lowerBound...day
            } else {
                runs.append(day...day)
            }
        }
        return runs.map { run in
            let (first, last) = (CivilTime.weekdays[run.lowerBound], CivilTime.weekdays[run.upperBound])
            return run.count == 1 ? first : run.count == 2 ? "\(first),\(last)" : "\(first)..\(last)"
        }.joined(separator: ",")
    }

    static let everyDay = Set(0...6)

    /// Every hour, on the hour.
    package static let hourly = CalendarExpression(minute: CalendarField(only: 0))
}
