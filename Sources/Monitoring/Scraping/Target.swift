internal import Machine
internal import PromQL
internal import Settings
internal import TimeSeries

/// A place to scrape, as relabelling left it.
struct Target: Sendable {
    /// What tells one target of a pool from another: its series, and whom is asked for them.
    struct Identity: Hashable, Sendable {
        let labels: Labels
        let url: String
    }

    let identity: Identity
    let discovered: Labels
    /// Milliseconds.
    let interval: Int64
    /// Milliseconds.
    let timeout: Int64

    /// What its series carry.
    var labels: Labels { identity.labels }
    var url: String { identity.url }

    /// What a scrape adds to labels that were found, before relabelling.
    static func populated(_ found: [String: String], _ settings: ScrapeSettings) -> [String: String] {
        var labels = found.filter { !$0.value.isEmpty }
        let usual = [
            ReservedLabel.job: settings.job,
            ReservedLabel.interval: DurationText.text(settings.interval),
            ReservedLabel.timeout: DurationText.text(settings.timeout),
            ReservedLabel.path: settings.path,
            ReservedLabel.scheme: settings.scheme.rawValue,
        ]
        labels.merge(usual) { own, _ in own }
        for parameter in settings.parameters {
            if let first = parameter.values.first { labels[ReservedLabel.parameter + parameter.name] = first }
        }
        return labels
    }

    /// - Parameters:
    ///   - labels: after relabelling.
    ///   - discovered: before it.
    /// - Throws: ``MonitoringError`` `badTarget`.
    init(_ labels: [String: String], discovered: [String: String], _ settings: ScrapeSettings) throws {
        guard let address = labels[ReservedLabel.address] else {
            throw MonitoringError(.badTarget, "The target has no address after relabelling.")
        }
        // What stands before an @ is a secret, and would be shown as a part of the address.
        guard !address.contains("/"), !address.contains("@"), address.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
            throw MonitoringError(
                .badTarget, "“\(printable(String(address.split(separator: "@").last ?? "")))” is not HOST:PORT.")
        }
        interval = try Self.duration(labels[ReservedLabel.interval], "interval")
        timeout = try Self.duration(labels[ReservedLabel.timeout], "timeout")
        guard timeout <= interval else {
            throw MonitoringError(.badTarget, "The target’s timeout is longer than the time between two scrapes.")
        }
        var own = labels.filter { !$0.key.hasPrefix(ReservedLabel.prefix) }
        if own[ReservedLabel.instance] == nil { own[ReservedLabel.instance] = address }
        identity = Identity(labels: Labels(own), url: try TargetURL(labels, settings.parameters).text)
        self.discovered = Labels(discovered)
    }

    private static func duration(_ text: String?, _ name: String) throws -> Int64 {
        if let duration = DurationText.milliseconds(text ?? ""), duration > 0 { return duration }
        throw MonitoringError(.badTarget, "The target’s \(name) is no duration: “\(printable(text ?? ""))”.")
    }
}

extension Labels {
    init(_ labels: [String: String]) { self.init(labels.lazy.map { Label(name: $0.key, value: $0.value) }) }
}
