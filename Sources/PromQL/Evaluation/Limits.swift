/// What one query may take. Each limit has an error of its own.
package struct Limits: Sendable {
    /// Samples read and values made in the course of the query, all together.
    package var samples = 50_000_000
    /// Of these, values made, each of which takes 8 bytes while its part of the query is alive, and 16 in a subquery.
    package var values = 20_000_000
    /// Series that one selector may match.
    package var series = 100_000
    package var time: Duration = .seconds(120)
    /// How deep an expression may be nested.
    package var depth = 200
    /// How long a label's value may become by `label_replace` and `label_join`, in bytes.
    package var labelValue = 65_536

    package init() {}
}

/// What a query has left of its limits.
final class Budget {
    private let limits: Limits
    private let deadline: ContinuousClock.Instant
    private let isCancelled: () -> Bool
    private var samples = 0
    private var values = 0
    private var unchecked = 0

    init(_ limits: Limits, isCancelled: @escaping () -> Bool) {
        self.limits = limits
        self.isCancelled = isCancelled
        deadline = .now + limits.time
    }

    /// Takes `count` values that are made from the budget. Throws when they are too many, and as `work`.
    func charge(_ count: Int) throws {
        values += count
        guard values <= limits.values else { throw PromQLError.tooManySamples(limit: limits.values) }
        try read(count)
    }

    /// Takes `count` samples that were read from the budget. Throws when they are too many, and as `work`.
    func read(_ count: Int) throws {
        samples += count
        guard samples <= limits.samples else { throw PromQLError.tooManySamples(limit: limits.samples) }
        try work(count)
    }

    /// Counts samples that are looked at again. Throws when time is up or when nobody waits any more.
    @inline(__always) func work(_ count: Int) throws {
        unchecked += count + 1
        // The clock is read once for a few thousand values.
        if unchecked > 4_096 { try checkTime() }
    }

    /// Throws when time is up or when nobody waits any more.
    func checkTime() throws {
        unchecked = 0
        guard ContinuousClock.now < deadline else {
            throw PromQLError(.timeout, "query timed out after \(limits.time)")
        }
        guard !isCancelled() else { throw PromQLError(.cancelled, "query was cancelled") }
    }
}
