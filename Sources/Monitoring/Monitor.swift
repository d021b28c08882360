package import HTTPClient
package import Machine
package import PromQL
package import Settings
package import TimeSeries

/// Measures what a `prometheus.yml` says until its task is cancelled.
package actor Monitor {
    /// What is measured, and by which rules.
    package struct Plan: Sendable {
        package var prometheus: PrometheusSettings
        package var rules: RuleSet

        /// In words: 2 jobs, 13 rules.
        package var summary: String {
            let count = rules.groups.reduce(0) { $0 + $1.rules.count }
            return "\(counted(prometheus.scrapes.count, "job")), \(counted(count, "rule"))"
        }

        package init(_ prometheus: PrometheusSettings, _ rules: RuleSet = RuleSet(groups: [])) {
            self.prometheus = prometheus
            self.rules = rules
        }

        /// Reads a `prometheus.yml` and the files with rules that it names.
        ///
        /// - Parameter url: where people find the interface; templates show it.
        /// - Throws: ``SettingsError`` with every problem found, or a `MachineError` when something cannot be read.
        package static func read(
            from file: String, environment: [String: String], url: String, engine: Engine = Engine()
        ) throws -> Plan {
            let prometheus = try PrometheusSettings.load(from: file, environment: environment, words: .promQL)
            let defaults = RuleDefaults(
                interval: prometheus.evaluationInterval, queryOffset: prometheus.ruleQueryOffset,
                externalLabels: Labels(prometheus.externalLabels), externalURL: url)
            let ruleFiles = prometheus.ruleFiles.flatMap { files(matching: $0) }
            return Plan(prometheus, try RuleSet.read(ruleFiles, defaults: defaults, engine: engine))
        }
    }

    package nonisolated let store: TimeSeriesStore
    private let surroundings: ScrapeSurroundings
    private let workers = Workers()
    private let rules: RuleEvaluator
    private let reloads = Gate(1)
    private let read: @Sendable () throws -> Plan
    private var plan: Plan
    private var pools: [String: ScrapePool] = [:]

    /// - Parameters:
    ///   - sink: is told of alerts whose state changes.
    ///   - read: reads the configuration; called here, and at each reload on a thread of its own.
    ///   - report: is given a line when something is worth telling.
    /// - Throws: what `read` does.
    package init(
        into store: TimeSeriesStore, through client: HTTPClient = HTTPClient(), engine: Engine = Engine(),
        telling sink: (any AlertSink)? = nil, clock: any WallClock = SystemClock(), host: String = hostName(),
        reading read: @escaping @Sendable () throws -> Plan,
        report: @escaping @Sendable (String) -> Void
    ) throws {
        self.store = store
        self.read = read
        plan = try read()
        rules = RuleEvaluator(store: store, engine: engine, sink: sink, clock: clock, report: report)
        surroundings = ScrapeSurroundings(store: store, client: client, clock: clock, seed: host, report: report)
    }

    /// Works until the task is cancelled, and what is under way was given up or is stored. Series do not end with it: whoever
    /// goes on after a restart goes on with them.
    package func run() async {
        await apply(plan)
        await withDiscardingTaskGroup { group in
            group.addTask { [workers] in await workers.run() }
            // It throws only that it was cancelled.
            group.addTask { [rules] in try? await rules.run() }
        }
    }

    /// Reads the configuration again and puts it in force. Targets that stay keep their times and their series; a scrape that
    /// is under way is not disturbed.
    ///
    /// - Throws: why it cannot be read; all goes on as before then.
    package nonisolated func reload() async throws {
        try await reloads.passing {
            let read = self.read
            await self.apply(try await onThread("reload") { _ in try read() })
        }
    }

    private func apply(_ plan: Plan) async {
        self.plan = plan
        let jobs = Set(plan.prometheus.scrapes.map(\.job))
        // What is gone ends before anything new begins: they may have series in common.
        for (job, pool) in pools where !jobs.contains(job) {
            pools[job] = nil
            await pool.end()
        }
        for settings in plan.prometheus.scrapes {
            let pool = pools[settings.job] ?? ScrapePool(settings, in: surroundings, workers)
            pools[settings.job] = pool
            await pool.apply(settings)
        }
        await rules.apply(plan.rules)
    }
}

/// What is shown of it.
extension Monitor {
    /// What is measured, counted in words.
    package var summary: String { plan.summary }

    private var inOrder: [(job: String, pool: ScrapePool)] {
        plan.prometheus.scrapes.compactMap { settings in pools[settings.job].map { (settings.job, $0) } }
    }

    /// All targets, job by job in the order of the file.
    package func targets() async -> TargetsStatus {
        var status = TargetsStatus()
        for (job, pool) in inOrder {
            let targets = await pool.targets
            status.active += targets.active
            status.dropped += targets.dropped.map { (job, $0) }
        }
        return status
    }

    /// What each target says of its metrics.
    package func metadata() async -> [(target: Labels, metadata: MetricMetadata)] {
        var all: [(target: Labels, metadata: MetricMetadata)] = []
        for (_, pool) in inOrder { all += await pool.metadata }
        return all
    }

    package func ruleGroups() async -> [RuleGroupStatus] { await rules.groups() }

    /// What others are told of this host beside each series' own labels.
    package func externalLabels() -> Labels { Labels(plan.prometheus.externalLabels) }

    /// Numbers of its own, in Prometheus's names.
    package func measurements() async -> [Measurement] {
        var all: [Measurement] = []
        for (job, pool) in inOrder {
            all.append(
                Measurement(
                    "prometheus_target_scrape_pool_targets", "Targets of a scrape pool.", [("scrape_job", job)],
                    Double(await pool.targets.active.count)))
        }
        return all + (await rules.measurements())
    }

    /// `prometheus.yml` as it is in force, secrets hidden.
    package func configuration() -> String { plan.prometheus.text }
}
