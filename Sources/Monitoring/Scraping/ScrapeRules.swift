package import Settings

/// One `scrape_config`, its rules compiled once for all of its targets.
package struct ScrapeRules: Sendable {
    package let settings: ScrapeSettings
    let targets: Relabelling
    let metrics: Relabelling

    package init(_ settings: ScrapeSettings) {
        self.settings = settings
        targets = Relabelling(settings.relabelling)
        metrics = Relabelling(settings.metricRelabelling)
    }
}
