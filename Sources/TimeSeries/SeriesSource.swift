/// Where series are read from.
///
/// Calls may block on a disk: they belong on a thread of the caller's (`onThread`), not on the cooperative pool.
package protocol SeriesSource: Sendable {
    /// The series that satisfy all matchers and may have samples in `range`, in the order of their labels, each once.
    ///
    /// Nothing is decoded yet: who goes through the series one by one needs the memory of one.
    ///
    /// - Parameter range: milliseconds since 1970, both ends included.
    /// - Throws: `TimeSeriesError` when a limit is passed. Damage is no error: what is whole is given, the rest named in
    ///   ``Selection/warnings``.
    func select(_ matchers: [Matcher], in range: ClosedRange<Int64>, limits: SelectionLimits) throws -> Selection
}

/// How much one selection may find.
package struct SelectionLimits: Sendable {
    package var series: Int

    package init(series: Int = 100_000) { self.series = series }
}

/// What a ``SeriesSource`` found.
package struct Selection: Sendable {
    package var series: [SelectedSeries]
    /// What could not be read, in words for a person.
    package var warnings: [String]

    package init(series: [SelectedSeries] = [], warnings: [String] = []) {
        self.series = series
        self.warnings = warnings
    }
}

/// One series of a selection, and its samples in the range, which are decoded when asked for.
package struct SelectedSeries: Sendable {
    package let labels: Labels
    private let content: Content

    private enum Content: Sendable {
        case plain([Sample])
        case stored(StoredSeries)
    }

    /// - Parameter samples: ascending in time, each time once.
    package init(labels: Labels, samples: [Sample]) {
        self.labels = labels
        content = .plain(samples)
    }

    init(labels: Labels, stored: StoredSeries) {
        self.labels = labels
        content = .stored(stored)
    }

    /// Replaces what is in `buffer` by the samples: ascending, each time once, stale markers included; perhaps none.
    ///
    /// - Throws: `TimeSeriesError` when something stored turns out to be damaged; the samples that are whole are in the
    ///   buffer all the same.
    package func decode(into buffer: inout [Sample]) throws {
        buffer.removeAll(keepingCapacity: true)
        switch content {
        case .plain(let samples): buffer.append(contentsOf: samples)
        case .stored(let stored): try stored.decode(into: &buffer)
        }
    }

    /// The samples, in a buffer of their own.
    package func samples() throws -> [Sample] {
        var buffer: [Sample] = []
        try decode(into: &buffer)
        return buffer
    }
}

/// Where the samples of one series lie.
struct StoredSeries: Sendable {
    /// By day.
    var places: [(file: DayFile, entry: DayFile.Entry)] = []
    /// Ascending, and later than what is in the files, or the same.
    var recent: [Chunk] = []
    let range: ClosedRange<Int64>

    func decode(into buffer: inout [Sample]) throws {
        var broken: (rows: Int, file: String) = (0, "")
        for place in places {
            let rows = place.file.unpack(place.entry, in: range, into: &buffer)
            if rows > 0 { broken = (broken.rows + rows, place.file.path) }
        }
        for chunk in recent { chunk.unpack(in: range, into: &buffer) }
        buffer.putInOrder()
        if broken.rows > 0 { throw TimeSeriesError.damagedRows(broken.rows, broken.file) }
    }
}
