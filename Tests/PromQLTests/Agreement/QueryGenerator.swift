import PromQL
import TestKit

/// A query that both engines are asked.
struct GeneratedQuery {
    enum Time {
        case instant(Int64)
        case range(ClosedRange<Int64>, step: Int64)
    }

    var text: String
    var time: Time
    /// What it was made for: a function, an operator, a modifier.
    var feature: String
    /// Whether both have to give the same number to the bit: nothing in it is rounded differently by another order of sums or
    /// another mathematics library.
    var isExact: Bool
    /// Whether the order of the answer means something.
    var isSorted = false

    /// As this version of Prometheus calls things.
    func text(for version: String) -> String {
        version.hasPrefix("2.") ? text.replacing("double_exponential_smoothing(", with: "holt_winters(") : text
    }
}

/// Makes expressions over a ``SampleHost``, so that most of them have an answer.
///
/// Prometheus 2.42 answers them as 3.5 does, since no window has a sample or a point of a subquery on its left edge: samples
/// lie at a quarter of a second, queries at half of one, lengths and offsets are whole seconds. What a subquery evaluates is
/// evaluated at whole seconds; so subqueries inside one are half a second longer.
struct QueryGenerator {
    var random: SeededRandom
    /// Whether the next part is evaluated by a subquery.
    var isInside = false
    /// Whether the query has many steps.
    var isRange = false

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// What 2.42 does not have, or has for native histograms only: not compared here, but by the scripts of 3.5.
    static let lacking: Set<String> = [
        "histogram_avg", "histogram_fraction", "histogram_stddev", "histogram_stdvar", "limitk", "limit_ratio",
        "mad_over_time", "sort_by_label", "sort_by_label_desc", "ts_of_last_over_time", "ts_of_max_over_time",
        "ts_of_min_over_time",
    ]

    static let features: [String] =
        Function.allCases.map(\.rawValue).filter { !lacking.contains($0) }
        + Aggregator.allCases.map(\.rawValue).filter { !lacking.contains($0) }
        + operators + comparisons + sets + modifiers

    static let operators = ["+", "-", "*", "/", "%", "^", "atan2"]
    static let comparisons = ["==", "!=", "<", "<=", ">", ">="]
    static let sets = ["and", "or", "unless"]
    static let modifiers = [
        "offset", "offset -", "@", "@ start()", "@ end()", "@ offset", "bool", "on", "ignoring", "group_left",
        "group_right", "group_left(…)", "by", "without", "[:]", "[:s]", "[[:]:]", "[:] @", "=", "!=", "=~", "!~", "{}",
        "-x", "()", "number", "selector", "[]",
    ]

    /// A query for a feature, alone or inside something else.
    mutating func query(about feature: String, isRange: Bool) -> GeneratedQuery {
        self.isRange = isRange
        isInside = false
        var made = vector(about: feature)
        let isSorted = feature == "sort" || feature == "sort_desc"
        let standsAlone =
            isSorted || feature == "[]" || feature == "number" || feature == "topk" || feature == "bottomk"
        for _ in 0..<3 where !standsAlone && chance(0.3) { made = wrapped(made) }
        return GeneratedQuery(
            text: made.text, time: time(), feature: feature, isExact: made.isExact, isSorted: isSorted && !isRange)
    }

    /// At half a second, late enough for all windows.
    private mutating func time() -> GeneratedQuery.Time {
        let start = SampleHost.start + Int64.random(in: 3_000...9_900, using: &random) * 1_000 + 500
        guard isRange else { return .instant(start) }
        let step = pick([7, 15, 30, 60, 97]) as Int64
        let count = Int64.random(in: 5...25, using: &random)
        return .range(start - step * count * 1_000...start, step: step * 1_000)
    }

    /// Anything that takes a vector, around one.
    private mutating func wrapped(_ vector: Vector) -> Vector {
        let labels = vector.labels.shuffled(using: &random).prefix(Int.random(in: 0...2, using: &random))
        let list = labels.joined(separator: ", ")
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return Vector("sum by (\(list)) (\(vector.text))", Array(labels), isExact: false)
        case 1: return Vector("max by (\(list)) (\(vector.text))", Array(labels), isExact: vector.isExact)
        case 2: return Vector("count without (\(list)) (\(vector.text))", vector.labels.filter { !labels.contains($0) })
        case 3: return Vector("abs(\(vector.text))", vector.labels, isExact: vector.isExact)
        case 4: return Vector("\(vector.text) * 2", vector.labels, isExact: vector.isExact)
        case 5: return Vector("(\(vector.text)) / on() group_left vector(4)", vector.labels, isExact: vector.isExact)
        case 6: return Vector("-(\(vector.text))", vector.labels, isExact: vector.isExact)
        default: return Vector("group(\(vector.text)) or vector(7)", [])
        }
    }

    // MARK: Chance

    mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }

    mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[Int.random(in: choices.indices, using: &random)]
    }
}

/// A part of a query.
struct Vector {
    var text: String
    /// That its series have, as far as one knows; without the name.
    var labels: [String]
    var isExact: Bool

    init(_ text: String, _ labels: [String], isExact: Bool = true) {
        (self.text, self.labels, self.isExact) = (text, labels, isExact)
    }
}
