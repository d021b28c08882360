package import TimeSeries

/// What an expression yields.
///
/// Samples are floats. Native histograms, once they come, stand beside `floats` and `sample` as they do in Prometheus's
/// JSON (`histograms` beside `values`), not among them.
package struct Answer: Sendable {
    package enum Value: Sendable {
        case scalar(Sample)
        case string(String, time: Int64)
        /// In the order that the expression gives: sorted for `sort` and `topk`, otherwise as the store gave it.
        case vector([Element])
        /// Sorted by labels.
        case matrix([Series])
    }

    package struct Element: Sendable {
        package let labels: Labels
        package let sample: Sample
    }

    package struct Series: Sendable {
        package let labels: Labels
        /// Ascending by time, never empty.
        package let floats: [Sample]
    }

    package let value: Value
    package let annotations: [Annotation]
}
