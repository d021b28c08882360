internal import HTTPClient
internal import Machine
internal import Settings
internal import Synchronization
internal import TimeSeries

/// What scrapes share.
struct ScrapeSurroundings: Sendable {
    let store: TimeSeriesStore
    let client: HTTPClient
    let clock: any WallClock
    /// What this host differs by from others that scrape the same.
    let seed: String
    /// Answers that are waited for at a time: each has a thread.
    let requests = Gate(256)
    /// Answers that are read and stored at a time.
    let takings = Gate(2 * availableCores())
    /// Is given a line when something is worth telling.
    let report: @Sendable (String) -> Void

    private let durability = Durability()

    init(
        store: TimeSeriesStore, client: HTTPClient, clock: any WallClock, seed: String,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.client = client
        self.clock = clock
        self.seed = seed
        self.report = report
    }

    /// Milliseconds since 1970.
    var now: Int64 { clock.now().milliseconds }

    /// Says when what is measured begins to be in memory only, and when it is on disk again.
    func tell(isDurable: Bool) {
        guard durability.isNews(isDurable) else { return }
        let problem = store.condition.problem ?? "the disk refuses it"
        report(
            isDurable
                ? "what is measured is written again"
                : "! what is measured cannot be written, and is in memory only: \(problem)")
    }
}

/// Whether the last scrape that was stored is on disk.
private final class Durability: Sendable {
    private let last = Mutex(true)

    func isNews(_ isDurable: Bool) -> Bool {
        last.withLock { last in
            defer { last = isDurable }
            return last != isDurable
        }
    }
}

/// What was said already.
final class Complaints: Sendable {
    private static let limit = 100

    private let said = Mutex<Set<String>>([])

    /// Whether it was not said yet, and there was not too much of it.
    func isNew(_ text: String) -> Bool {
        said.withLock { $0.count < Self.limit && $0.insert(text).inserted }
    }
}

/// What was said of a target's health; of one that comes and goes at most once a minute.
private struct Told {
    private static let pause: Int64 = 60_000

    private var isDown = false
    private var lastTime = Int64.min

    /// - Parameter time: milliseconds since 1970.
    mutating func isNews(_ health: TargetStatus.Health, at time: Int64) -> Bool {
        if health == .up {
            defer { isDown = false }
            return isDown
        }
        guard !isDown, lastTime == .min || time - lastTime >= Self.pause else { return false }
        (isDown, lastTime) = (true, time)
        return true
    }
}

/// Scrapes one target until it is cancelled.
final class ScrapeLoop: Sendable {
    /// What may change while it runs.
    private struct Plan {
        var target: Target
        var rules: ScrapeRules
        /// Why it is not even tried.
        var refusal: MonitoringError?
        var schedule: ScrapeSchedule
    }

    private let surroundings: ScrapeSurroundings
    private let plan: Mutex<Plan>
    private let series: Mutex<TargetSeries>
    private let shown: Mutex<TargetStatus>
    private let metadata = Mutex(TargetMetadata())
    private let told = Mutex(Told())

    init(_ target: Target, _ rules: ScrapeRules, _ refusal: MonitoringError?, in surroundings: ScrapeSurroundings) {
        self.surroundings = surroundings
        plan = Mutex(
            Plan(
                target: target, rules: rules, refusal: refusal,
                schedule: ScrapeSchedule(of: target.identity, interval: target.interval, seed: surroundings.seed)))
        series = Mutex(TargetSeries(of: target.labels, rules, in: surroundings.store))
        shown = Mutex(TargetStatus(target, rules.settings))
    }

    var status: TargetStatus { shown.withLock { $0 } }

    var families: [MetricMetadata] { metadata.withLock { Array($0.families.values) } }

    /// Goes on with the same target under other settings, from the next scrape on.
    func adopt(_ target: Target, _ rules: ScrapeRules, _ refusal: MonitoringError?) {
        let schedule = ScrapeSchedule(of: target.identity, interval: target.interval, seed: surroundings.seed)
        plan.withLock { $0 = Plan(target: target, rules: rules, refusal: refusal, schedule: schedule) }
        shown.withLock { status in
            status.discovered = target.discovered
            (status.interval, status.timeout) = (target.interval, target.timeout)
        }
    }

    /// Ends its series, once it no longer runs.
    func end() async {
        _ = try? await surroundings.takings.passing {
            try await onThread("scrape") { [self] _ in
                let now = surroundings.now
                series.withLock { $0.end(at: now, now: now) }
            }
        }
    }

    func run() async {
        var last = surroundings.now
        while let time = await nextTime(after: last) {
            await scrape(at: time)
            if Task.isCancelled { return }
            last = time
        }
    }

    /// Waits for the next scrape.
    ///
    /// - Returns: its time, which may be a little ago; nil when cancelled.
    private func nextTime(after last: Int64) async -> Int64? {
        while !Task.isCancelled {
            let now = surroundings.now
            let schedule = plan.withLock { $0.schedule }
            let due = schedule.next(after: last)
            // What was missed – the host slept, or the scrape before took so long – is not made up for.
            if due <= now { return max(due, schedule.last(before: now)) }
            // The clock was set back.
            if due - now > schedule.interval { return await nextTime(after: now) }
            do {
                try await Task.sleep(for: .milliseconds(min(due - now, Self.longestSleep)), tolerance: .zero)
            } catch { return nil }
        }
        return nil
    }

    /// Milliseconds, after which changed schedules and set clocks are noticed.
    private static let longestSleep: Int64 = 5_000
}

/// One scrape.
extension ScrapeLoop {
    private func scrape(at time: Int64) async {
        let begun = monotonicSeconds()
        let (target, rules, refusal) = plan.withLock { ($0.target, $0.rules, $0.refusal) }
        let answer: Result<TargetSeries.Answer, any Error>
        do {
            if let refusal { throw refusal }
            let request = ScrapeRequest(
                target.url, timeout: target.timeout, rules.settings, through: surroundings.client)
            answer = .success(try await surroundings.requests.passing { try await request.answer() })
        } catch {
            answer = .failure(error)
        }
        // What we ourselves broke off says nothing of the target.
        if Task.isCancelled { return }
        await take(answer, rules, at: time, begun: begun)
    }

    private func take(
        _ answer: Result<TargetSeries.Answer, any Error>, _ rules: ScrapeRules, at time: Int64, begun: Double
    ) async {
        let outcome = try? await surroundings.takings.passing {
            try await onThread("scrape") { [self] _ in
                let outcome = series.withLock { series in
                    series.adopt(rules)
                    return series.take(answer, at: time, now: surroundings.now) { monotonicSeconds() - begun }
                }
                if outcome.added > 0, let answer = try? answer.get() {
                    let found = TargetMetadata(answer)
                    metadata.withLock { $0 = found }
                }
                surroundings.tell(isDurable: outcome.stored.isDurable)
                return outcome
            }
        }
        if let outcome { show(outcome, at: time, duration: monotonicSeconds() - begun) }
    }

    private func show(_ outcome: TargetSeries.Outcome, at time: Int64, duration: Double) {
        let problem = outcome.failure.map { Self.words($0) } ?? ""
        let health: TargetStatus.Health = outcome.failure == nil ? .up : .down
        let status = shown.withLock { status in
            status.health = health
            status.lastError = problem
            status.lastScrape = time
            status.lastDuration = duration
            return status
        }
        guard told.withLock({ $0.isNews(health, at: time) }) else { return }
        let name = "\(status.pool) \(HTTPClient.place(of: status.url))"
        surroundings.report(health == .down ? "! \(name) is down: \(problem)" : "\(name) is up again")
    }

    /// One line, without a remedy.
    private static func words(_ error: any Error) -> String {
        let explained = explain(error)
        return printable(explained.what + (explained.place.map { " (\($0))" } ?? ""), limit: 400)
    }
}

extension TargetStatus {
    fileprivate init(_ target: Target, _ settings: ScrapeSettings) {
        self.init(
            pool: settings.job, discovered: target.discovered, labels: target.labels, url: target.url,
            interval: target.interval, timeout: target.timeout)
    }
}
