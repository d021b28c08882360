internal import Synchronization

extension TimeSeriesStore {
    /// Puts samples of the past into the days' files, together with what is there; of two at the same time the new one counts.
    ///
    /// - Parameter samples: ascending in time, each time once.
    package func insert(_ history: [(labels: Labels, samples: [Sample])]) throws {
        var rows: [Window: [DayFile.Row]] = [:]
        for (labels, samples) in history {
            for own in samples.chunked(by: { Window(of: $0.time) }) {
                let row = DayFile.Row(labels: labels, chunks: WindowRow.chunks(Array(own)))
                rows[Window(of: own[own.startIndex].time), default: []].append(row)
            }
        }
        try days.withLock { try Self.store(rows, into: &$0) }
    }
}

extension [Sample] {
    /// Runs of samples for which `key` gives the same.
    fileprivate func chunked(by key: (Sample) -> Window) -> [ArraySlice<Sample>] {
        var runs: [ArraySlice<Sample>] = []
        var start = 0
        for index in indices where index == count - 1 || key(self[index]) != key(self[index + 1]) {
            runs.append(self[start...index])
            start = index + 1
        }
        return runs
    }
}
