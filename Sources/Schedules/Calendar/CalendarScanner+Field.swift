/// Reads the numbers of one place, and finds fault with those that it cannot hold.
extension CalendarScanner {
    /// A place of an expression: what it is called, and what its numbers are.
    enum Place {
        case year, month, day, dayFromTheEnd, hour, minute, second

        var name: String {
            switch self {
            case .year: "year"
            case .month: "month"
            case .day: "day"
            case .dayFromTheEnd: "day before the end of the month"
            case .hour: "hour"
            case .minute: "minute"
            case .second: "second"
            }
        }

        var numbers: ClosedRange<Int> {
            switch self {
            case .year: 1970...CalendarExpression.lastYear
            case .month: 1...12
            case .day: 1...31
            case .dayFromTheEnd: 1...28
            case .hour: 0...23
            case .minute, .second: 0...59
            }
        }
    }

    /// `parts`, if the place can hold them. Two digits of a year stand for 1970 to 2069.
    static func check(_ parts: [CalendarField.Part], _ place: Place, _ scanner: CalendarScanner, _ column: Int) throws
        -> CalendarField
    {
        let numbers = place.numbers
        func complain(_ what: String, _ remedy: String) -> ScheduleError {
            scanner.error(what, at: column + 1, remedy: remedy)
        }
        let whole = parts.map { part in
            place == .year
                ? .init(start: wholeYear(part.start), end: part.end.map(wholeYear), step: part.step) : part
        }
        for part in whole {
            guard let end = part.end, end < part.start else { continue }
            throw complain(
                "The range \(part.start)..\(end) runs backwards.",
                place == .dayFromTheEnd
                    ? "1 is the last day: write `~\(end)..\(part.start)`."
                    : "Write two: `\(part.start)..\(numbers.upperBound),\(numbers.lowerBound)..\(end)`.")
        }
        let field = CalendarField(whole)
        for (index, part) in field.parts.enumerated() {
            // systemd wants every further day of such a list three days nearer to the end; what it refuses is not installed.
            let largest = numbers.upperBound - (place == .dayFromTheEnd ? 3 * index : 0)
            for number in [part.start, part.end].compactMap({ $0 })
            where !(numbers.lowerBound...largest).contains(number) {
                throw complain(
                    "There is no \(place.name) \(number)\(largest < numbers.upperBound ? " this late in a list" : "").",
                    "A \(place.name) is a number from \(numbers.lowerBound) to \(largest) here.")
            }
            let room = place == .dayFromTheEnd ? part.start - numbers.lowerBound : numbers.upperBound - part.start
            guard part.end != nil || part.step <= room else {
                throw complain(
                    "With the step \(part.step) the \(place.name) would never repeat.",
                    "Leave out `/\(part.step)`, or make the step smaller.")
            }
        }
        return field
    }

    private static func wholeYear(_ number: Int) -> Int {
        (0..<70).contains(number) ? number + 2000 : (70..<100).contains(number) ? number + 1900 : number
    }
}
