package import Machine

extension CalendarExpression {
    /// The first moment after `moment` at which it is due; nil if there is none any more.
    ///
    /// It agrees with systemd: a time that the clocks jump over does not happen on that day; of a time that comes twice
    /// the first counts, unless the second hour has already begun.
    ///
    /// - Parameter zone: the zone that it is meant in unless it names one itself.
    package func next(after moment: Timestamp, in zone: Zone) -> Timestamp? {
        let zone = self.zone ?? zone
        guard moment.seconds < Self.endOfTime else { return nil }
        let earliest = max(moment.seconds, 0) + 1
        var from = zone.civil(at: Timestamp(seconds: earliest - 1)).advanced(by: 1)
        while let time = firstTime(from: from) {
            if let found = zone.moments(of: time).first(where: { $0.seconds >= earliest }) { return found }
            from = time.advanced(by: 1)
        }
        return nil
    }

    /// The next `count` moments after `moment`; fewer if it ends before.
    package func next(_ count: Int, after moment: Timestamp, in zone: Zone) -> [Timestamp] {
        var moments: [Timestamp] = []
        while moments.count < count, let next = next(after: moments.last ?? moment, in: zone) { moments.append(next) }
        return moments
    }

    /// The first time from `start` on that it names.
    private func firstTime(from start: CivilTime) -> CivilTime? {
        var time = start
        while true {
            guard time.year <= Self.lastYear,
                let year = Self.first(
                    in: time.year...Self.lastYear, where: { self.year.takes($0, upTo: Self.lastYear) })
            else { return nil }
            if year > time.year { time = CivilTime(year, 1, 1) }
            guard let month = Self.first(in: time.month...12, where: { self.month.takes($0, upTo: 12) }) else {
                time = CivilTime(time.year + 1, 1, 1)
                continue
            }
            if month > time.month { time = CivilTime(time.year, month, 1) }
            let length = CivilTime.days(inMonth: month, of: time.year)
            guard let day = Self.first(in: time.day...length, where: { takesDay($0, month, time.year, length) }) else {
                time = CivilTime(time.year, month, length).advanced(by: 86_400)
                continue
            }
            if day > time.day { time = CivilTime(time.year, month, day) }
            if let found = firstTime(onTheDayOf: time) { return found }
            time = CivilTime(time.year, month, day).advanced(by: 86_400)
        }
    }

    private func takesDay(_ day: Int, _ month: Int, _ year: Int, _ length: Int) -> Bool {
        let isIn = daysFromTheEnd ? self.day.takesDay(day, beforeTheEndOf: length) : self.day.takes(day, upTo: 31)
        return isIn && (weekdays == Self.everyDay || weekdays.contains(CivilTime(year, month, day).weekday))
    }

    /// The first time from `start` to the end of its day.
    private func firstTime(onTheDayOf start: CivilTime) -> CivilTime? {
        var time = start
        while true {
            guard let hour = Self.first(in: time.hour...23, where: { self.hour.takes($0, upTo: 23) }) else {
                return nil
            }
            if hour > time.hour { (time.hour, time.minute, time.second) = (hour, 0, 0) }
            guard let minute = Self.first(in: time.minute...59, where: { self.minute.takes($0, upTo: 59) }) else {
                guard hour < 23 else { return nil }
                (time.hour, time.minute, time.second) = (hour + 1, 0, 0)
                continue
            }
            if minute > time.minute { (time.minute, time.second) = (minute, 0) }
            guard let second = Self.first(in: time.second...59, where: { self.second.takes($0, upTo: 59) }) else {
                guard minute < 59 || hour < 23 else { return nil }
                time.second = 0
                (time.hour, time.minute) = minute < 59 ? (hour, minute + 1) : (hour + 1, 0)
                continue
            }
            time.second = second
            return time
        }
    }

    private static func first(in numbers: ClosedRange<Int>, where takes: (Int) -> Bool) -> Int? {
        numbers.first(where: takes)
    }

    /// systemd looks no further; no expression can name a later one.
    static let lastYear = 2199
    /// 2200-01-01 in UTC, with a day to spare for zones.
    private static let endOfTime = CivilTime(2199, 12, 31).secondsSince1970
}
