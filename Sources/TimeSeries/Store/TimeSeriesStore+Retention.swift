internal import Machine
internal import Synchronization

extension TimeSeriesStore {
    /// Removes what is older than the limit of time, then the oldest until the limit of size is kept.
    package func enforceRetention(now: Int64) throws {
        let limit = limits.size?.bytes ?? .max
        try days.withLock { days in
            let end = now - Int64(limits.days) * Day.length
            for file in days.files where file.day.end <= end { try days.remove(file) }
            var sizes = days.files.map { ($0, $0.size) }[...]
            var total = sizes.reduce(recentSize) { $0 + $1.1 }
            while total > limit, sizes.count > 1, let (oldest, size) = sizes.popFirst() {
                try days.remove(oldest)
                total -= size
            }
            guard total > limit, let (last, _) = sizes.first else { return }
            while try last.usedSize() + recentSize > limit, try last.removeEarliestWindow() {}
        }
    }
}
