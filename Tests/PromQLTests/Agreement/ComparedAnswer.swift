import PromQL
import TestKit
import TimeSeries

/// An answer, whoever gave it, so that two can be compared.
struct ComparedAnswer {
    typealias Points = [(time: Int64, value: Double)]

    /// `vector`, `matrix`, `scalar`, `string`, or why there is none: `bad_data` or `execution`.
    let kind: String
    /// What was complained of.
    let complaint: String?
    /// In the order of the answer.
    let series: [(labels: [String: String], points: Points)]

    var isError: Bool { complaint != nil }
    var isEmpty: Bool { series.isEmpty && kind != "string" }

    init(_ answer: PrometheusAnswer) {
        kind = answer.errorType ?? answer.resultType
        complaint = answer.errorType.map { _ in answer.error ?? "" }
        series = answer.series.map { ($0.labels, $0.samples) }
    }

    /// What `engine` says.
    init(_ engine: Engine, _ query: GeneratedQuery, _ source: some SeriesSource) {
        do {
            let parsed = try engine.parse(query.text)
            switch query.time {
            case .instant(let time): self.init(try engine.instant(parsed, at: time, from: source))
            case .range(let range, let step):
                self.init(try engine.range(parsed, over: range, step: step, from: source))
            }
        } catch {
            self.init(error)
        }
    }

    private init(_ error: any Error) {
        switch (error as? PromQLError)?.kind {
        case .syntax, .tooDeep: kind = "bad_data"
        case let other: kind = other?.rawValue ?? "internal"
        }
        complaint = "\(error)"
        series = []
    }

    private init(_ answer: Answer) {
        func one(_ labels: Labels, _ samples: [Sample]) -> (labels: [String: String], points: Points) {
            (Dictionary(uniqueKeysWithValues: labels.map { ($0.name, $0.value) }), samples.map { ($0.time, $0.value) })
        }
        complaint = nil
        switch answer.value {
        case .scalar(let sample): (kind, series) = ("scalar", [one(Labels(), [sample])])
        case .string: (kind, series) = ("string", [])
        case .vector(let elements): (kind, series) = ("vector", elements.map { one($0.labels, [$0.sample]) })
        case .matrix(let matrix): (kind, series) = ("matrix", matrix.map { one($0.labels, $0.floats) })
        }
    }

    /// How this answer is another one than what Prometheus gave to the query; nil: it is the same.
    func difference(from other: ComparedAnswer, for query: GeneratedQuery) -> String? {
        guard kind == other.kind else {
            return "\(kind) \(complaint ?? "") where Prometheus has \(other.kind) \(other.complaint ?? "")"
        }
        if query.isSorted {
            let (ours, theirs) = (series.map(\.points[0].value), other.series.map(\.points[0].value))
            guard ours.elementsEqual(theirs, by: { $0 == $1 || $0.isNaN && $1.isNaN }) else {
                return "the order \(ours) where Prometheus has \(theirs)"
            }
        }
        // Which of equal values are chosen depends on the order in which series were made.
        let choosesAny = query.feature == "topk" || query.feature == "bottomk"
        if choosesAny, sortedValues == other.sortedValues { return nil }
        let theirs = Dictionary(other.series.map { ($0.labels, $0.points) }) { one, _ in one }
        guard theirs.count == other.series.count else { return "Prometheus has labels twice" }
        for (labels, points) in series {
            guard let expected = theirs[labels] else { return "\(labels), which Prometheus does not have" }
            if let difference = Self.difference(points, expected, isExact: query.isExact) {
                return "\(labels) \(difference)"
            }
        }
        guard series.count == theirs.count else {
            return "no \(Set(theirs.keys).subtracting(series.map(\.labels)).prefix(3)), which Prometheus has"
        }
        return nil
    }

    /// At each time.
    private var sortedValues: [Int64: [UInt64]] {
        var values: [Int64: [UInt64]] = [:]
        for (_, points) in series {
            for point in points { values[point.time, default: []].append(point.value.bitPattern) }
        }
        return values.mapValues { $0.sorted() }
    }

    private static func difference(_ ours: Points, _ theirs: Points, isExact: Bool) -> String? {
        guard ours.map(\.time) == theirs.map(\.time) else {
            let odd = Set(ours.map(\.time)).symmetricDifference(theirs.map(\.time)).sorted()
            return "has \(ours.count) points for \(theirs.count), others at \(odd.prefix(3))"
        }
        for (our, their) in zip(ours, theirs) where !isSame(our.value, their.value, isExact: isExact) {
            return "at \(our.time): \(our.value) where Prometheus has \(their.value)"
        }
        return nil
    }

    private static func isSame(_ one: Double, _ other: Double, isExact: Bool) -> Bool {
        if one == other || one.isNaN && other.isNaN { return true }
        return !isExact && (one - other).magnitude <= 1e-9 * max(one.magnitude, other.magnitude)
    }
}
