internal import Synchronization
package import TimeSeries

/// Series that rules are tried out on: in memory, at any time.
package final class SeriesInMemory: RuleStore {
    private let series = Mutex<[Labels: [Sample]]>([:])

    package init() {}

    package func append(_ values: [(labels: Labels, value: Double)], at time: Int64, now: Int64) -> String? {
        series.withLock { series in
            var (outOfOrder, duplicates) = (0, 0)
            for (labels, value) in values {
                let sample = Sample(time: time, value: value)
                guard let last = series[labels]?.last, last.time >= time else {
                    series[labels, default: []].append(sample)
                    continue
                }
                if last.time > time { outOfOrder += 1 } else if last != sample { duplicates += 1 }
            }
            return refusal(outOfOrder: outOfOrder, duplicates: duplicates)
        }
    }

    package func select(
        _ matchers: [Matcher], in range: ClosedRange<Int64>, limits: SelectionLimits
    ) throws -> Selection {
        series.withLock { series in
            let found = series.filter { $0.key.satisfy(matchers) }.sorted { $0.key < $1.key }
            return Selection(
                series: found.map { labels, samples in
                    SelectedSeries(labels: labels, samples: samples.filter { range.contains($0.time) })
                })
        }
    }
}
