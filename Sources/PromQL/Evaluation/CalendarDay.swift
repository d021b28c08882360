/// A day of the Gregorian calendar, UTC.
struct CalendarDay {
    let year: Int
    let month: Int
    let day: Int

    /// The day so many days after 1 January 1970, by counting 400-year eras that begin on 1 March.
    init(daysSince1970 days: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    private static let daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365]

    private var isLeapYear: Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    var dayOfYear: Int { Self.daysBefore[month - 1] + day + (month > 2 && isLeapYear ? 1 : 0) }

    var daysInMonth: Int {
        Self.daysBefore[month] - Self.daysBefore[month - 1] + (month == 2 && isLeapYear ? 1 : 0)
    }

    /// What `function` reads off the time `seconds` since 1970. NaN for what is no time.
    static func part(_ function: Function, of seconds: Double) -> Double {
        guard seconds.magnitude < 1e14 else { return .nan }
        let whole = Int(seconds)
        let days = Int((Double(whole) / 86_400).rounded(.down))
        let second = whole - days * 86_400
        let date = CalendarDay(daysSince1970: days)
        switch function {
        case .minute: return Double(second / 60 % 60)
        case .hour: return Double(second / 3_600)
        case .dayOfMonth: return Double(date.day)
        case .dayOfWeek: return Double(((days + 4) % 7 + 7) % 7)
        case .dayOfYear: return Double(date.dayOfYear)
        case .daysInMonth: return Double(date.daysInMonth)
        case .month: return Double(date.month)
        case .year: return Double(date.year)
        default: preconditionFailure("BUG: \(function) is no part of a date")
        }
    }
}
