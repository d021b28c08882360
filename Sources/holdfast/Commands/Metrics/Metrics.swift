import ArgumentParser

struct Metrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measurements of the past: into the store, and out of it.",
        subcommands: [MetricsImport.self, MetricsExport.self])
}
