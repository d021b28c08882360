/// One place of an expression – the hours, say – and the numbers that it takes.
struct CalendarField: Equatable, Sendable {
    /// `2`, `8..18`, `0/15`, `9..17/2`.
    struct Part: Equatable, Comparable, Sendable {
        var start: Int
        /// The last number; nil: the start alone, or with a step all that the place can hold.
        var end: Int?
        /// 0: none; a range always has one.
        var step: Int

        static func < (one: Part, other: Part) -> Bool {
            (one.start, one.end ?? -1, one.step) < (other.start, other.end ?? -1, other.step)
        }
    }

    /// In order, each once; empty: every number, written `*`.
    let parts: [Part]

    /// Every number.
    static let any = CalendarField([])

    /// Puts parts into their normal form: ranges end where their last step does, nothing comes twice.
    init(_ parts: [Part]) {
        var kept: [Part] = []
        for part in parts.map(Self.normalised).sorted() where part != kept.last { kept.append(part) }
        self.parts = kept
    }

    /// These numbers and no others.
    init(only numbers: Int...) { self.init(numbers.map { Part(start: $0, end: nil, step: 0) }) }

    private static func normalised(_ part: Part) -> Part {
        guard let end = part.end else { return part }
        let last = end - (end - part.start) % part.step
        return last > part.start
            ? Part(start: part.start, end: last, step: part.step) : Part(start: part.start, end: nil, step: 0)
    }

    /// Whether it takes `number`, in a place whose largest number is `largest`.
    func takes(_ number: Int, upTo largest: Int) -> Bool {
        parts.isEmpty
            || parts.contains { part in
                Self.takes(number, from: part.start, to: part.end ?? (part.step > 0 ? largest : part.start), part.step)
            }
    }

    /// Whether it takes a day, where its numbers count from the end of a month of `length` days: 1 is the last day.
    func takesDay(_ day: Int, beforeTheEndOf length: Int) -> Bool {
        parts.isEmpty
            || parts.contains { part in
                let start = length + 1 - part.start
                guard let end = part.end else {
                    return Self.takes(day, from: start, to: part.step > 0 ? length : start, part.step)
                }
                return Self.takes(day, from: length + 1 - end, to: start, part.step)
            }
    }

    private static func takes(_ number: Int, from start: Int, to end: Int, _ step: Int) -> Bool {
        (start...max(start, end)).contains(number) && (number - start) % max(1, step) == 0
    }

    /// As the normal form has it, numbers with at least `width` digits.
    func text(width: Int) -> String {
        guard !parts.isEmpty else { return "*" }
        func number(_ value: Int) -> String {
            let digits = "\(value)"
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return parts.map { part in
            var text = number(part.start)
            if let end = part.end { text += ".." + number(end) }
            if part.step > 0, part.end == nil || part.step > 1 { text += "/\(part.step)" }
            return text
        }.joined(separator: ",")
    }
}
