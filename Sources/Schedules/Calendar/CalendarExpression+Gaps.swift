package import Machine

extension CalendarExpression {
    /// The first time that it names and that does not come, because clocks jump over it; nil if there is none within so many
    /// seconds after `moment`.
    package func missedTime(after moment: Timestamp, within seconds: Int64, in zone: Zone) -> CivilTime? {
        let zone = self.zone ?? zone
        let end = moment.advanced(by: seconds)
        var hour = moment
        while hour < end {
            let next = min(end, hour.advanced(by: 3600))
            if zone.period(at: next).offset > zone.period(at: hour).offset,
                let time = missedTime(from: hour, to: next, zone)
            {
                return time
            }
            hour = next
        }
        return nil
    }

    /// The first such time of a jump that lies between two moments.
    private func missedTime(from start: Timestamp, to end: Timestamp, _ zone: Zone) -> CivilTime? {
        let from = zone.civil(at: start)
        let to = zone.civil(at: end)
        // As if clocks were not changed: what is named then, and has no moment here.
        let plain = CalendarExpression(self, in: .utc)
        var moment = Timestamp(seconds: from.secondsSince1970)
        while let next = plain.next(after: moment, in: .utc), next.seconds < to.secondsSince1970 {
            let time = CivilTime(secondsSince1970: next.seconds)
            if zone.moments(of: time).isEmpty { return time }
            moment = next
        }
        return nil
    }

    private init(_ other: CalendarExpression, in zone: Zone) {
        self.init(
            weekdays: other.weekdays, year: other.year, month: other.month, day: other.day,
            daysFromTheEnd: other.daysFromTheEnd, hour: other.hour, minute: other.minute, second: other.second,
            zone: zone)
    }
}
