/// The times at which an expression is evaluated: `start`, then every `interval`, `count` times. Milliseconds.
struct Steps: Equatable {
    let start: Int64
    let interval: Int64
    let count: Int

    static func one(_ time: Int64) -> Steps { Steps(start: time, interval: 1, count: 1) }

    var end: Int64 { time(count - 1) }

    @inline(__always) func time(_ index: Int) -> Int64 { start &+ Int64(index) &* interval }
}

extension TimeShift {
    /// The time that a selector looks at when the step's own time is `time`; `bounds` are those of the whole query.
    func apply(to time: Int64, bounds: ClosedRange<Int64>) -> Int64 {
        let base =
            switch anchor {
            case nil: time
            case .time(let fixed): fixed
            case .start: bounds.lowerBound
            case .end: bounds.upperBound
            }
        return base - (offset ?? 0)
    }
}

extension Subquery {
    /// When the inner expression is evaluated so that every window of `steps` finds its points: the multiples of the
    /// subquery's step after the first window's start, up to the last window's end.
    func innerSteps(of steps: Steps, bounds: ClosedRange<Int64>, defaultStep: Int64) -> Steps? {
        let interval = step ?? defaultStep
        let before = shift.apply(to: steps.start, bounds: bounds) - duration
        let end = shift.apply(to: steps.end, bounds: bounds)
        var start = interval * (before / interval)
        if start <= before { start += interval }
        guard start <= end else { return nil }
        return Steps(start: start, interval: interval, count: Int((end - start) / interval) + 1)
    }
}
