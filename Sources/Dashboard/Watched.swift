package import Machine
package import Monitoring
package import TimeSeries

/// What the interface shows and asks: the running monitor.
package protocol Watched: Sendable {
    var store: TimeSeriesStore { get }
    func targets() async -> TargetsStatus
    /// By family, what each target says of it.
    func metadata() async -> [(target: Labels, metadata: MetricMetadata)]
    func ruleGroups() async -> [RuleGroupStatus]
    /// `prometheus.yml` as it is in force, secrets hidden.
    func configuration() async -> String
    /// `global.external_labels`, which `/federate` adds.
    func externalLabels() async -> Labels
    /// What the process says of itself on `/metrics` beyond what is seen from here. A name that ends in `_total` is a counter.
    func measurements() async -> [Measurement]
    /// Reads configuration and rules again; what runs goes on with the old ones when they are wrong.
    func reload() async throws
}

extension Monitor: Watched {}
