import Glibc
import TimeSeries

/// Calls of functions that are not of range vectors.
extension Evaluator {
    func evaluate(_ call: Call, over steps: Steps) throws -> Value {
        let arguments = call.arguments
        switch call.function {
        case .time: return .scalar(try times(steps))
        case .pi: return .scalar(try filled(.pi, count: steps.count))
        case .scalar: return .scalar(try onlyValues(vector(arguments[0], over: steps), steps))
        case .vector: return .vector([Column(labels: Labels(), values: try scalar(arguments[0], over: steps))])
        case .absent: return .vector(try absent(arguments[0], over: steps))
        case .absentOverTime: return .vector(try absentOverTime(call, over: steps))
        case .timestamp: return .vector(try timestamps(arguments[0], over: steps))
        case .sort, .sortDesc:
            return .vector(sorted(try vector(arguments[0], over: steps), descending: call.function == .sortDesc))
        case .sortByLabel, .sortByLabelDesc:
            let columns = try vector(arguments[0], over: steps)
            let names = arguments.dropFirst().map(string)
            return .vector(sorted(columns, by: names, descending: call.function == .sortByLabelDesc))
        case .labelReplace: return .vector(try labelReplace(call, over: steps))
        case .labelJoin: return .vector(try labelJoin(call, over: steps))
        case .histogramQuantile: return .vector(try histogramQuantile(call, over: steps))
        case .histogramFraction: return .vector(try histogramFraction(call, over: steps))
        case .histogramAvg, .histogramCount, .histogramStddev, .histogramStdvar, .histogramSum:
            // These look at native histograms only, and there are none.
            _ = try vector(arguments[0], over: steps)
            return .vector([])
        case .clamp, .clampMin, .clampMax: return .vector(try clamped(call, over: steps))
        case .round: return .vector(try rounded(call, over: steps))
        case .dayOfMonth, .dayOfWeek, .dayOfYear, .daysInMonth, .hour, .minute, .month, .year:
            return .vector(try calendar(call, over: steps))
        default:
            guard let function = Self.simple(call.function) else {
                return .vector(try rangeFunction(call, over: steps))
            }
            return .vector(try mapped(arguments[0], over: steps, function))
        }
    }

    /// The functions that take one number to another.
    private static func simple(_ function: Function) -> ((Double) -> Double)? {
        switch function {
        case .abs: { $0.magnitude }
        case .ceil: { $0.rounded(.up) }
        case .floor: { $0.rounded(.down) }
        case .sgn: { $0 < 0 ? -1 : $0 > 0 ? 1 : $0 }
        case .sqrt: { $0.squareRoot() }
        case .exp: { Glibc.exp($0) }
        case .ln: { Glibc.log($0) }
        case .log2: { Glibc.log2($0) }
        case .log10: { Glibc.log10($0) }
        case .sin: { Glibc.sin($0) }
        case .cos: { Glibc.cos($0) }
        case .tan: { Glibc.tan($0) }
        case .asin: { Glibc.asin($0) }
        case .acos: { Glibc.acos($0) }
        case .atan: { Glibc.atan($0) }
        case .sinh: { Glibc.sinh($0) }
        case .cosh: { Glibc.cosh($0) }
        case .tanh: { Glibc.tanh($0) }
        case .asinh: { Glibc.asinh($0) }
        case .acosh: { Glibc.acosh($0) }
        case .atanh: { Glibc.atanh($0) }
        case .rad: { $0 * .pi / 180 }
        case .deg: { $0 * 180 / .pi }
        default: nil
        }
    }

    private func mapped(_ argument: Expression, over steps: Steps, _ transform: (Double) -> Double) throws -> [Column] {
        var columns = try vector(argument, over: steps)
        for index in columns.indices { columns[index].map(transform) }
        return try droppingName(columns, count: steps.count)
    }

    // MARK: Scalars, times and what is absent

    private func times(_ steps: Steps) throws -> [Double] {
        try budget.charge(steps.count)
        return (0..<steps.count).map { Double(steps.time($0)) / 1000 }
    }

    /// The value at each step that has exactly one, otherwise NaN.
    private func onlyValues(_ columns: [Column], _ steps: Steps) throws -> [Double] {
        var values = try filled(Column.absent, count: steps.count)
        var isSpoilt = [Bool](repeating: false, count: steps.count)
        for column in columns {
            for step in 0..<steps.count where !column.values[step].isAbsent {
                if !values[step].isAbsent { isSpoilt[step] = true }
                values[step] = column.values[step]
            }
        }
        for step in 0..<steps.count where isSpoilt[step] || values[step].isAbsent { values[step] = .nan }
        return values
    }

    private func absent(_ argument: Expression, over steps: Steps) throws -> [Column] {
        let columns = try vector(argument, over: steps)
        var absent = Column(labels: labelsOfAbsent(argument), values: try filled(1, count: steps.count))
        for column in columns {
            for step in 0..<steps.count where !column.values[step].isAbsent { absent.values[step] = Column.absent }
        }
        return absent.isEmpty ? [] : [absent]
    }

    /// What a selector's equality matchers say about the series that is not there.
    func labelsOfAbsent(_ argument: Expression) -> Labels {
        let matchers: [Matcher]
        switch argument {
        case .selector(let selector): matchers = selector.matchers
        case .range(let range): matchers = range.selector.matchers
        default: return Labels()
        }
        let byName = Dictionary(grouping: matchers.filter { $0.name != Labels.metricName }, by: \.name)
        return Labels(
            byName.compactMap { name, matchers in
                guard matchers.count == 1, matchers[0].operation == .equal else { return nil }
                return Label(name: name, value: matchers[0].value)
            })
    }

    /// The time of the sample itself for a selector, otherwise the step's.
    private func timestamps(_ argument: Expression, over steps: Steps) throws -> [Column] {
        if case .selector(let selector) = argument.bare {
            return try droppingName(columns(of: selector, over: steps, times: true), count: steps.count)
        }
        var columns = try vector(argument, over: steps)
        for index in columns.indices { columns[index].mapSteps { Double(steps.time($1)) / 1000 } }
        return try droppingName(columns, count: steps.count)
    }

    // MARK: Numbers

    private func clamped(_ call: Call, over steps: Steps) throws -> [Column] {
        var columns = try vector(call.arguments[0], over: steps)
        let function = call.function
        let first = try scalar(call.arguments[1], over: steps)
        let last = try scalar(call.arguments[call.arguments.count - 1], over: steps)
        for index in columns.indices {
            columns[index].mapSteps { value, step in
                switch function {
                case .clampMin: return larger(value, first[step])
                case .clampMax: return smaller(value, last[step])
                default:
                    return last[step] < first[step] ? Column.absent : larger(first[step], smaller(last[step], value))
                }
            }
        }
        return try droppingName(columns, count: steps.count)
    }

    private func rounded(_ call: Call, over steps: Steps) throws -> [Column] {
        var columns = try vector(call.arguments[0], over: steps)
        let nearest =
            call.arguments.count > 1
            ? try scalar(call.arguments[1], over: steps) : try filled(1, count: steps.count)
        for index in columns.indices {
            columns[index].mapSteps { value, step in
                // By the inverse, which is exact for 0.1 and the like.
                let inverse = 1 / nearest[step]
                return (value * inverse + 0.5).rounded(.down) / inverse
            }
        }
        return try droppingName(columns, count: steps.count)
    }

    private func calendar(_ call: Call, over steps: Steps) throws -> [Column] {
        let function = call.function
        guard let argument = call.arguments.first else {
            return [
                Column(labels: Labels(), values: try times(steps).map { CalendarDay.part(function, of: $0) })
            ]
        }
        return try mapped(argument, over: steps) { CalendarDay.part(function, of: $0) }
    }

    // MARK: Order

    /// The order of an instant query's answer; one over many steps is sorted by labels in the end.
    private func sorted(_ columns: [Column], descending: Bool) -> [Column] {
        guard columns.allSatisfy({ $0.values.count == 1 }) else { return columns }
        return columns.sorted { left, right in
            let (left, right) = (left.values[0], right.values[0])
            // NaN comes last either way.
            if left.isNaN || right.isNaN { return !left.isNaN && right.isNaN }
            return descending ? left > right : left < right
        }
    }

    private func sorted(_ columns: [Column], by names: [String], descending: Bool) -> [Column] {
        columns.sorted { left, right in
            for name in names {
                let (one, other) = (left.labels[name] ?? "", right.labels[name] ?? "")
                if one == other { continue }
                return naturallyPrecedes(one, other) != descending
            }
            return descending ? right.labels < left.labels : left.labels < right.labels
        }
    }
}

/// As Go's `math.Max`: +Inf wins, then NaN.
private func larger(_ left: Double, _ right: Double) -> Double {
    if left == .infinity || right == .infinity { return .infinity }
    return left.isNaN || right.isNaN ? .nan : max(left, right)
}

/// As Go's `math.Min`: -Inf wins, then NaN.
private func smaller(_ left: Double, _ right: Double) -> Double {
    if left == -.infinity || right == -.infinity { return -.infinity }
    return left.isNaN || right.isNaN ? .nan : min(left, right)
}

/// Whether `left` comes first when runs of digits count as numbers.
private func naturallyPrecedes(_ left: String, _ right: String) -> Bool {
    var (left, right) = (Substring(left), Substring(right))
    while let one = left.first, let other = right.first {
        if one.isASCII, one.isNumber, other.isASCII, other.isNumber {
            let first = left.prefix { $0.isASCII && $0.isNumber }
            let second = right.prefix { $0.isASCII && $0.isNumber }
            let (firstDigits, secondDigits) = (first.drop { $0 == "0" }, second.drop { $0 == "0" })
            if firstDigits.count != secondDigits.count { return firstDigits.count < secondDigits.count }
            if firstDigits != secondDigits { return firstDigits < secondDigits }
            left = left.dropFirst(first.count)
            right = right.dropFirst(second.count)
        } else if one == other {
            left.removeFirst()
            right.removeFirst()
        } else {
            return one < other
        }
    }
    return left.isEmpty && !right.isEmpty
}
