package import Machine
internal import PromQL
internal import TimeSeries

/// One group and what it did so far. Blocks while it evaluates: for a thread.
package struct GroupState: Sendable {
    /// How long ago `ALERTS_FOR_STATE` may have ended to be still taken up. Milliseconds.
    static let outageTolerance: Int64 = 3_600_000
    /// The least that a restored alert waits; alerts with a shorter `for` are not restored. Milliseconds.
    static let forGracePeriod: Int64 = 600_000

    package let group: RuleGroup
    private var rules: [RuleState]
    /// Series of rules that are no more, to be ended with the next evaluation.
    private var orphans: [Labels] = []
    private(set) var counters: RuleGroupCounters
    private var needsRestoring: Bool
    private var lastEvaluation: Int64?
    private var evaluationTime = 0.0

    /// - Parameter restores: whether alerts are to be taken up from before a restart; they are written only after that.
    package init(_ group: RuleGroup, restores: Bool) {
        self.group = group
        rules = group.rules.map { RuleState($0, isRestored: !restores) }
        needsRestoring = restores
        counters = RuleGroupCounters(name: group.name, file: group.file, rules: group.rules.count)
    }

    /// Takes over what the group knew before it was changed: rules are the same by name and labels, the first of a kind the
    /// first.
    init(_ group: RuleGroup, after former: GroupState) {
        self = GroupState(group, restores: former.needsRestoring)
        counters = former.counters
        counters.rules = group.rules.count
        (lastEvaluation, evaluationTime) = (former.lastEvaluation, former.evaluationTime)
        var known = Dictionary(grouping: former.rules.indices) { RuleKey(former.rules[$0].rule) }
        for index in rules.indices {
            let key = RuleKey(rules[index].rule)
            guard let place = known[key]?.first else { continue }
            known[key]?.removeFirst()
            rules[index] = RuleState(rules[index].rule, after: former.rules[place])
        }
        orphans = former.orphans + known.values.joined().flatMap { former.rules[$0].written }
    }

    private struct RuleKey: Hashable {
        let name: String
        let labels: [String]

        init(_ rule: Rule) {
            name = rule.name
            labels = rule.labels.flatMap { [$0.name, $0.text] }
        }
    }

    /// Evaluates the rules in their order at `time`; the first evaluation but one after a restart takes up what alerts were.
    ///
    /// - Parameter now: of the clock; milliseconds.
    /// - Returns: the alerts that changed, rule by rule.
    package mutating func evaluate(
        at time: Int64, now: Int64, in context: RuleContext, _ stop: StopSignal = StopSignal()
    ) -> [[AlertChange]] {
        let begun = monotonicSeconds()
        let offset = group.queryOffset ?? context.defaults.queryOffset
        var changes: [[AlertChange]] = []
        let isFirst = lastEvaluation == nil
        for index in rules.indices {
            if (try? stop.check()) == nil { break }
            let changed = rules[index].evaluate(
                at: time, offset: offset, limit: group.limit, now: now, in: context, stop)
            counters.evaluations += 1
            if rules[index].health == .err { counters.failures += 1 }
            if !changed.isEmpty { changes.append(changed.map { change(of: index, $0, at: time) }) }
        }
        endOrphans(at: time - offset, now: now, context)
        if needsRestoring, !isFirst { restore(at: now, context) }
        lastEvaluation = now
        evaluationTime = monotonicSeconds() - begun
        counters.iterations += 1
        counters.samples = rules.reduce(0) { $0 + $1.sampleCount }
        counters.lastEvaluation = now
        counters.lastDuration = evaluationTime
        return changes
    }

    private func change(
        of index: Int, _ change: (former: AlertStatus.State, alert: AlertStatus), at time: Int64
    ) -> AlertChange {
        AlertChange(
            file: group.file, group: group.name, rule: rules[index].rule.name,
            expression: rules[index].rule.query.text, former: change.former, alert: change.alert, time: time)
    }

    private mutating func endOrphans(at time: Int64, now: Int64, _ context: RuleContext) {
        guard !orphans.isEmpty else { return }
        let ends = orphans.map { ($0, Double.staleMarker) }
        do {
            // Refused where another rule goes on with the series, which is as it should be.
            _ = try context.store.append(ends, at: time, now: now)
            orphans = []
        } catch {
            // The next evaluation tries again.
        }
    }

    private mutating func restore(at time: Int64, _ context: RuleContext) {
        needsRestoring = false
        for index in rules.indices {
            // What cannot be read is not restored: the alert waits from now on.
            try? rules[index].restore(
                at: time, context, tolerance: Self.outageTolerance, grace: Self.forGracePeriod)
        }
    }

    /// Counts evaluations that were due and did not happen.
    mutating func missed(_ count: Int) {
        counters.missed += count
        counters.iterations += count
    }

    /// All that the rules wrote the last time.
    var written: [Labels] { orphans + rules.flatMap(\.written) }

    /// The rules that fail, and why.
    package var failures: [(rule: String, error: String)] {
        rules.filter { $0.health == .err }.map { ($0.rule.name, $0.lastError) }
    }

    /// The alerts of all rules of this name.
    package func alerts(named name: String) -> [AlertStatus] {
        rules.filter { $0.rule.isAlerting && $0.rule.name == name }.flatMap(\.alerts.sorted)
    }

    /// - Parameter interval: the group's own, or the configuration's; milliseconds.
    func status(interval: Int64) -> RuleGroupStatus {
        var status = RuleGroupStatus(
            name: group.name, file: group.file, interval: interval, limit: group.limit, rules: rules.map(\.status))
        status.lastEvaluation = lastEvaluation
        status.evaluationTime = evaluationTime
        return status
    }
}

/// What a group did so far.
package struct RuleGroupCounters: Sendable {
    package let name: String
    package let file: String
    package internal(set) var rules: Int
    /// Milliseconds.
    package internal(set) var interval: Int64 = 0
    /// Of the group, those that were missed among them.
    package internal(set) var iterations = 0
    package internal(set) var missed = 0
    /// Of single rules.
    package internal(set) var evaluations = 0
    package internal(set) var failures = 0
    /// Of the last iteration.
    package internal(set) var samples = 0
    /// Milliseconds since 1970.
    package internal(set) var lastEvaluation: Int64?
    /// Seconds.
    package internal(set) var lastDuration = 0.0

    init(name: String, file: String, rules: Int) {
        self.name = name
        self.file = file
        self.rules = rules
    }
}
