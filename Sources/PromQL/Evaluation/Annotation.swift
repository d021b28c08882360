import TimeSeries

/// What a person should know about an answer that is not wrong.
package struct Annotation: Hashable, Sendable {
    package enum Level: String, Sendable {
        case warning = "PromQL warning"
        case info = "PromQL info"
    }

    package let level: Level
    package let text: String
    /// Nil for what the store says.
    package let position: SourcePlace?

    /// As Prometheus writes it in a response.
    package var description: String { position.map { "\(level.rawValue): \(text) (\($0))" } ?? text }
}

/// The annotations of one query, each once, in the order of their first appearance.
final class Annotations {
    private(set) var all: [Annotation] = []
    private var seen: Set<Annotation> = []
    private let text: String

    init(text: String) { self.text = text }

    /// What the store could not read.
    func storage(_ text: String) { add(Annotation(level: .warning, text: text, position: nil)) }

    private func add(_ level: Annotation.Level, _ message: String, _ range: SourceRange) {
        add(Annotation(level: level, text: message, position: SourcePlace(offset: range.start, in: text)))
    }

    private func add(_ annotation: Annotation) {
        if seen.insert(annotation).inserted { all.append(annotation) }
    }

    func invalidQuantile(_ value: Double, _ range: SourceRange) {
        add(.warning, "quantile value should be between 0 and 1, got \(FloatText.short(value))", range)
    }

    func invalidRatio(_ value: Double, cappedTo bound: Double, _ range: SourceRange) {
        add(
            .warning,
            "ratio value should be between -1 and 1, got \(FloatText.short(value)), capping to \(FloatText.short(bound))",
            range)
    }

    func badBucket(_ bound: String, of labels: Labels, _ range: SourceRange) {
        add(
            .warning,
            "bucket label \"le\" is missing or has a malformed value of \(quoted(bound))" + forMetric(labels), range)
    }

    func forcedMonotonicity(of labels: Labels, _ range: SourceRange) {
        add(
            .info,
            "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
                + forMetric(labels), range)
    }

    func possibleNonCounter(_ name: String, _ range: SourceRange) {
        add(
            .info,
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \(quoted(name))", range)
    }

    private func forMetric(_ labels: Labels) -> String {
        labels.metricName.map { " for metric name \(quoted($0))" } ?? ""
    }
}
