internal import Exposition
package import TimeSeries

/// Puts measurements of the past, read from OpenMetrics, into the store: a large portion at a time, because each one rewrites
/// the days that it touches.
package struct HistoryIntake {
    /// What became of the samples so far.
    package struct Report: Sendable, Equatable {
        /// That were taken, also those that the store had already.
        package var samples = 0
        /// Not taken: before what the store keeps.
        package var tooOld = 0
        /// Not taken: more than ten minutes after now.
        package var tooNew = 0

        package init() {}
    }

    package private(set) var report = Report()

    /// How many samples are put into the store at once.
    private static let samplesAtOnce = 2_000_000
    /// As the store has it. Milliseconds.
    private static let tolerance: Int64 = 600_000
    private static let day: Int64 = 86_400_000

    private let store: TimeSeriesStore
    private let kept: ClosedRange<Int64>
    private var portion = Portion()

    /// - Parameter now: milliseconds since 1970.
    package init(into store: TimeSeriesStore, now: Int64) {
        self.store = store
        kept = now - Int64(store.limits.days) * Self.day...now + Self.tolerance
    }

    /// Takes an exposition, or a part of one that ends with `# EOF`.
    ///
    /// - Throws: an error of `Exposition` for what is none and for a sample without a time, `TimeSeriesError`; what was put in
    ///   before stays.
    package mutating func take(_ body: UnsafeBufferPointer<UInt8>) throws {
        var reader = try ExpositionReader(body, .openMetrics, limits: historyLimits)
        while let piece = try reader.next() {
            guard case .sample(let sample) = piece else { continue }
            let time = try reader.time(of: sample)
            guard kept.contains(time) else {
                if time < kept.lowerBound { report.tooOld += 1 } else { report.tooNew += 1 }
                continue
            }
            report.samples += 1
            portion.add(sample, time)
            if portion.count >= Self.samplesAtOnce { try store.insert(portion.taken()) }
        }
    }

    /// Puts in what is still held back.
    package mutating func finish() throws { try store.insert(portion.taken()) }
}

/// Of any size: who calls has the bytes at hand.
let historyLimits = ExpositionLimits(body: .max, samples: .max)

extension ExpositionReader {
    /// The time of a sample of the past, which has to have one.
    func time(of sample: ExpositionSample) throws(ExpositionError) -> Int64 {
        guard let time = sample.time else { throw refusal(of: sample, "The sample has no time.") }
        return time
    }
}

/// Samples of some series.
private struct Portion {
    private var places: [[UInt8]: Int] = [:]
    private var series: [(labels: Labels, samples: [Sample])] = []
    private(set) var count = 0
    /// The one that came last: in files of histories it mostly comes again.
    private var recent: (text: [UInt8], place: Int)?

    mutating func add(_ sample: ExpositionSample, _ time: Int64) {
        count += 1
        let value = sample.value.isNaN ? Double.ordinaryNaN : sample.value
        series[place(of: sample)].samples.append(Sample(time: time, value: value))
    }

    private mutating func place(of sample: ExpositionSample) -> Int {
        if let recent, recent.text.elementsEqual(sample.series) { return recent.place }
        let text = Array(sample.series)
        let place = places[text] ?? series.count
        if place == series.count {
            var labels = LabelsBuilder()
            sample.forEachLabel { name, value in
                name.withBytes { name in value.withBytes { labels.set(Array(name), Array($0)) } }
            }
            series.append((labels.labels, []))
            places[text] = place
        }
        recent = (text, place)
        return place
    }

    /// All of them, each series ascending and each time once, and begins anew.
    mutating func taken() -> [(labels: Labels, samples: [Sample])] {
        defer { self = Portion() }
        return series.map { ($0.labels, $0.samples.ascending()) }
    }
}

extension [Sample] {
    /// By time; of several at one time the last.
    fileprivate func ascending() -> [Sample] {
        if indices.dropFirst().allSatisfy({ self[$0 - 1].time < self[$0].time }) { return self }
        let sorted = enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        return sorted.indices.filter { $0 == sorted.count - 1 || sorted[$0].time != sorted[$0 + 1].time }
            .map { sorted[$0] }
    }
}
