import Glibc
import TimeSeries

/// The functions of range vectors: each takes the samples in a window to one value, or to none.
extension Evaluator {
    /// The value for the samples of a window at a step.
    private typealias Kernel = (_ window: Range<Int>, _ step: Int) -> Double

    func rangeFunction(_ call: Call, over steps: Steps) throws -> [Column] {
        let (argument, parameters) = try split(call, over: steps)
        let isCounter = call.function == .rate || call.function == .increase
        var columns: [Column] = []
        try forEachRange(of: argument, over: steps) { range in
            try budget.charge(steps.count)
            let kernel = kernel(of: call.function, on: range, parameters)
            let values = try [Double](unsafeUninitializedCapacity: steps.count) { values, count in
                try range.forEachStep { step, window in
                    try budget.work(window.count)
                    values[step] = window.isEmpty ? Column.absent : kernel(window, step)
                }
                count = steps.count
            }
            let column = Column(labels: range.labels, dropsName: range.dropsName, values: values)
            guard !column.isEmpty else { return }
            if isCounter { noteNonCounter(column, argument.range) }
            columns.append(column)
        }
        if call.function == .quantileOverTime, !columns.isEmpty { warnOfQuantiles(parameters[0], call.arguments[0]) }
        return call.function == .lastOverTime ? columns : try droppingName(columns, count: steps.count)
    }

    /// The range vector among the arguments and the values of the others.
    private func split(_ call: Call, over steps: Steps) throws -> (Expression, [[Double]]) {
        var parameters: [[Double]] = []
        var range: Expression?
        for argument in call.arguments {
            if argument.type == .rangeVector {
                range = argument
            } else {
                parameters.append(try scalar(argument, over: steps))
            }
        }
        guard let range else { preconditionFailure("BUG: \(call.function) takes no range vector") }
        if call.function == .doubleExponentialSmoothing { try checkSmoothing(parameters) }
        return (range, parameters)
    }

    private func checkSmoothing(_ parameters: [[Double]]) throws {
        for (name, values) in zip(["smoothing", "trend"], parameters) {
            if let bad = values.first(where: { !($0 > 0 && $0 < 1) }) {
                throw PromQLError(
                    .execution, "invalid \(name) factor, expected 0 < factor < 1, got \(FloatText.short(bad))")
            }
        }
    }

    private func noteNonCounter(_ column: Column, _ range: SourceRange) {
        guard let name = column.labels.metricName,
            !["_total", "_sum", "_count", "_bucket"].contains(where: name.hasSuffix)
        else { return }
        annotations.possibleNonCounter(name, range)
    }

    func warnOfQuantiles(_ ranks: [Double], _ argument: Expression) {
        for rank in ranks where !(rank >= 0 && rank <= 1) { annotations.invalidQuantile(rank, argument.range) }
    }

    private func kernel(of function: Function, on range: RangeSeries, _ parameters: [[Double]]) -> Kernel {
        let samples = range.samples
        switch function {
        case .rate: return extrapolated(range, isCounter: true, perSecond: true)
        case .increase: return extrapolated(range, isCounter: true, perSecond: false)
        case .delta: return extrapolated(range, isCounter: false, perSecond: false)
        case .irate: return { window, _ in lastChange(samples, window, isRate: true) }
        case .idelta: return { window, _ in lastChange(samples, window, isRate: false) }
        case .deriv:
            return { window, _ in
                guard window.count > 1 else { return Column.absent }
                return linearRegression(samples, window, interceptTime: samples[window.lowerBound].time).slope
            }
        case .predictLinear:
            return { window, step in
                guard window.count > 1 else { return Column.absent }
                let line = linearRegression(samples, window, interceptTime: range.steps.time(step))
                return line.slope * parameters[0][step] + line.intercept
            }
        case .resets: return { window, _ in count(samples, window) { $1 < $0 } }
        case .changes: return { window, _ in count(samples, window) { $0 != $1 && !($0.isNaN && $1.isNaN) } }
        case .countOverTime: return { window, _ in Double(window.count) }
        case .presentOverTime: return { _, _ in 1 }
        case .lastOverTime: return { window, _ in samples[window.upperBound - 1].value }
        case .sumOverTime: return { window, _ in sum(samples, window) }
        case .avgOverTime: return { window, _ in mean(samples, window) }
        case .minOverTime: return { window, _ in samples[extreme(samples, window) { $0 < $1 }].value }
        case .maxOverTime: return { window, _ in samples[extreme(samples, window) { $0 > $1 }].value }
        case .stdvarOverTime: return { window, _ in variance(samples, window) }
        case .stddevOverTime: return { window, _ in variance(samples, window).squareRoot() }
        case .quantileOverTime:
            return { window, step in sortedQuantile(parameters[0][step], samples[window].map(\.value)) }
        case .madOverTime:
            return { window, _ in
                let values = samples[window].map(\.value)
                let median = sortedQuantile(0.5, values)
                return sortedQuantile(0.5, values.map { abs($0 - median) })
            }
        case .tsOfLastOverTime: return { window, _ in Double(samples[window.upperBound - 1].time) / 1000 }
        case .tsOfMinOverTime: return { window, _ in Double(samples[extreme(samples, window, orEqual(<))].time) / 1000 }
        case .tsOfMaxOverTime: return { window, _ in Double(samples[extreme(samples, window, orEqual(>))].time) / 1000 }
        case .doubleExponentialSmoothing:
            return { window, step in smoothed(samples, window, level: parameters[0][step], trend: parameters[1][step]) }
        default: preconditionFailure("BUG: \(function) is no function of range vectors")
        }
    }

    /// `rate`, `increase` and `delta`: what changed between the first and the last sample, carried on to the window's
    /// borders as far as the samples' own distance makes likely.
    private func extrapolated(_ range: RangeSeries, isCounter: Bool, perSecond: Bool) -> Kernel {
        let samples = range.samples
        // Where the counter began anew; mostly nowhere, so that a window costs two samples.
        let resets = isCounter ? (1..<max(samples.count, 1)).filter { samples[$0].value < samples[$0 - 1].value } : []
        var firstReset = 0
        return { window, step in
            guard window.count > 1 else { return Column.absent }
            let first = samples[window.lowerBound]
            let last = samples[window.upperBound - 1]
            var result = last.value - first.value
            while firstReset < resets.count, resets[firstReset] <= window.lowerBound { firstReset += 1 }
            var reset = firstReset
            while reset < resets.count, resets[reset] < window.upperBound {
                result += samples[resets[reset] - 1].value
                reset += 1
            }
            let end = range.end(at: step)
            let sampled = Double(last.time - first.time) / 1000
            let distance = sampled / Double(window.count - 1)
            let threshold = distance * 1.1
            var toStart = Double(first.time - (end - range.duration)) / 1000
            var toEnd = Double(end - last.time) / 1000
            if toStart >= threshold { toStart = distance / 2 }
            // A counter was not below zero: it cannot have begun before its line meets zero.
            if isCounter, result > 0, first.value >= 0 { toStart = min(toStart, sampled * (first.value / result)) }
            if toEnd >= threshold { toEnd = distance / 2 }
            var factor = (sampled + toStart + toEnd) / sampled
            if perSecond { factor /= Double(range.duration) / 1000 }
            return result * factor
        }
    }

    /// 1 at each step at which no series of the range has a sample.
    func absentOverTime(_ call: Call, over steps: Steps) throws -> [Column] {
        var column = Column(
            labels: labelsOfAbsent(call.arguments[0]), values: try filled(1, count: steps.count))
        try forEachRange(of: call.arguments[0], over: steps) { range in
            try budget.work(steps.count)
            range.forEachStep { step, window in if !window.isEmpty { column.values[step] = Column.absent } }
        }
        return column.isEmpty ? [] : [column]
    }
}

private typealias Samples = UnsafeBufferPointer<Sample>

private func lastChange(_ samples: Samples, _ window: Range<Int>, isRate: Bool) -> Double {
    guard window.count > 1 else { return Column.absent }
    let last = samples[window.upperBound - 1]
    let previous = samples[window.upperBound - 2]
    // A counter that fell began anew at zero.
    let change = isRate && last.value < previous.value ? last.value : last.value - previous.value
    return isRate ? change / (Double(last.time - previous.time) / 1000) : change
}

private func linearRegression(
    _ samples: Samples, _ window: Range<Int>, interceptTime: Int64
) -> (slope: Double, intercept: Double) {
    let first = samples[window.lowerBound].value
    var isConstant = true
    var sumX = KahanSum()
    var sumY = KahanSum()
    var sumXY = KahanSum()
    var sumXX = KahanSum()
    for sample in samples[window] {
        if sample.value != first { isConstant = false }
        let x = Double(sample.time - interceptTime) / 1000
        sumX.add(x)
        sumY.add(sample.value)
        sumXY.add(x * sample.value)
        sumXX.add(x * x)
    }
    if isConstant { return first.isInfinite ? (.nan, .nan) : (0, first) }
    let n = Double(window.count)
    let covariance = sumXY.value - sumX.value * sumY.value / n
    let variance = sumXX.value - sumX.value * sumX.value / n
    let slope = covariance / variance
    return (slope, sumY.value / n - slope * sumX.value / n)
}

@inline(__always)
private func count(_ samples: Samples, _ window: Range<Int>, _ isCounted: (Double, Double) -> Bool) -> Double {
    var count = 0
    var index = window.lowerBound + 1
    while index < window.upperBound {
        if isCounted(samples[index - 1].value, samples[index].value) { count += 1 }
        index += 1
    }
    return Double(count)
}

private func sum(_ samples: Samples, _ window: Range<Int>) -> Double {
    var sum = KahanSum()
    for index in window { sum.add(samples[index].value) }
    return sum.value
}

private func mean(_ samples: Samples, _ window: Range<Int>) -> Double {
    var mean = KahanMean(samples[window.lowerBound].value)
    for index in window.dropFirst() { mean.add(samples[index].value) }
    return mean.value
}

private func variance(_ samples: Samples, _ window: Range<Int>) -> Double {
    var count = 0.0
    var mean = KahanSum()
    var squares = KahanSum()
    for index in window {
        count += 1
        let delta = samples[index].value - mean.value
        mean.add(delta / count)
        squares.add(delta * (samples[index].value - mean.value))
    }
    return squares.value / count
}

/// The first sample that no other `beats`; NaN only when there is nothing else.
@inline(__always)
private func extreme(_ samples: Samples, _ window: Range<Int>, _ beats: (Double, Double) -> Bool) -> Int {
    var best = window.lowerBound
    for index in window.dropFirst()
    where beats(samples[index].value, samples[best].value) || samples[best].value.isNaN {
        best = index
    }
    return best
}

private func orEqual(_ beats: @escaping (Double, Double) -> Bool) -> (Double, Double) -> Bool {
    { beats($0, $1) || $0 == $1 }
}

func sortedQuantile(_ rank: Double, _ values: [Double]) -> Double {
    var values = values
    values.sort(by: nanFirst)
    return values.withUnsafeBufferPointer { quantile(rank, ofSorted: $0) }
}

private func smoothed(_ samples: Samples, _ window: Range<Int>, level: Double, trend factor: Double) -> Double {
    guard window.count > 1 else { return Column.absent }
    var previous = 0.0
    var current = samples[window.lowerBound].value
    var trend = samples[window.lowerBound + 1].value - current
    for (index, place) in window.dropFirst().enumerated() {
        if index > 0 { trend = factor * (current - previous) + (1 - factor) * trend }
        let next = level * samples[place].value + (1 - level) * (current + trend)
        previous = current
        current = next
    }
    return current
}
