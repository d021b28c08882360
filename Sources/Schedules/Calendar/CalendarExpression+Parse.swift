extension CalendarExpression {
    /// Reads an expression.
    ///
    /// - Parameter zones: where the zones are that it may name.
    /// - Throws: ``ScheduleError`` with the column at which it goes wrong, and what to write there.
    package init(_ text: String, zones: ZoneFiles = .system) throws {
        var words = CalendarScanner(text)
        guard !words.isAtEnd else {
            throw words.error("The expression is empty.", remedy: "Write when: `daily`, `02:00`, `Sun 04:00`.")
        }
        let zone = try words.takeZone(zones)
        if let shorthand = Self.shorthands.first(where: { words.takeAll($0.name) }) {
            let meaning = shorthand.meaning
            self.init(
                weekdays: meaning.weekdays, year: meaning.year, month: meaning.month, day: meaning.day,
                hour: meaning.hour, minute: meaning.minute, second: meaning.second, zone: zone)
            return
        }
        let weekdays = try words.takeWeekdays()
        if let moment = try words.takeMoment() {
            self.init(weekdays: weekdays, at: moment)
            return
        }
        let date = try words.takeDate()
        let time = try words.takeTime()
        self.init(
            weekdays: weekdays, year: date.year, month: date.month, day: date.day, daysFromTheEnd: date.daysFromTheEnd,
            hour: time.hour, minute: time.minute, second: time.second, zone: zone)
    }

    /// `@1795312800`: one moment, in UTC.
    private init(weekdays: Set<Int>, at seconds: Int64) {
        let time = CivilTime(secondsSince1970: seconds)
        self.init(
            weekdays: weekdays, year: CalendarField(only: time.year), month: CalendarField(only: time.month),
            day: CalendarField(only: time.day), hour: CalendarField(only: time.hour),
            minute: CalendarField(only: time.minute), second: CalendarField(only: time.second), zone: .utc)
    }

    /// Words that stand for a whole expression; of several with one meaning the first is the one to recommend.
    static let shorthands: [(name: String, meaning: CalendarExpression)] = {
        let zero = CalendarField(only: 0)
        let one = CalendarField(only: 1)
        let daily = CalendarExpression(hour: zero, minute: zero)
        let weekly = CalendarExpression(weekdays: [0], hour: zero, minute: zero)
        let monthly = CalendarExpression(day: one, hour: zero, minute: zero)
        let quarterly = CalendarExpression(month: CalendarField(only: 1, 4, 7, 10), day: one, hour: zero, minute: zero)
        let semiannually = CalendarExpression(month: CalendarField(only: 1, 7), day: one, hour: zero, minute: zero)
        let yearly = CalendarExpression(month: one, day: one, hour: zero, minute: zero)
        return [
            ("minutely", CalendarExpression()), ("hourly", .hourly), ("daily", daily), ("weekly", weekly),
            ("monthly", monthly), ("quarterly", quarterly), ("semiannually", semiannually), ("yearly", yearly),
            ("annually", yearly), ("semi-annually", semiannually), ("biannually", semiannually),
            ("bi-annually", semiannually), ("anually", yearly),
        ]
    }()
}
