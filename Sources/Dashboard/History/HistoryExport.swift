internal import Exposition
internal import PromQL
package import TimeSeries

/// Stored series as OpenMetrics with times, one after the other: what `import` and promtool take back.
///
/// That a series ended is not in it: the format has no word for that.
package struct HistoryExport: Sendable {
    /// In the order of their labels, so that what belongs together stands together.
    private let series: [SelectedSeries]
    /// What could not be read when the series were looked for.
    package let warnings: [String]

    /// Looks for the series, and reads none of them yet.
    ///
    /// - Parameter selectors: `match[]` as the API takes it; none: all series.
    /// - Throws: `PromQLError` for a selector that is none, `TimeSeriesError`.
    package init(_ selectors: [String], in range: ClosedRange<Int64>, from store: TimeSeriesStore) throws {
        try self.init(matching: selectors.map(Expression.matchers), in: range, from: store)
    }

    init(matching selectors: [[Matcher]], in range: ClosedRange<Int64>, from store: TimeSeriesStore) throws {
        var found: [Labels: SelectedSeries] = [:]
        var warnings: [String] = []
        for matchers in selectors.isEmpty ? [[]] : selectors {
            let selection = try store.select(matchers, in: range, limits: SelectionLimits(series: .max))
            for series in selection.series { found[series.labels] = series }
            for warning in selection.warnings where !warnings.contains(warning) { warnings.append(warning) }
        }
        let named = found.values.map { (name: $0.labels.metricName ?? "", series: $0) }
        series = named.sorted { ($0.name, $0.series.labels) < ($1.name, $1.series.labels) }.map(\.series)
        self.warnings = warnings
    }

    package var count: Int { series.count }

    /// The lines of one series.
    ///
    /// - Returns: and what of it could not be read, in words; nil when it is whole.
    package func lines(of index: Int) -> (bytes: [UInt8], damage: String?) {
        var samples: [Sample] = []
        var damage: String?
        do {
            try series[index].decode(into: &samples)
        } catch {
            damage = APIError(error).message
        }
        var writer = ExpositionWriter(.openMetrics)
        let labels = series[index].labels
        writer.series(
            labels.metricName ?? "", labels.withoutMetricName.map { (name: $0.name, value: $0.value) },
            samples.lazy.filter { !$0.isStale }.map { (value: $0.value, time: $0.time) })
        return (writer.takeWritten(), damage)
    }

    /// What stands behind the last series.
    package static var end: [UInt8] { ExpositionWriter(.openMetrics).finish() }
}
