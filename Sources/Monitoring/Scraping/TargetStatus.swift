package import Exposition
package import TimeSeries

/// One place that is scraped, and how that went the last time.
package struct TargetStatus: Sendable {
    package enum Health: String, Sendable { case up, down, unknown }

    /// `job_name` of its scrape configuration.
    package var pool: String
    /// As they were found, before relabelling.
    package var discovered: Labels
    /// What its series carry.
    package var labels: Labels
    package var url: String
    package var health = Health.unknown
    /// Why it is down; empty otherwise.
    package var lastError = ""
    /// Milliseconds since 1970; nil: not yet.
    package var lastScrape: Int64?
    /// Seconds.
    package var lastDuration = 0.0
    /// Milliseconds.
    package var interval: Int64
    /// Milliseconds.
    package var timeout: Int64

    package init(
        pool: String, discovered: Labels, labels: Labels, url: String, interval: Int64, timeout: Int64
    ) {
        self.pool = pool
        self.discovered = discovered
        self.labels = labels
        self.url = url
        self.interval = interval
        self.timeout = timeout
    }
}

/// All targets of a running monitor.
package struct TargetsStatus: Sendable {
    package var active: [TargetStatus] = []
    /// Those that relabelling dropped: pool, and labels as they were found.
    package var dropped: [(pool: String, discovered: Labels)] = []

    package init() {}
}

/// What a target says of one of its families of metrics.
package struct MetricMetadata: Hashable, Sendable {
    package var family: String
    package var kind: MetricKind
    package var help: String
    package var unit: String

    package init(family: String, kind: MetricKind, help: String, unit: String) {
        self.family = family
        self.kind = kind
        self.help = help
        self.unit = unit
    }
}
