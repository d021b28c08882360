internal import Exposition
internal import Settings
internal import TimeSeries

/// Makes the labels of a series of what an exporter writes and what its target carries.
struct SampleLabels: Sendable {
    private static let exported = "exported_"

    private let target: Labels
    private let honorsOwn: Bool
    private let relabelling: Relabelling
    private let limits: ScrapeSettings.Limits

    init(target: Labels, _ rules: ScrapeRules) {
        self.target = target
        honorsOwn = rules.settings.honorsLabels
        relabelling = rules.metrics
        limits = rules.settings.limits
    }

    /// The labels; nil when relabelling drops the series.
    ///
    /// - Throws: ``MonitoringError`` `limit`, or `badAnswer` when relabelling leaves no name.
    func labels(of sample: ExpositionSample) throws -> Labels? {
        var own: [String: String] = [:]
        sample.forEachLabel { name, value in own[name.string] = value.string }
        var labels = merged(own)
        guard relabelling.apply(to: &labels), !labels.isEmpty else { return nil }
        guard labels[Labels.metricName] != nil else {
            throw MonitoringError(.badAnswer, "Relabelling leaves a series without a name.")
        }
        try check(labels)
        return Labels(labels)
    }

    /// The labels of what is measured of the target itself.
    func labels(ofReport name: String) -> Labels { target.setting(Labels.metricName, to: name) }

    /// Both together. A label that both have is the target's, and the exporter's is renamed; or it is the exporter's, even if
    /// that is empty, where those are honoured.
    private func merged(_ own: [String: String]) -> [String: String] {
        var labels = own.filter { !$0.value.isEmpty }
        if honorsOwn {
            for label in target where own[label.name] == nil { labels[label.name] = label.value }
            return labels
        }
        var displaced: [Label] = []
        for label in target {
            if let value = labels.updateValue(label.value, forKey: label.name) {
                displaced.append(Label(name: label.name, value: value))
            }
        }
        // The shortest first, as in Prometheus: `exported_a` gives way to the `a` that becomes it.
        for label in displaced.sorted(by: { ($0.name.utf8.count, $0.name) < ($1.name.utf8.count, $1.name) }) {
            var name = Self.exported + label.name
            while labels[name] != nil { name = Self.exported + name }
            labels[name] = label.value
        }
        return labels
    }

    private func check(_ labels: [String: String]) throws {
        func refuse(_ key: String, _ limit: Int, _ what: String) -> MonitoringError {
            let metric = printable(labels[Labels.metricName] ?? "")
            return MonitoringError(
                .limit, "\(what) of \(metric) is more than \(key): \(limit).",
                remedy: "Drop it with metric_relabel_configs, or raise the limit.")
        }
        if limits.labels > 0, labels.count > limits.labels {
            throw refuse("label_limit", limits.labels, "The number of labels, \(labels.count),")
        }
        for (name, value) in labels {
            if limits.labelName > 0, name.utf8.count > limits.labelName {
                throw refuse("label_name_length_limit", limits.labelName, "The length of a label’s name")
            }
            if limits.labelValue > 0, value.utf8.count > limits.labelValue {
                throw refuse(
                    "label_value_length_limit", limits.labelValue, "The length of the label \(printable(name))")
            }
        }
    }
}
