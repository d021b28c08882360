import Glibc

/// The value of an arithmetic operator.
func arithmetic(_ operation: BinaryOperator, _ left: Double, _ right: Double) -> Double {
    switch operation {
    case .add: left + right
    case .subtract: left - right
    case .multiply: left * right
    case .divide: left / right
    case .modulo: fmod(left, right)
    case .power: pow(left, right)
    case .atan2: Glibc.atan2(left, right)
    default: preconditionFailure("BUG: \(operation) is no arithmetic")
    }
}

/// Whether a comparison holds.
@inline(__always) func compare(_ operation: BinaryOperator, _ left: Double, _ right: Double) -> Bool {
    switch operation {
    case .equal: left == right
    case .notEqual: left != right
    case .less: left < right
    case .lessOrEqual: left <= right
    case .greater: left > right
    case .greaterOrEqual: left >= right
    default: preconditionFailure("BUG: \(operation) is no comparison")
    }
}

/// A sum that carries what rounding loses (Kahan's, with Neumaier's improvement).
struct KahanSum {
    var sum: Double
    var compensation = 0.0

    init(_ first: Double = 0) { sum = first }

    init(sum: Double, compensation: Double) {
        self.sum = sum
        self.compensation = compensation
    }

    @inline(__always) mutating func add(_ value: Double) {
        let total = sum + value
        if total.isInfinite {
            compensation = 0
        } else if sum.magnitude >= value.magnitude {
            compensation += (sum - total) + value
        } else {
            compensation += (value - total) + sum
        }
        sum = total
    }

    var value: Double { sum + compensation }
}

/// A mean: a sum divided at the end, or, once that would overflow, a mean corrected value by value.
struct KahanMean {
    private var total: KahanSum
    private(set) var count = 1.0
    private var isIncremental = false

    init(_ first: Double) { total = KahanSum(first) }

    @inline(__always) mutating func add(_ value: Double) {
        count += 1
        if !isIncremental {
            var sum = total
            sum.add(value)
            if !sum.sum.isInfinite {
                total = sum
                return
            }
            isIncremental = true
            total = KahanSum(sum: total.sum / (count - 1), compensation: total.compensation / (count - 1))
        }
        let weight = (count - 1) / count
        total = KahanSum(sum: weight * total.sum, compensation: weight * total.compensation)
        total.add(value / count)
    }

    var value: Double { isIncremental ? total.value : total.sum / count + total.compensation / count }
}

/// The quantile of values that are sorted, NaN first.
func quantile(_ rank: Double, ofSorted values: UnsafeBufferPointer<Double>) -> Double {
    if values.isEmpty || rank.isNaN { return .nan }
    if rank < 0 { return -.infinity }
    if rank > 1 { return .infinity }
    let place = rank * Double(values.count - 1)
    let lower = Int(place)
    let upper = min(lower + 1, values.count - 1)
    let weight = place - place.rounded(.down)
    return values[lower] * (1 - weight) + values[upper] * weight
}

/// Prometheus's order of values: NaN before everything.
@inline(__always) func nanFirst(_ left: Double, _ right: Double) -> Bool {
    left.isNaN ? !right.isNaN : left < right
}
