internal import TimeSeries

/// The alerts of one rule that are pending or firing. Decides, and knows the time only from what it is told; milliseconds.
struct ActiveAlerts: Sendable {
    /// What the rule's expression yields for one alert.
    struct Finding {
        let labels: Labels
        let annotations: [(name: String, value: String)]
        let value: Double
    }

    private(set) var alerts: [Labels: AlertStatus] = [:]

    /// Takes in what the expression yields at `time`.
    ///
    /// - Returns: what changed; nothing is said of alerts that stay what they are.
    /// - Throws: ``RuleFailure`` when there are more than `limit` (0: any number); all of them are forgotten then.
    mutating func update(
        _ findings: [Finding], at time: Int64, hold: Int64, keepFiring: Int64, limit: Int
    ) throws -> [(former: AlertStatus.State, alert: AlertStatus)] {
        let former = alerts
        var ended: [AlertStatus] = []
        for finding in findings { take(finding, at: time) }
        let found = Set(findings.map(\.labels))
        for (labels, var alert) in alerts {
            if found.contains(labels) {
                alert.keepFiringSince = nil
            } else if alert.state == .firing, keepFiring > 0, time - (alert.keepFiringSince ?? time) < keepFiring {
                alert.keepFiringSince = alert.keepFiringSince ?? time
            } else {
                alerts[labels] = nil
                alert.state = .inactive
                ended.append(alert)
                continue
            }
            if alert.state == .pending, time - alert.activeAt >= hold { alert.state = .firing }
            alerts[labels] = alert
        }
        let count = alerts.count
        if limit > 0, count > limit {
            alerts = [:]
            throw RuleFailure("exceeded limit of \(limit) with \(count) alerts")
        }
        let changed = alerts.values.filter { former[$0.labels]?.state != $0.state } + ended
        return changed.map { (former[$0.labels]?.state ?? .inactive, $0) }.sorted { $0.1.labels < $1.1.labels }
    }

    private mutating func take(_ finding: Finding, at time: Int64) {
        if alerts[finding.labels] != nil {
            alerts[finding.labels]?.value = finding.value
            alerts[finding.labels]?.annotations = finding.annotations
        } else {
            alerts[finding.labels] = AlertStatus(
                labels: finding.labels, annotations: finding.annotations, state: .pending, activeAt: time,
                keepFiringSince: nil, value: finding.value)
        }
    }

    /// The samples that tell others of the alerts.
    ///
    /// - Parameter defaults: the rule's labels as they are written: as in Prometheus one whose template yields nothing stands
    ///   so in the samples, though the alert does not have it.
    func samples(over defaults: Labels) -> [(labels: Labels, value: Double)] {
        sorted.flatMap { alert -> [(labels: Labels, value: Double)] in
            let labels = defaults.overlaid(with: alert.labels)
            let state = labels.setting("alertstate", to: alert.state.rawValue)
            return [
                (state.setting(Labels.metricName, to: "ALERTS"), 1),
                (labels.setting(Labels.metricName, to: Self.forState), Double(alert.activeAt.flooredSeconds)),
            ]
        }
    }

    var sorted: [AlertStatus] { alerts.values.sorted { $0.labels < $1.labels } }

    static let forState = "ALERTS_FOR_STATE"

    /// Takes over when alerts became active before a restart.
    ///
    /// - Parameters:
    ///   - states: by their labels without the name, the last samples of `ALERTS_FOR_STATE`: seconds since 1970.
    ///   - defaults: as in ``samples(over:)``.
    ///   - grace: the least time that a restored alert still waits before it fires.
    mutating func restore(
        _ states: [Labels: Sample], over defaults: Labels, at time: Int64, hold: Int64, grace: Int64
    ) {
        for labels in Array(alerts.keys) {
            guard let sample = states[defaults.overlaid(with: labels)], !sample.isStale,
                sample.value.magnitude < 1e15
            else { continue }
            let downAt = sample.time.flooredSeconds * 1000
            let activeAt = Int64(sample.value) * 1000
            let remaining = hold - (downAt - activeAt)
            if remaining <= 0 {
                // It fired already, and does so again at the next evaluation.
                alerts[labels]?.activeAt = activeAt
            } else if remaining < grace {
                alerts[labels]?.activeAt = time + grace - hold
            } else {
                // The time that nobody watched does not count.
                alerts[labels]?.activeAt = activeAt + (time - downAt)
            }
        }
    }
}

extension Int64 {
    /// Milliseconds as whole seconds, downwards.
    fileprivate var flooredSeconds: Int64 { self >= 0 ? self / 1000 : (self - 999) / 1000 }
}

extension Labels {
    /// All labels of both; of the same name those of `others`.
    fileprivate func overlaid(with others: Labels) -> Labels {
        if isEmpty { return others }
        var builder = LabelsBuilder(self)
        for label in others { builder.set(label.name, label.value) }
        return builder.labels
    }
}
