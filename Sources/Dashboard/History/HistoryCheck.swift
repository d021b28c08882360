internal import Exposition

/// Reads an OpenMetrics file without taking anything of it, so that nothing is imported of one that is wrong somewhere.
package struct HistoryCheck: Sendable {
    package private(set) var samples = 0
    /// That came after a later one of their series; the store puts them where they belong.
    package private(set) var outOfOrder = 0
    /// That came at a time that their series had a sample for just before; the last one counts.
    package private(set) var duplicates = 0
    /// Of all samples, in milliseconds; nil while there are none.
    package private(set) var times: ClosedRange<Int64>?

    /// The newest time of each series, by its text.
    private var newest: [[UInt8]: Int64] = [:]

    package init() {}

    /// Reads an exposition, or the next part of one that ends with `# EOF`.
    ///
    /// - Throws: an error of `Exposition`, also for a sample without a time.
    package mutating func read(_ body: UnsafeBufferPointer<UInt8>) throws {
        var reader = try ExpositionReader(body, .openMetrics, limits: historyLimits)
        while let piece = try reader.next() {
            guard case .sample(let sample) = piece else { continue }
            let time = try reader.time(of: sample)
            samples += 1
            times = min(times?.lowerBound ?? time, time)...max(times?.upperBound ?? time, time)
            let text = Array(sample.series)
            let last = newest[text]
            if let last, time < last { outOfOrder += 1 }
            if time == last { duplicates += 1 }
            newest[text] = max(last ?? time, time)
        }
    }
}
