internal import Machine
internal import PromQL
internal import TimeSeries

/// One rule and what it did so far.
struct RuleState: Sendable {
    let rule: Rule
    private(set) var alerts = ActiveAlerts()
    /// What it wrote the last time: what is not written again has ended.
    private(set) var written: Set<Labels> = []
    /// Whether the state of before a restart was looked for: alerts are written only then, lest they hide it.
    private(set) var isRestored: Bool
    private(set) var health = RuleStatus.Health.unknown
    private(set) var lastError = ""
    private(set) var lastEvaluation: Int64?
    private(set) var evaluationTime = 0.0
    /// How many samples the last evaluation yielded.
    private(set) var sampleCount = 0

    init(_ rule: Rule, isRestored: Bool) {
        self.rule = rule
        self.isRestored = isRestored
    }

    /// Takes over what a rule of the same name and labels knew before a reload.
    init(_ rule: Rule, after former: RuleState) {
        self = RuleState(rule, isRestored: former.isRestored)
        written = former.written
        if rule.isAlerting { alerts = former.alerts }
    }

    /// Evaluates the rule at `time` and writes what it yields, with an end mark for each series that it yielded the last time and
    /// no longer.
    ///
    /// - Parameter now: of the clock; milliseconds.
    /// - Returns: the alerts that changed.
    mutating func evaluate(
        at time: Int64, offset: Int64, limit: Int, now: Int64, in context: RuleContext, _ stop: StopSignal
    ) -> [(former: AlertStatus.State, alert: AlertStatus)] {
        let begun = monotonicSeconds()
        defer {
            lastEvaluation = now
            evaluationTime = monotonicSeconds() - begun
        }
        var changes: [(former: AlertStatus.State, alert: AlertStatus)] = []
        do {
            let found = try context.series(of: rule.query, at: time - offset) { (try? stop.check()) == nil }
            let samples: [(labels: Labels, value: Double)]
            switch rule.kind {
            case .recording:
                samples = try recorded(found, limit: limit)
            case .alerting(let hold, let keepFiring, let annotations):
                let findings = try findings(found, annotations, at: time, context, stop)
                changes = try alerts.update(findings, at: time, hold: hold, keepFiring: keepFiring, limit: limit)
                samples = isRestored ? alerts.samples(over: rule.staticLabels) : []
            }
            try write(samples, at: time - offset, now: now, context)
        } catch {
            health = .err
            lastError = explain(error).what
        }
        return changes
    }

    private func recorded(
        _ found: [(labels: Labels, value: Double)], limit: Int
    ) throws -> [(labels: Labels, value: Double)] {
        let samples = found.map { labels, value in
            var builder = LabelsBuilder(labels)
            builder.set(Labels.metricName, rule.name)
            for label in rule.labels { builder.set(label.name, label.text) }
            return (labels: builder.labels, value: value)
        }
        guard Set(samples.map(\.labels)).count == samples.count else {
            throw RuleFailure("vector contains metrics with the same labelset after applying rule labels")
        }
        guard limit == 0 || samples.count <= limit else {
            throw RuleFailure("exceeded limit of \(limit) with \(samples.count) series")
        }
        return samples
    }

    private func findings(
        _ found: [(labels: Labels, value: Double)], _ annotations: [RuleText], at time: Int64, _ context: RuleContext,
        _ stop: StopSignal
    ) throws -> [ActiveAlerts.Finding] {
        let functions = context.templateFunctions(at: time, stop)
        let findings = found.map { labels, value in
            let data = TemplateData(
                labels, value: value, externalLabels: context.defaults.externalLabels,
                externalURL: context.defaults.externalURL)
            func text(_ text: RuleText) -> String { text.template?.expanded(for: data, functions) ?? text.text }
            var builder = LabelsBuilder(labels.withoutMetricName)
            for label in rule.labels { builder.set(label.name, text(label)) }
            builder.set("alertname", rule.name)
            return ActiveAlerts.Finding(
                labels: builder.labels, annotations: annotations.map { ($0.name, text($0)) }, value: value)
        }
        guard Set(findings.map(\.labels)).count == findings.count else {
            throw RuleFailure("vector contains metrics with the same labelset after applying alert labels")
        }
        return findings
    }

    private mutating func write(
        _ samples: [(labels: Labels, value: Double)], at time: Int64, now: Int64, _ context: RuleContext
    ) throws {
        let current = Set(samples.map(\.labels))
        let refusal = try context.store.append(samples, at: time, now: now)
        let ended = written.subtracting(current)
        if !ended.isEmpty {
            // Refused where another rule goes on with the series, which is as it should be.
            _ = try context.store.append(ended.map { ($0, Double.staleMarker) }, at: time, now: now)
        }
        written = current
        sampleCount = samples.count
        (health, lastError) = refusal.map { (.err, $0) } ?? (.ok, "")
    }

    // MARK: Restart

    /// Takes over how long alerts were pending before a restart (Prometheus's `RestoreForState`).
    mutating func restore(at time: Int64, _ context: RuleContext, tolerance: Int64, grace: Int64) throws {
        defer { isRestored = true }
        guard !isRestored, case .alerting(let hold, _, _) = rule.kind, hold >= grace else { return }
        let matchers = [Matcher(Labels.metricName, ActiveAlerts.forState), Matcher("alertname", rule.name)]
        let range = (time - tolerance)...time
        var states: [Labels: Sample] = [:]
        for series in try context.store.select(matchers, in: range, limits: SelectionLimits()).series {
            states[series.labels.withoutMetricName] = try series.samples().last
        }
        alerts.restore(states, over: rule.staticLabels, at: time, hold: hold, grace: grace)
    }

    var status: RuleStatus {
        var kind = RuleStatus.Kind.recording
        if case .alerting(let hold, let keepFiring, let annotations) = rule.kind {
            kind = .alerting(
                hold: hold, keepFiring: keepFiring, annotations: annotations.map { ($0.name, $0.text) },
                alerts: alerts.sorted)
        }
        var status = RuleStatus(
            name: rule.name, expression: rule.query.text, labels: rule.staticLabels, kind: kind)
        status.health = health
        status.lastError = lastError
        status.lastEvaluation = lastEvaluation
        status.evaluationTime = evaluationTime
        return status
    }
}
