internal import Synchronization

extension TimeSeriesStore: SeriesSource {
    package func select(
        _ matchers: [Matcher], in range: ClosedRange<Int64>, limits: SelectionLimits = SelectionLimits()
    ) throws -> Selection {
        var found: [Labels: StoredSeries] = [:]
        // Memory first: what is stored meanwhile is met twice then, and not missed.
        try head.withLock { head in
            for place in head.index.places(matchers) {
                let series = head.series[place]
                let chunks = series.chunks(in: range)
                if chunks.isEmpty { continue }
                found[series.labels, default: StoredSeries(range: range)].recent += chunks
                guard found.count <= limits.series else { throw TimeSeriesError.tooManySeries(limits.series) }
            }
        }
        var warnings: [String] = []
        for (file, isRecent) in filesToAsk(range) {
            defer { if !isRecent { file.close() } }
            let (series, damage) = select(matchers, in: file)
            warnings += damage
            for entry in series {
                found[entry.row.labels, default: StoredSeries(range: range)].places.append((file, entry))
                guard found.count <= limits.series else { throw TimeSeriesError.tooManySeries(limits.series) }
            }
        }
        if !warnings.isEmpty { health.withLock { $0.report(warnings) } }
        let series = found.map { SelectedSeries(labels: $0.key, stored: $0.value) }.sorted { $0.labels < $1.labels }
        return Selection(series: series, warnings: warnings)
    }

    private func filesToAsk(_ range: ClosedRange<Int64>) -> [(DayFile, isRecent: Bool)] {
        days.withLock { days in days.files(in: range).map { ($0, days.isRecent($0)) } }
    }

    private func select(
        _ matchers: [Matcher], in file: DayFile
    ) -> (series: [DayFile.Entry], damage: [String]) {
        do {
            return try file.select(matchers)
        } catch {
            return ([], ["\(error)"])
        }
    }
}
