package import Machine

extension RuleEvaluator {
    /// Numbers about the groups, in Prometheus's names. A name that ends in `_total` is a counter.
    package func measurements() -> [Measurement] {
        counters().flatMap { group -> [Measurement] in
            let labels = [(name: "rule_group", value: "\(group.file);\(group.name)")]
            func number(_ name: String, _ help: String, _ value: Double) -> Measurement {
                Measurement("prometheus_rule_\(name)", help, labels, value)
            }
            let last = group.lastEvaluation.map { Double($0) / 1000 }
            return [
                number("group_rules", "Rules of the group.", Double(group.rules)),
                number("group_interval_seconds", "How often the group is evaluated.", Double(group.interval) / 1000),
                number(
                    "group_iterations_total", "Evaluations that were due, missed ones among them.",
                    Double(group.iterations)),
                number(
                    "group_iterations_missed_total", "Evaluations that were due while the one before was not done.",
                    Double(group.missed)),
                number("group_last_duration_seconds", "Time of the last evaluation.", group.lastDuration),
                number(
                    "group_last_evaluation_samples", "Samples that the last evaluation yielded.", Double(group.samples)),
                number("evaluations_total", "Evaluations of rules.", Double(group.evaluations)),
                number("evaluation_failures_total", "Evaluations of rules that failed.", Double(group.failures)),
            ]
                + (last.map {
                    [number("group_last_evaluation_timestamp_seconds", "When the last evaluation began.", $0)]
                } ?? [])
        }
    }
}
