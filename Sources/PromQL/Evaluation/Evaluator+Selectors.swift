import Machine
import TimeSeries

/// Instant and range vectors from the samples of the store.
extension Evaluator {
    /// The samples of one series of a range vector, and which of them each step sees.
    struct RangeSeries {
        let labels: Labels
        let dropsName: Bool
        /// All samples that any step can see, without markers of an end.
        let samples: UnsafeBufferPointer<Sample>
        let steps: Steps
        let shift: TimeShift
        let duration: Int64
        let bounds: ClosedRange<Int64>

        /// Where the window of a step ends; it is open `duration` before.
        @inline(__always) func end(at step: Int) -> Int64 { shift.apply(to: steps.time(step), bounds: bounds) }

        /// Calls `body` with every step and the samples in its window, which slides over them.
        @inline(__always) func forEachStep(_ body: (Int, Range<Int>) throws -> Void) rethrows {
            var low = 0
            var high = 0
            for step in 0..<steps.count {
                let end = end(at: step)
                while high < samples.count, samples[high].time <= end { high += 1 }
                while low < high, samples[low].time <= end - duration { low += 1 }
                try body(step, low..<high)
            }
        }

        func window(at step: Int) -> Range<Int> {
            var found = 0..<0
            forEachStep { if $0 == step { found = $1 } }
            return found
        }
    }

    /// The series of `selector` in the order of their labels.
    private func series(of selector: Selector) -> [SelectedSeries] { selections[selector.range.start] ?? [] }

    /// Reads a series into `scratch`; what is damaged is left out, and the answer says so.
    private func read(_ series: SelectedSeries) throws {
        do {
            try series.decode(into: &scratch)
        } catch {
            annotations.storage(explain(error).description)
        }
        try budget.read(scratch.count)
    }

    // MARK: Instant vectors

    /// At each step the newest sample within the lookback, unless the series had ended; its time in seconds instead of its
    /// value when `times`.
    func columns(of selector: Selector, over steps: Steps, times: Bool = false) throws -> [Column] {
        let shift = selector.shift
        let lookback = options.lookback
        var columns: [Column] = []
        let all = series(of: selector)
        columns.reserveCapacity(all.count)
        for series in all {
            try read(series)
            guard !scratch.isEmpty else { continue }
            try budget.charge(steps.count)
            let values = scratch.withUnsafeBufferPointer { samples in
                [Double](unsafeUninitializedCapacity: steps.count) { values, count in
                    var next = 0
                    for step in 0..<steps.count {
                        let time = shift.apply(to: steps.time(step), bounds: bounds)
                        while next < samples.count, samples[next].time <= time { next += 1 }
                        var value = Column.absent
                        if next > 0, samples[next - 1].time > time - lookback {
                            let sample = samples[next - 1]
                            value = times && !sample.isStale ? Double(sample.time) / 1000 : sample.value
                        }
                        values[step] = value
                    }
                    count = steps.count
                }
            }
            let column = Column(labels: series.labels, values: values)
            if !column.isEmpty { columns.append(column) }
        }
        return columns
    }

    // MARK: Range vectors

    /// Calls `body` with one series of a range vector after the other.
    func forEachRange(of expression: Expression, over steps: Steps, _ body: (RangeSeries) throws -> Void) throws {
        switch expression.bare {
        case .range(let range): try forEachRange(of: range, over: steps, body)
        case .subquery(let subquery): try forEachRange(of: subquery, over: steps, body)
        default: preconditionFailure("BUG: the parser let a \(expression.type) pass for a range vector")
        }
    }

    private func forEachRange(
        of range: RangeSelector, over steps: Steps, _ body: (RangeSeries) throws -> Void
    ) throws {
        let shift = range.selector.shift
        for series in series(of: range.selector) {
            try read(series)
            if scratch.contains(where: \.isStale) { scratch.removeAll(where: \.isStale) }
            guard !scratch.isEmpty else { continue }
            try scratch.withUnsafeBufferPointer { samples in
                try body(
                    RangeSeries(
                        labels: series.labels, dropsName: false, samples: samples, steps: steps, shift: shift,
                        duration: range.duration, bounds: bounds))
            }
        }
    }

    private func forEachRange(of subquery: Subquery, over steps: Steps, _ body: (RangeSeries) throws -> Void) throws {
        guard
            let inner = subquery.innerSteps(of: steps, bounds: bounds, defaultStep: options.subqueryStep)
        else { return }
        guard inner.count <= options.limits.values else {
            throw PromQLError.tooManySamples(limit: options.limits.values)
        }
        for column in try vector(subquery.expression, over: inner) {
            try budget.charge(column.values.count { !$0.isAbsent })
            scratch.removeAll(keepingCapacity: true)
            for (step, value) in column.values.enumerated() where !value.isAbsent {
                scratch.append(Sample(time: inner.time(step), value: value))
            }
            guard !scratch.isEmpty else { continue }
            try scratch.withUnsafeBufferPointer { samples in
                try body(
                    RangeSeries(
                        labels: column.labels, dropsName: column.dropsName, samples: samples, steps: steps,
                        shift: subquery.shift, duration: subquery.duration, bounds: bounds))
            }
        }
    }
}
