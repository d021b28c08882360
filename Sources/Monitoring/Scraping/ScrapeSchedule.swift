internal import TimeSeries

/// When a target is scraped: every interval, counted from 1970, at an offset of its own, so that not all are at once and each
/// keeps its times across restarts.
struct ScrapeSchedule: Equatable, Sendable {
    /// Milliseconds.
    let interval: Int64
    /// Milliseconds, less than the interval.
    let offset: Int64

    /// - Parameter seed: what this host differs by from others that scrape the same.
    init(of identity: Target.Identity, interval: Int64, seed: String) {
        self.interval = interval
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        // FNV-1a, which is the same on each start; Swift's own hashes are not.
        for byte in "\(seed)\n\(identity.labels)\n\(identity.url)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        // Its high bits are the better ones.
        offset = Int64((hash >> 16) % UInt64(interval))
    }

    /// The first time after `now`.
    func next(after now: Int64) -> Int64 { last(before: now) + interval }

    /// The last time at or before `now`.
    func last(before now: Int64) -> Int64 {
        let since = now - offset
        return offset + interval * (since / interval - (since % interval < 0 ? 1 : 0))
    }
}
