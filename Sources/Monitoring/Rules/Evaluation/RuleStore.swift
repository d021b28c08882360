package import TimeSeries

/// Where rules read from and write to.
package protocol RuleStore: SeriesSource {
    /// Appends values that all belong to one time, in milliseconds.
    ///
    /// - Parameter now: milliseconds since 1970.
    /// - Returns: why some were refused, in Prometheus's words; nil: none was.
    func append(_ values: [(labels: Labels, value: Double)], at time: Int64, now: Int64) throws -> String?
}

extension TimeSeriesStore: RuleStore {
    package func append(_ values: [(labels: Labels, value: Double)], at time: Int64, now: Int64) throws -> String? {
        var outcome = append(try batch(values, at: time), now: now)
        if !outcome.gone.isEmpty {
            // They were let go of between the two calls.
            let again = append(try batch(outcome.gone.map { values[$0] }, at: time), now: now)
            outcome.outOfOrder += again.outOfOrder
            outcome.duplicates += again.duplicates
            outcome.tooOld += again.tooOld
            outcome.tooNew += again.tooNew
        }
        return refusal(
            outOfOrder: outcome.outOfOrder, duplicates: outcome.duplicates, tooOld: outcome.tooOld,
            tooNew: outcome.tooNew)
    }

    private func batch(_ values: [(labels: Labels, value: Double)], at time: Int64) throws -> Batch {
        var batch = Batch(time: time)
        batch.reserve(values.count)
        for (labels, value) in values { batch.add(try reference(labels), value) }
        return batch
    }
}

/// What Prometheus says of samples that its store refuses; nil when there are none.
func refusal(outOfOrder: Int, duplicates: Int, tooOld: Int = 0, tooNew: Int = 0) -> String? {
    if duplicates > 0 { return "duplicate sample for timestamp" }
    if outOfOrder > 0 { return "out of order sample" }
    if tooOld > 0 { return "too old sample" }
    return tooNew > 0 ? "out of bounds" : nil
}
