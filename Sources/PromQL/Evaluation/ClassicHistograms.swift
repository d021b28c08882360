import TimeSeries

/// `histogram_quantile` and `histogram_fraction` over classic histograms: series that differ in `le` only.
extension Evaluator {
    /// One histogram: its columns with their upper bounds, ascending.
    private struct Histogram {
        let labels: Labels
        let dropsName: Bool
        var buckets: [(bound: Double, column: Int)]
    }

    func histogramQuantile(_ call: Call, over steps: Steps) throws -> [Column] {
        let ranks = try scalar(call.arguments[0], over: steps)
        let columns = try vector(call.arguments[1], over: steps)
        if !columns.isEmpty { warnOfQuantiles(ranks, call.arguments[0]) }
        return try reduced(columns, call.arguments[1], steps) { buckets, step, labels in
            let found = buckets.quantile(ranks[step])
            if found.wasForced { annotations.forcedMonotonicity(of: labels, call.arguments[1].range) }
            return found.value
        }
    }

    func histogramFraction(_ call: Call, over steps: Steps) throws -> [Column] {
        let lower = try scalar(call.arguments[0], over: steps)
        let upper = try scalar(call.arguments[1], over: steps)
        let columns = try vector(call.arguments[2], over: steps)
        return try reduced(columns, call.arguments[2], steps) { buckets, step, _ in
            buckets.fraction(from: lower[step], to: upper[step])
        }
    }

    private func reduced(
        _ columns: [Column], _ argument: Expression, _ steps: Steps,
        _ value: (inout Buckets, Int, Labels) -> Double
    ) throws -> [Column] {
        var result: [Column] = []
        var buckets = Buckets()
        for histogram in histograms(of: columns, argument) {
            try budget.charge(steps.count)
            var column = Column(labels: histogram.labels, absentFor: steps.count)
            column.dropsName = histogram.dropsName
            for step in 0..<steps.count {
                buckets.removeAll()
                for bucket in histogram.buckets where !columns[bucket.column].values[step].isAbsent {
                    buckets.append(bound: bucket.bound, count: columns[bucket.column].values[step])
                }
                guard !buckets.isEmpty else { continue }
                column.values[step] = value(&buckets, step, histogram.labels)
            }
            if !column.isEmpty { result.append(column) }
        }
        return try droppingName(result, count: steps.count)
    }

    private static let le = LabelNames(["le"])

    private func histograms(of columns: [Column], _ argument: Expression) -> [Histogram] {
        var places: [Labels: Int] = [:]
        var histograms: [Histogram] = []
        for (index, column) in columns.enumerated() {
            let bound = column.labels["le"] ?? ""
            guard let value = FloatText.value(bound) else {
                annotations.badBucket(bound, of: column.labels, argument.range)
                continue
            }
            let labels = column.labels.dropping(Self.le)
            let place = places[labels] ?? histograms.count
            if place == histograms.count {
                places[labels] = place
                histograms.append(Histogram(labels: labels, dropsName: column.dropsName, buckets: []))
            }
            histograms[place].buckets.append((value, index))
        }
        for index in histograms.indices { histograms[index].buckets.sort { $0.bound < $1.bound } }
        return histograms
    }
}

/// The buckets of one histogram at one step: counts of what is at most `bound`, ascending.
struct Buckets {
    private var bounds: [Double] = []
    private var counts: [Double] = []

    var isEmpty: Bool { bounds.isEmpty }

    mutating func removeAll() {
        bounds.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
    }

    /// Adds the next bucket; one with the same bound as the last (`0.2` beside `2e-1`) is counted with it.
    mutating func append(bound: Double, count: Double) {
        if bounds.last == bound {
            counts[counts.count - 1] += count
        } else {
            bounds.append(bound)
            counts.append(count)
        }
    }

    /// The quantile, even inside a bucket; and whether counts that fell had to be lifted for it.
    mutating func quantile(_ rank: Double) -> (value: Double, wasForced: Bool) {
        if rank.isNaN { return (.nan, false) }
        if rank < 0 { return (-.infinity, false) }
        if rank > 1 { return (.infinity, false) }
        guard bounds.last == .infinity else { return (.nan, false) }
        let wasForced = makeMonotonic()
        let last = bounds.count - 1
        guard last > 0, counts[last] != 0, !counts[last].isNaN else { return (.nan, false) }
        var wanted = rank * counts[last]
        let bucket = counts[..<last].firstIndex { $0 >= wanted } ?? last
        if bucket == last { return (bounds[last - 1], wasForced) }
        if bucket == 0, bounds[0] <= 0 { return (bounds[0], wasForced) }
        var start = 0.0
        var count = counts[bucket]
        if bucket > 0 {
            start = bounds[bucket - 1]
            count -= counts[bucket - 1]
            wanted -= counts[bucket - 1]
        }
        return (start + (bounds[bucket] - start) * (wanted / count), wasForced)
    }

    /// Takes rounding out of the counts and lifts those that fall, of which the answer tells.
    private mutating func makeMonotonic() -> Bool {
        var wasForced = false
        var previous = counts[0]
        for index in counts.indices.dropFirst() where counts[index] != previous {
            let count = counts[index]
            if isAlmost(previous, count) {
                counts[index] = previous
            } else if count < previous {
                counts[index] = previous
                wasForced = true
            } else {
                previous = count
            }
        }
        return wasForced
    }

    private func isAlmost(_ one: Double, _ other: Double) -> Bool {
        let sum = one.magnitude + other.magnitude
        let difference = (one - other).magnitude
        return difference / min(sum, .greatestFiniteMagnitude) < 1e-12
    }

    /// The share of the observations between two values, even inside a bucket.
    func fraction(from lower: Double, to upper: Double) -> Double {
        guard bounds.last == .infinity, let total = counts.last, total != 0, !lower.isNaN, !upper.isNaN else {
            return .nan
        }
        guard lower < upper else { return 0 }
        return (min(rank(of: upper), total) - min(rank(of: lower), total)) / total
    }

    /// How many observations are at most `value`.
    private func rank(of value: Double) -> Double {
        var below = 0.0
        for index in bounds.indices {
            let start = index == 0 ? -.infinity : bounds[index - 1]
            if start >= value { return below }
            if bounds[index] > value {
                // The lowest bucket begins at 0 if that is below its bound.
                let start = index == 0 && bounds[0] > 0 ? 0 : start
                guard value > start else { return below }
                return below + (counts[index] - below) * (value - start) / (bounds[index] - start)
            }
            below = counts[index]
        }
        return counts.last ?? 0
    }
}
