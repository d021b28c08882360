import Synchronization
import TimeSeries

/// Series in memory.
final class MemorySource: SeriesSource {
    private struct Content {
        var series: [Labels: [Sample]] = [:]
        /// When a series has native histograms, of which only the time is known.
        var histograms: [Labels: [Int64]] = [:]
        var metHistograms = false
    }

    private let content = Mutex(Content())

    /// Adds samples, ascending; a time that a series has already is written over.
    func add(_ samples: [Sample], to labels: Labels) {
        content.withLock { content in
            var byTime: [Int64: Sample] = [:]
            for sample in content.series[labels, default: []] + samples { byTime[sample.time] = sample }
            content.series[labels] = byTime.values.sorted { $0.time < $1.time }
        }
    }

    func addHistograms(at times: [Int64], to labels: Labels) {
        content.withLock { $0.histograms[labels, default: []] += times }
    }

    func clear() { content.withLock { $0 = Content() } }

    /// Whether a query since the last call looked at series with native histograms.
    func takeMetHistograms() -> Bool {
        content.withLock { content in
            defer { content.metHistograms = false }
            return content.metHistograms
        }
    }

    func select(_ matchers: [Matcher], in range: ClosedRange<Int64>, limits: SelectionLimits) -> Selection {
        content.withLock { content in
            for (labels, times) in content.histograms where labels.satisfy(matchers) {
                if times.contains(where: range.contains) { content.metHistograms = true }
            }
            let found = content.series.filter { $0.key.satisfy(matchers) }.sorted { $0.key < $1.key }
            return Selection(
                series: found.map { labels, samples in
                    SelectedSeries(labels: labels, samples: samples.filter { range.contains($0.time) })
                })
        }
    }
}
