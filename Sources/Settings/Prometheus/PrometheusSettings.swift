package import Machine

/// What a `prometheus.yml` says, checked, with its defaults filled in; `docs/formats/monitoring.md`.
///
/// Durations are milliseconds, paths absolute or relative to where we run, variables of the environment put in.
package struct PrometheusSettings: Equatable, Sendable {
    package var scrapes: [ScrapeSettings]
    /// Patterns of the files with rules.
    package var ruleFiles: [String]
    package var evaluationInterval: Int64
    /// How long before now rules look, so that what they read has arrived.
    package var ruleQueryOffset: Int64
    /// What others are told of this host beside each series' own labels.
    package var externalLabels: [String: String]
    /// The file itself, variables not put in and secrets hidden.
    package var text: String
    /// The file that this was read from, as it was named.
    package var file: String

    package init(
        scrapes: [ScrapeSettings], ruleFiles: [String] = [], evaluationInterval: Int64 = 60_000,
        ruleQueryOffset: Int64 = 0, externalLabels: [String: String] = [:], text: String = "", file: String
    ) {
        self.scrapes = scrapes
        self.ruleFiles = ruleFiles
        self.evaluationInterval = evaluationInterval
        self.ruleQueryOffset = ruleQueryOffset
        self.externalLabels = externalLabels
        self.text = text
        self.file = file
    }
}

/// What `prometheus.yml` has in common with the query language, of which this room knows nothing.
package struct QueryWords: Sendable {
    /// A duration such as `1h30m` in milliseconds; nil: it is none.
    package let duration: @Sendable (String) -> Int64?
    /// Why a text is no regular expression; nil: it is one.
    package let patternFault: @Sendable (String) -> String?

    package init(
        duration: @escaping @Sendable (String) -> Int64?, patternFault: @escaping @Sendable (String) -> String?
    ) {
        self.duration = duration
        self.patternFault = patternFault
    }
}

/// Where a secret of `prometheus.yml` stands.
package enum ScrapeSecret: Equatable, Sendable {
    case inline(Redacted)
    /// Alone in a file, which is read for each scrape.
    case file(String)
}
