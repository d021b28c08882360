/// What clocks do every year, as POSIX writes it: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule: Hashable, Sendable {
    let standard: Zone.Period
    private let summer: Summer?

    private struct Summer: Hashable {
        let period: Zone.Period
        let start: Day
        let end: Day
    }

    /// A day of the year, and the seconds from its midnight to the change, on the clock that is changed.
    private struct Day: Hashable {
        enum Kind: Hashable {
            /// 1…365, never the 29th of February.
            case withoutLeapDay(Int)
            /// 0…365.
            case withLeapDay(Int)
            /// The n-th such weekday of a month, 0 for Sunday; 5: the last.
            case weekday(month: Int, week: Int, day: Int)
        }

        let kind: Kind
        let seconds: Int

        /// What the clock would show at the change if it did not.
        func time(in year: Int) -> Int64 {
            let newYear = CivilTime(year, 1, 1).secondsSince1970
            switch kind {
            case .withoutLeapDay(let number):
                let isAfterLeapDay = number >= 60 && CivilTime.days(inMonth: 2, of: year) == 29
                return newYear + Int64((number - 1 + (isAfterLeapDay ? 1 : 0)) * 86_400 + seconds)
            case .withLeapDay(let number): return newYear + Int64(number * 86_400 + seconds)
            case .weekday(let month, let week, let day):
                let first = CivilTime(year, month, 1)
                let firstSuch = ((day + 6) % 7 - first.weekday + 7) % 7
                var number = firstSuch + (week - 1) * 7
                while number >= CivilTime.days(inMonth: month, of: year) { number -= 7 }
                return first.secondsSince1970 + Int64(number * 86_400 + seconds)
            }
        }
    }

    func period(at seconds: Int64) -> Zone.Period {
        guard let summer else { return standard }
        let year = CivilTime(secondsSince1970: seconds + Int64(standard.offset)).year
        let start = summer.start.time(in: year) - Int64(standard.offset)
        let end = summer.end.time(in: year) - Int64(summer.period.offset)
        // On the southern half of the earth summer goes over the turn of the year.
        let isSummer = start < end ? start <= seconds && seconds < end : !(end <= seconds && seconds < start)
        return isSummer ? summer.period : standard
    }

    /// Reads a rule; nil if it is none, or empty.
    init?(_ text: String) {
        var reader = Reader(rest: text[...])
        guard let name = reader.name(), let west = reader.time() else { return nil }
        standard = Zone.Period(offset: -west, isSummer: false, abbreviation: name)
        guard !reader.rest.isEmpty else {
            summer = nil
            return
        }
        guard let summerName = reader.name() else { return nil }
        var offset = standard.offset + 3600
        if let next = reader.rest.first, next != "," {
            guard let west = reader.time() else { return nil }
            offset = -west
        }
        if reader.rest.isEmpty { reader.rest = ",M3.2.0,M11.1.0" }
        guard reader.take(","), let start = reader.day(), reader.take(","), let end = reader.day(), reader.rest.isEmpty
        else { return nil }
        let period = Zone.Period(offset: offset, isSummer: true, abbreviation: summerName)
        summer = Summer(period: period, start: start, end: end)
    }

    private struct Reader {
        var rest: Substring

        mutating func take(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }

        /// `CET`, `<+1030>`.
        mutating func name() -> String? {
            let isQuoted = take("<")
            let name = rest.prefix { isQuoted ? $0 != ">" : $0.isLetter && $0.isASCII }
            rest = rest.dropFirst(name.count)
            guard name.count >= 3, !isQuoted || take(">") else { return nil }
            return String(name)
        }

        private mutating func number() -> Int? {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            return digits.count <= 3 ? Int(digits) : nil
        }

        /// `[+-]H[:MM[:SS]]`, in seconds.
        mutating func time() -> Int? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard let hours = number(), hours <= 167 else { return nil }
            var seconds = hours * 3600
            for unit in [60, 1] where take(":") {
                guard let value = number(), value < 60 else { return nil }
                seconds += value * unit
            }
            return isNegative ? -seconds : seconds
        }

        /// `Jn`, `n` or `Mm.w.d`, each with `/TIME` or without.
        mutating func day() -> Day? {
            let kind: Day.Kind
            if take("M") {
                guard let month = number(), (1...12).contains(month), take("."), let week = number(),
                    (1...5).contains(week), take("."), let day = number(), (0...6).contains(day)
                else { return nil }
                kind = .weekday(month: month, week: week, day: day)
            } else if take("J") {
                guard let day = number(), (1...365).contains(day) else { return nil }
                kind = .withoutLeapDay(day)
            } else {
                guard let day = number(), (0...365).contains(day) else { return nil }
                kind = .withLeapDay(day)
            }
            guard take("/") else { return Day(kind: kind, seconds: 2 * 3600) }
            return time().map { Day(kind: kind, seconds: $0) }
        }
    }
}
