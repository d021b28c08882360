/// What a clock on the wall and the calendar beside it show, without saying where: Gregorian, to the second.
package struct CivilTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var year: Int
    /// 1…12.
    package var month: Int
    /// 1…31.
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int

    package init(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0, _ second: Int = 0) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second) = (hour, minute, second)
    }

    /// What such a clock shows so many seconds after it showed 1970-01-01 00:00:00.
    package init(secondsSince1970 seconds: Int64) {
        let days = Int((Double(seconds) / 86_400).rounded(.down))
        let rest = Int(seconds) - days * 86_400
        // Years are counted from March, so that the leap day comes last; 400 of them always have as many days.
        let shifted = days + Self.daysToMarch0
        let era = (shifted >= 0 ? shifted : shifted - (Self.daysOfEra - 1)) / Self.daysOfEra
        let dayOfEra = shifted - era * Self.daysOfEra
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        self.init(
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1,
            rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// The seconds from 1970-01-01 00:00:00 to this, on the same clock.
    package var secondsSince1970: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * Self.daysOfEra + dayOfEra - Self.daysToMarch0
        return Int64(days * 86_400 + hour * 3600 + minute * 60 + second)
    }

    /// 0 for Monday … 6 for Sunday.
    package var weekday: Int {
        let days = Int(CivilTime(year, month, day).secondsSince1970 / 86_400)
        // 1970-01-01 was a Thursday.
        return ((days + 3) % 7 + 7) % 7
    }

    /// The number of days in a month.
    package static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The same clock so many seconds later.
    package func advanced(by seconds: Int64) -> CivilTime {
        CivilTime(secondsSince1970: secondsSince1970 + seconds)
    }

    package static func < (one: CivilTime, other: CivilTime) -> Bool {
        one.secondsSince1970 < other.secondsSince1970
    }

    /// `Sun 2026-11-22 02:00:00`
    package var description: String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(Self.weekdays[weekday]) \(year)-\(two(month))-\(two(day)) \(two(hour)):\(two(minute)):\(two(second))"
    }

    /// Monday first.
    package static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

    private static let daysOfEra = 146_097
    /// Days from 0000-03-01 to 1970-01-01.
    private static let daysToMarch0 = 719_468
}
