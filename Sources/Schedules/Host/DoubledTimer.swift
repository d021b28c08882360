package import Machine

/// A timer with several `OnCalendar=` lines at different times: it runs at each of them, which is seldom what was meant.
package struct DoubledTimer: Sendable, Equatable {
    package let timer: HostTimer
    /// Lines at different times, and the first moment of each.
    package let runs: [Run]
    /// The line to remove, so that one is left.
    package let surplus: [HostTimer.Line]

    package struct Run: Sendable, Equatable {
        package let line: HostTimer.Line
        package let next: Timestamp
    }

    /// Nil if it runs at the times of one line, or one of its lines is not understood here.
    package init?(_ timer: HostTimer, after moment: Timestamp, in zone: Zone) {
        var seen: Set<CalendarExpression> = []
        var runs: [Run] = []
        for line in timer.calendars {
            guard let expression = try? CalendarExpression(line.value) else { return nil }
            guard seen.insert(expression).inserted, let next = expression.next(after: moment, in: zone) else {
                continue
            }
            runs.append(Run(line: line, next: next))
        }
        guard runs.count > 1 else { return nil }
        self.timer = timer
        self.runs = runs
        // Whoever wrote a shorthand and a time meant the time.
        let kept = runs.last { run in !CalendarExpression.shorthands.contains { $0.name == run.line.value } } ?? runs[0]
        surplus = runs.map(\.line).filter { $0 != kept.line }
    }
}
