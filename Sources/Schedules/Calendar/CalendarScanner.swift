import Machine

/// Reads the parts of an expression one after the other, and knows the column of each.
struct CalendarScanner {
    let text: String
    private let scalars: [Unicode.Scalar]
    private var position = 0
    /// Where the zone begins, or the text ends.
    private var end: Int

    init(_ text: String) {
        self.text = text
        scalars = Array(text.unicodeScalars)
        end = scalars.count
    }

    var isAtEnd: Bool { position >= end }

    /// What comes next; nil at the end.
    private var next: Unicode.Scalar? { isAtEnd ? nil : scalars[position] }

    /// What comes next, for messages: it may be something that a terminal would act on.
    private var shownNext: String { RawPath(next.map(String.init) ?? "").description }

    /// What is wrong here, or at `column`.
    func error(_ what: String, at column: Int? = nil, remedy: String) -> ScheduleError {
        .expression(text, at: column ?? position + 1, what, remedy: remedy)
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        position += 1
        return true
    }

    private func text(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars[range])) }

    /// The letters from here on.
    private var word: String {
        text(position..<(scalars[position..<end].firstIndex { !$0.properties.isAlphabetic } ?? end))
    }

    /// Takes all that is left if it is `name`, in whatever case.
    mutating func takeAll(_ name: String) -> Bool {
        guard text(position..<end).lowercased() == name else { return false }
        position = end
        return true
    }

    // MARK: - Zone

    /// Takes the last word off if it names a zone.
    mutating func takeZone(_ zones: ZoneFiles) throws -> Zone? {
        guard let space = scalars.lastIndex(of: " ") else { return nil }
        let name = text(space + 1..<scalars.count)
        guard let first = name.unicodeScalars.first, first.properties.isAlphabetic else { return nil }
        if name.lowercased() == "utc" {
            end = space
            return .utc
        }
        guard !Self.isWeekday(name), !Self.isShorthand(name) else { return nil }
        let isAbbreviation = !name.contains("/") && name.allSatisfy { $0.isUppercase || $0.isNumber }
        guard !isAbbreviation else {
            throw error(
                "“\(name)” is the abbreviation of a time, not a place: some use it in summer, some in winter.",
                at: space + 2, remedy: "Name the zone by its place, as in `Europe/Berlin`, or write `UTC`.")
        }
        do {
            let zone = try Zone(named: name, zones)
            end = space
            return zone
        } catch let error as ScheduleError where error.code == "schedule.no-zone" {
            throw self.error(error.what, at: space + 2, remedy: error.remedy ?? "")
        }
    }

    // MARK: - Weekdays

    private static let weekdays = [
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    ]

    private static func isWeekday(_ word: String) -> Bool { weekday(word.lowercased()) != nil }

    private static func isShorthand(_ word: String) -> Bool {
        CalendarExpression.shorthands.contains { $0.name == word.lowercased() }
    }

    private static func weekday(_ word: String) -> Int? {
        weekdays.firstIndex { $0 == word || $0.prefix(3) == word }
    }

    /// Takes `Mon..Fri,Sun` and the blanks behind it; an empty set if there are no days.
    mutating func takeWeekdays() throws -> Set<Int> {
        guard let letter = next, letter.properties.isAlphabetic else { return [] }
        var days: Set<Int> = []
        repeat {
            // A comma at the end is allowed.
            if !days.isEmpty, isAtEnd || next == " " { break }
            let start = position
            let first = try takeWeekday()
            var last = first
            if take("-") {
                last = try takeWeekday()
            } else if next == "." {
                try takeRangeDots()
                last = try takeWeekday()
            }
            guard first <= last else {
                throw error(
                    "The week begins on Monday: there is nothing from \(CivilTime.weekdays[first]) to "
                        + "\(CivilTime.weekdays[last]).", at: start + 1,
                    remedy: "Write two ranges: `\(CivilTime.weekdays[first])..Sun,Mon..\(CivilTime.weekdays[last])`.")
            }
            days.formUnion(first...last)
        } while take(",")
        guard isAtEnd || next == " " else {
            throw error("A date or a time has to follow the days, after a blank.", remedy: "Write `Mon..Fri 02:00`.")
        }
        skipBlanks()
        return days
    }

    private mutating func takeWeekday() throws -> Int {
        let word = word
        guard let day = Self.weekday(word.lowercased()) else {
            let known = CivilTime.weekdays + CalendarExpression.shorthands.map(\.name)
            let near = nearest(to: word, among: known) ?? nearest(to: String(word.prefix(3)), among: known)
            throw error(
                word.isEmpty ? "A day of the week is missing." : "“\(word)” is neither a day nor a shorthand.",
                remedy: near.map { "Did you mean `\($0)`?" } ?? "Days are `Mon` … `Sun`; shorthands: \(Self.usual).")
        }
        position += word.unicodeScalars.count
        return day
    }

    private static let usual = "`hourly`, `daily`, `weekly`, `monthly`"

    private mutating func takeRangeDots() throws {
        guard take("."), take(".") else {
            throw error("A range is written with two dots.", remedy: "Write `Mon..Fri`, `8..18`.")
        }
    }

    private mutating func skipBlanks() { while take(" ") {} }

    // MARK: - Date and time

    /// Takes `@SECONDS`, which ends the expression.
    mutating func takeMoment() throws -> Int64? {
        guard take("@") else { return nil }
        let start = position
        let seconds = try takeNumber(upTo: Int(CivilTime(2199, 12, 31).secondsSince1970))
        guard isAtEnd else {
            throw error("Nothing may follow `@` and a number.", at: start + 1, remedy: "Remove the rest.")
        }
        return Int64(seconds)
    }

    struct Date {
        var year = CalendarField.any
        var month = CalendarField.any
        var day = CalendarField.any
        var daysFromTheEnd = false
    }

    /// Takes `[YEAR-]MONTH-DAY` and the blanks behind it, if that is what comes.
    mutating func takeDate() throws -> Date {
        let start = position
        guard !isAtEnd else { return Date() }
        var fields = [try takeField()]
        var columns = [start]
        var separators: [Unicode.Scalar] = []
        if isAtEnd || next == ":" {
            position = start
            return Date()
        }
        while let separator = next, separator == "-" || separator == "~", fields.count < 3, separators.last != "~" {
            position += 1
            separators.append(separator)
            columns.append(position)
            fields.append(try takeField())
        }
        guard !separators.isEmpty, isAtEnd || next == " " else { throw strayScalar() }
        skipBlanks()
        let fromTheEnd = separators.last == "~"
        var date = Date(daysFromTheEnd: fromTheEnd)
        if fields.count == 3 { date.year = try Self.check(fields[0], .year, self, columns[0]) }
        date.month = try Self.check(fields[fields.count - 2], .month, self, columns[fields.count - 2])
        date.day = try Self.check(
            fields[fields.count - 1], fromTheEnd ? .dayFromTheEnd : .day, self, columns[fields.count - 1])
        return date
    }

    /// Takes `HOUR:MINUTE[:SECOND]` to the end; midnight where there is nothing.
    mutating func takeTime() throws -> (hour: CalendarField, minute: CalendarField, second: CalendarField) {
        let zero = CalendarField(only: 0)
        guard !isAtEnd else { return (zero, zero, zero) }
        var columns = [position]
        let hour = try takeField()
        guard take(":") else {
            throw isAtEnd
                ? error("The time lacks its minutes.", remedy: "Write `02:00`, or `*:00` for every hour.")
                : strayScalar()
        }
        columns.append(position)
        let minute = try takeField()
        var second: [CalendarField.Part] = [.init(start: 0, end: nil, step: 0)]
        columns.append(position)
        if take(":") {
            columns[2] = position
            second = try takeField(everyAsStep: true)
        }
        guard isAtEnd else { throw strayScalar() }
        return (
            try Self.check(hour, .hour, self, columns[0]), try Self.check(minute, .minute, self, columns[1]),
            try Self.check(second, .second, self, columns[2])
        )
    }

    /// Takes `*` or a list of numbers, ranges and steps.
    ///
    /// - Returns: no parts for `*`, or, if `everyAsStep`, the one part that means the same.
    private mutating func takeField(everyAsStep: Bool = false) throws -> [CalendarField.Part] {
        if take("*") {
            guard isAtEnd || Self.separators.contains(scalars[position]) else {
                throw error("Nothing goes with `*`.", remedy: "For steps give the first number: `0/15`.")
            }
            return everyAsStep ? [.init(start: 0, end: nil, step: 1)] : []
        }
        var parts: [CalendarField.Part] = []
        repeat {
            var part = CalendarField.Part(start: try takeNumber(), end: nil, step: 0)
            if next == ".", position + 1 < end, scalars[position + 1] == "." {
                try takeRangeDots()
                part.end = try takeNumber()
                part.step = 1
            }
            if take("/") {
                let column = position + 1
                part.step = try takeNumber()
                guard part.step > 0 else {
                    throw error(
                        "A step of 0 never comes to an end.", at: column, remedy: "Write how far apart: `0/15`.")
                }
            }
            parts.append(part)
            guard parts.count <= Self.mostParts else {
                throw error("The list is too long.", remedy: "Write at most \(Self.mostParts) numbers in one place.")
            }
        } while take(",")
        return parts
    }

    private mutating func takeNumber(upTo largest: Int = 1 << 30) throws -> Int {
        let start = position
        var number = 0
        while let digit = next?.value, (48...57).contains(digit) {
            number = min(largest + 1, number * 10 + Int(digit - 48))
            position += 1
        }
        guard position > start else {
            let word = word
            let near = word.isEmpty ? nil : nearest(to: word, among: CalendarExpression.shorthands.map(\.name))
            throw error(
                isAtEnd ? "A number is missing at the end." : "A number is missing before “\(shownNext)”.",
                remedy: near.map { "Did you mean `\($0)`?" } ?? "Write `*` where every one is meant.")
        }
        guard number <= largest else {
            throw error("The number is too large.", at: start + 1, remedy: "Write a smaller one.")
        }
        return number
    }

    private static let separators: [Unicode.Scalar] = [" ", "-", "~", ":"]
    private static let mostParts = 240

    private func strayScalar() -> ScheduleError {
        guard let next else {
            return error("The expression ends too early.", remedy: "Write `[DAYS] [YEAR-]MONTH-DAY HOUR:MINUTE`.")
        }
        if next == "." {
            return error("Fractions of a second cannot be kept.", remedy: "Write whole seconds; a range has two dots.")
        }
        if next == "T" {
            return error("Between date and time stands a blank.", remedy: "Write `2026-11-22 02:00`.")
        }
        if next == " " {
            return error("A blank too many, or a zone that is not known.", remedy: "Remove it; zones: `Europe/Berlin`.")
        }
        return error(
            "“\(shownNext)” does not belong here.",
            remedy: "Write `[DAYS] [YEAR-]MONTH-DAY HOUR:MINUTE[:SECOND]`.")
    }
}
