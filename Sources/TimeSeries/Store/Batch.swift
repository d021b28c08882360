/// What a series of a ``TimeSeriesStore`` is known by while the store is open.
package struct SeriesReference: Hashable, Sendable {
    /// Where it stands in memory.
    let place: UInt32
    /// Its number on disk, which is never given again.
    let id: UInt32
}

/// The samples of one scrape, which become durable together.
package struct Batch: Sendable {
    struct Entry: Sendable {
        let series: SeriesReference
        let time: Int64
        let value: UInt64
    }

    /// Milliseconds since 1970.
    package let time: Int64
    private(set) var entries: [Entry] = []

    package init(time: Int64) { self.time = time }

    package var count: Int { entries.count }

    package mutating func reserve(_ count: Int) { entries.reserveCapacity(count) }

    /// - Parameter ownTime: when it was measured, if not at the time of the scrape.
    @inline(__always)
    package mutating func add(_ series: SeriesReference, _ value: Double, at ownTime: Int64? = nil) {
        entries.append(Entry(series: series, time: ownTime ?? time, value: value.bitPattern))
    }
}

/// What became of a ``Batch``.
package struct BatchOutcome: Sendable, Equatable {
    package var appended = 0
    /// Before the last sample of its series.
    package var outOfOrder = 0
    /// At the time of the last sample of its series, with another value.
    package var duplicates = 0
    /// Before what can still be appended to.
    package var tooOld = 0
    /// More than ten minutes after now.
    package var tooNew = 0
    /// Places in the batch whose series is no longer known, because nothing came for it for hours: ask
    /// ``TimeSeriesStore/reference(_:)`` again, and append those once more.
    package var gone: [Int] = []
    /// Whether `kill -9` can no longer take the samples away. False while the disk is full: they are in memory only.
    package var isDurable = true

    package init() {}
}
