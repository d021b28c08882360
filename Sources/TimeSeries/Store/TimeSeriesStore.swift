package import Machine
internal import Synchronization

/// Keeps series: takes scrapes in, makes them durable, and gives samples back (`docs/formats/timeseries.md`).
///
/// Calls block on the disk: they belong on threads (`onThread`), not on the cooperative pool. Any thread may call; scrapes
/// are written one after the other.
package final class TimeSeriesStore: Sendable {
    package struct Limits: Sendable {
        /// Days that ended longer ago are removed.
        package var days: Int
        /// The oldest days are removed while all files together are larger; nil: no limit.
        package var size: ByteCount?
        /// Series that something came for lately.
        package var series: Int

        package init(days: Int = 30, size: ByteCount? = nil, series: Int = 200_000) {
            self.days = days
            self.size = size
            self.series = series
        }
    }

    package let folder: String
    package let limits: Limits
    let head: Mutex<Head>
    let days: Mutex<DayFiles>
    let health = Mutex(StoreHealth())
    let writer: Mutex<Writer>
    private let lock: FileLock

    /// What only the one who writes touches.
    struct Writer {
        /// nil: it was damaged, and could not be begun anew yet.
        var recent: RecentFile?
        /// Milliseconds, on the caller's clock.
        var lastCheckpoint: Int64
        /// Not before this: the disk refused.
        var nextTry = Int64.min
    }

    /// Opens the folder, and makes it when it is missing; what the last process left in `recent.sqlite` is in memory then.
    ///
    /// - Parameter now: milliseconds since 1970.
    /// - Throws: `TimeSeriesError` of the kind `inUse` while another process has it. Damage is no error: see ``health``.
    package init(_ folder: String, limits: Limits = Limits(), now: Int64) throws {
        self.folder = folder
        self.limits = limits
        lock = try Self.take(folder)
        var days = try DayFiles(folder)
        var head = Head()
        let (recent, damage) = try Self.openRecent(folder, days, &head, now: now)
        if !damage.isEmpty {
            health.withLock { $0.report(damage) }
            try? Self.store(head.rows(before: .max), into: &days)
        }
        self.head = Mutex(head)
        self.days = Mutex(days)
        writer = Mutex(Writer(recent: recent, lastCheckpoint: now))
        try? enforceRetention(now: now)
    }

    private static func take(_ path: String) throws -> FileLock {
        try makeFolders(path)
        guard let lock = try FileLock.take("lock", in: .folder(path), saying: "metrics") else {
            throw TimeSeriesError(
                .inUse, "Another process writes the metrics.", path, remedy: "Is `holdfast watch` running already?")
        }
        return lock
    }
}

/// What is wrong with a store, if anything.
package struct StoreHealth: Sendable {
    /// Since when samples are in memory only, in milliseconds; nil: all are durable.
    package internal(set) var unsavedSince: Int64?
    /// Why, or what else the disk refuses now; nil: nothing.
    package internal(set) var problem: String?
    /// What was found damaged since the start, in words.
    package internal(set) var damage: [String] = []
    /// Samples that memory had no more room for while the disk refused them.
    package internal(set) var lostSamples = 0

    private static let limit = 100

    mutating func report(_ new: [String]) {
        for text in new where !damage.contains(text) && damage.count < Self.limit { damage.append(text) }
    }
}

extension TimeSeriesStore {
    /// What is wrong, if anything.
    package var condition: StoreHealth { health.withLock { $0 } }

    /// Finds or makes the series of these labels. It is durable with the first batch that follows.
    ///
    /// - Throws: `TimeSeriesError` of the kind `limit` when it would be one too many.
    package func reference(_ labels: Labels) throws -> SeriesReference {
        try head.withLock { try $0.reference(labels, limit: limits.series) }
    }

    /// - Throws: `TimeSeriesError` of the kind `limit` when so many new series would be too many: who asks before
    ///   ``reference(_:)`` leaves no room taken by series that nothing comes for.
    package func checkRoom(for count: Int) throws {
        if seriesCount + count > limits.series { throw TimeSeriesError.seriesLimit(limits.series) }
    }

    /// Series that something came for lately.
    package var seriesCount: Int { head.withLock { $0.count } }

    /// Samples that are not yet in a day's file.
    package var recentSampleCount: Int { head.withLock { $0.sampleCount } }

    /// Of all files.
    package var size: ByteCount {
        ByteCount(days.withLock { $0.files.reduce(0) { $0 + $1.size } } + recentSize)
    }
}
