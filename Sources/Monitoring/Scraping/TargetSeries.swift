package import Exposition
internal import Settings
package import TimeSeries

/// What is known of the series of one target, and how its answers become batches.
///
/// Calls block on the store.
package struct TargetSeries: Sendable {
    /// What is known of one series.
    private struct Known: Sendable {
        /// Nil until an exposition with it was good as a whole.
        var reference: SeriesReference?
        var isDropped = false
        /// Whether it ends when the target no longer has it: it has samples, with the times of their scrapes.
        var isLive = false
    }

    private struct Reading {
        var scraped = 0
        var kept = 0
        var samples: [(place: Int, value: Double, time: Int64?)] = []
        /// Series that were not known.
        var new: [(place: Int, labels: Labels)] = []
    }

    private let target: Labels
    private let store: TimeSeriesStore
    private var rules: ScrapeRules
    private var labels: SampleLabels
    private var table = SeriesTable<Known>()
    private var report: [SeriesReference] = []
    /// Live series of a table that is no more: they end with the next batch that does not have them.
    private var orphans: Set<SeriesReference> = []

    /// - Parameter target: what its series carry.
    package init(of target: Labels, _ rules: ScrapeRules, in store: TimeSeriesStore) {
        self.target = target
        self.store = store
        self.rules = rules
        labels = SampleLabels(target: target, rules)
    }

    private var settings: ScrapeSettings { rules.settings }

    /// Goes on under other rules. Where they give series other labels, those that no longer come about end.
    package mutating func adopt(_ rules: ScrapeRules) {
        let (former, settings) = (self.settings, rules.settings)
        if former == settings { return }
        self.rules = rules
        labels = SampleLabels(target: target, rules)
        let isSame =
            former.metricRelabelling == settings.metricRelabelling && former.honorsLabels == settings.honorsLabels
        if !isSame { forgetTexts() }
    }

    /// An answer of the target.
    package struct Answer: Sendable {
        package let body: [UInt8]
        package let format: ExpositionFormat

        package init(body: [UInt8], format: ExpositionFormat) {
            self.body = body
            self.format = format
        }
    }

    /// What became of a scrape.
    package struct Outcome: Sendable {
        /// Samples of the answer, as far as it was read.
        package var scraped = 0
        /// Those that relabelling left.
        package var kept = 0
        /// Series that were not there the last time.
        package var added = 0
        package var stored = BatchOutcome()
        /// Why the target counts as down.
        package var failure: (any Error)?
    }

    /// Appends what a scrape brought, and what there is to say of it, as one batch.
    ///
    /// - Parameters:
    ///   - time: of the scrape; milliseconds since 1970, like `now`.
    ///   - duration: how long it takes so far, in seconds; asked once the answer was read.
    package mutating func take(
        _ answer: Result<Answer, any Error>, at time: Int64, now: Int64, duration: () -> Double
    ) -> Outcome {
        let outcome = attempt(answer, at: time, now: now, duration)
        guard !outcome.stored.gone.isEmpty else { return outcome }
        // Nothing came for some series for hours, and the store forgot them.
        table = SeriesTable()
        report = []
        var again = attempt(answer, at: time, now: now, duration)
        again.added = outcome.added
        return again
    }

    private mutating func attempt(
        _ answer: Result<Answer, any Error>, at time: Int64, now: Int64, _ duration: () -> Double
    ) -> Outcome {
        var outcome = Outcome()
        var batch = Batch(time: time)
        do {
            let answer = try answer.get()
            var reading = Reading()
            defer { (outcome.scraped, outcome.kept) = (reading.scraped, reading.kept) }
            try read(answer, &reading)
            outcome.added = reading.new.count
            add(reading, to: &batch)
        } catch {
            outcome.failure = error
            endAll(&batch)
        }
        do {
            try addReport(outcome, duration(), to: &batch)
        } catch {
            outcome.failure = outcome.failure ?? error
        }
        outcome.stored = store.append(batch, now: now)
        return outcome
    }

    /// Ends all of its series: the target is gone.
    package mutating func end(at time: Int64, now: Int64) {
        var batch = Batch(time: time)
        endAll(&batch)
        for reference in report { batch.add(reference, .staleMarker) }
        if batch.count > 0 { _ = store.append(batch, now: now) }
        table = SeriesTable()
        report = []
    }
}

/// Reading.
extension TargetSeries {
    /// Limits for those who set none of their own.
    package static let usualLimits = ExpositionLimits(samples: 100_000)

    /// How many bytes an answer may have.
    static func bodyLimit(_ settings: ScrapeSettings) -> Int {
        settings.limits.body > 0 ? Int(settings.limits.body) : usualLimits.body
    }

    /// Reads an answer; the store knows all of its series then.
    private mutating func read(_ answer: Answer, _ reading: inout Reading) throws {
        do {
            try answer.body.withUnsafeBufferPointer { try read($0, answer.format, &reading) }
            let limit = settings.limits.samples
            if limit > 0, reading.kept > limit {
                throw MonitoringError(
                    .limit, "The answer has \(reading.kept) samples, more than sample_limit: \(limit).",
                    remedy: "Drop some with metric_relabel_configs, or raise the limit.")
            }
            if !reading.new.isEmpty { try store.checkRoom(for: reading.new.count) }
            for (place, labels) in reading.new { table[place].reference = try store.reference(labels) }
        } catch {
            // What is new here has no samples, and must not take room.
            if !reading.new.isEmpty { forgetTexts() }
            throw error
        }
    }

    private mutating func read(
        _ body: UnsafeBufferPointer<UInt8>, _ format: ExpositionFormat, _ reading: inout Reading
    ) throws {
        var limits = Self.usualLimits
        limits.body = Self.bodyLimit(settings)
        limits.samples = max(limits.samples, settings.limits.samples)
        limits.labels = max(limits.labels, settings.limits.labels)
        limits.name = max(limits.name, settings.limits.labelName)
        limits.value = max(limits.value, settings.limits.labelValue)
        var reader = try ExpositionReader(body, format, limits: limits)
        reading.samples.reserveCapacity(table.count)
        table.begin()
        while let (piece, known) = try table.next(&reader) {
            guard case .sample(let sample) = piece else { continue }
            reading.scraped += 1
            let place = try known ?? learn(sample, &reading)
            if table[place].isDropped { continue }
            reading.kept += 1
            reading.samples.append((place, sample.value, settings.honorsTimestamps ? sample.time : nil))
        }
    }

    /// - Returns: the place of a series that was not known.
    private mutating func learn(_ sample: ExpositionSample, _ reading: inout Reading) throws -> Int {
        let labels = try labels.labels(of: sample)
        table.insert(sample.series, Known(isDropped: labels == nil))
        if let labels { reading.new.append((table.lastPlace, labels)) }
        return table.lastPlace
    }

    private mutating func add(_ reading: Reading, to batch: inout Batch) {
        batch.reserve(reading.samples.count + Self.reportNames.count)
        for (place, value, time) in reading.samples {
            guard let reference = table[place].reference else { continue }
            batch.add(reference, value, at: time)
            table[place].isLive = time == nil || settings.tracksTimestampsStaleness
            if !orphans.isEmpty { orphans.remove(reference) }
        }
        for known in table.finish() where known.isLive {
            if let reference = known.reference { batch.add(reference, .staleMarker) }
        }
        for reference in orphans { batch.add(reference, .staleMarker) }
        orphans = []
    }
}

/// Ends.
extension TargetSeries {
    private mutating func endAll(_ batch: inout Batch) {
        table.forEach { known in
            if known.isLive, let reference = known.reference { batch.add(reference, .staleMarker) }
            known.isLive = false
        }
        for reference in orphans { batch.add(reference, .staleMarker) }
        orphans = []
    }

    /// Begins a new table; what is live in the old one ends with the next batch that does not have it.
    private mutating func forgetTexts() {
        var live: Set<SeriesReference> = []
        table.forEach { known in
            if known.isLive, let reference = known.reference { live.insert(reference) }
        }
        orphans.formUnion(live)
        table = SeriesTable()
    }
}

/// What a scrape says of itself.
extension TargetSeries {
    private static let reportNames = [
        "up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    ]

    private mutating func addReport(_ outcome: Outcome, _ duration: Double, to batch: inout Batch) throws {
        if report.isEmpty {
            report = try Self.reportNames.map { try store.reference(labels.labels(ofReport: $0)) }
        }
        let values = [
            outcome.failure == nil ? 1 : 0, duration, Double(outcome.scraped), Double(outcome.kept),
            Double(outcome.added),
        ]
        for (reference, value) in zip(report, values) { batch.add(reference, value) }
    }
}
