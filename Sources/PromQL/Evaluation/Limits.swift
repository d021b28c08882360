/// What one query may take. Each limit has an error of its own.
package struct Limits: Sendable {
    /// Samples read and values made in the course of the query, all together.
    package var samples = 50_000_000
    /// Series that one selector may match.
    package var series = 100_000
    package var time: Duration = .seconds(120)
    /// How deep an expression may be nested.
    package var depth = 200

    package init() {}
}

/// What a query has left of its limits.
final class Budget {
    private let limits: Limits
    private let deadline: ContinuousClock.Instant
    private let isCancelled: () -> Bool
    private var samples = 0
    private var unchecked = 0

    init(_ limits: Limits, isCancelled: @escaping () -> Bool) {
        self.limits = limits
        self.isCancelled = isCancelled
        deadline = .now + limits.time
    }

    /// Takes `count` samples from the budget. Throws when they are too many, and as `work`.
    func charge(_ count: Int) throws {
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

    private func checkTime() throws {
        unchecked = 0
        guard ContinuousClock.now < deadline else {
            throw PromQLError(.timeout, "query timed out after \(limits.time)")
        }
        guard !isCancelled() else { throw PromQLError(.cancelled, "query was cancelled") }
    }
}
