import Machine

extension ScrapeSettings.TargetGroup {
    private static let help = "Write `- { targets: [\"127.0.0.1:9100\"], labels: { host: one } }`."

    /// - Parameter isRelabelled: whether what stands here may be anything, for rules make an address of it.
    init?(reading reader: NodeReader, _ context: PrometheusContext, _ isRelabelled: Bool) {
        guard let fields = reader.fields(ofAny: PrometheusSection.targets, remedy: Self.help) else { return nil }
        let addresses = fields["targets"]?.elements { element -> String? in
            guard let address = element.value(context, expected: "an address") else { return nil }
            guard isRelabelled || !address.contains("/") else {
                element.badValue(
                    "\(element.label): `\(printable(address))` is not HOST:PORT.",
                    remedy: "Leave the scheme and the path out: they are `scheme` and `metrics_path`.")
                return nil
            }
            return address
        }
        self.init(addresses: addresses ?? [], labels: fields["labels"]?.labels(context) ?? [:])
    }

    /// Reads a file that `file_sd_configs` names: groups of targets as YAML, of which JSON is a part.
    ///
    /// - Throws: ``SettingsError`` with every problem found.
    package static func parse(_ bytes: [UInt8], file: String) throws -> [ScrapeSettings.TargetGroup] {
        let document = try YAMLDocument(try ConfigurationFile.text(bytes, of: file), file: file)
        guard let root = document.root else { return [] }
        let findings = Findings(file: file, document: document)
        // Whoever writes such a file is not to learn what the environment holds.
        let words = QueryWords(duration: { _ in nil }, patternFault: { _ in nil })
        let context = PrometheusContext(folder: "", environment: nil, words: words)
        let groups = NodeReader(node: root, path: "", findings: findings).elements { element in
            ScrapeSettings.TargetGroup(reading: element, context, true)
        }
        guard findings.problems.isEmpty else { throw SettingsError(findings.problems) }
        return groups
    }
}

extension ScrapeSettings.FileDiscovery {
    init?(reading reader: NodeReader, _ context: PrometheusContext) {
        let help = "Write `- { files: [\"targets/*.yml\"] }`."
        guard let fields = reader.fields(ofAny: PrometheusSection.files, remedy: help) else { return nil }
        let files = fields.require("files", remedy: help)?.elements { element -> String? in
            guard let path = element.promPath(context) else { return nil }
            let name = path.split(separator: "/").last ?? ""
            let isKnown = [".json", ".yml", ".yaml"].contains { name.lowercased().hasSuffix($0) }
            guard isKnown, !path.dropLast(name.count).contains("*") else {
                element.badValue(
                    "\(element.label): `\(printable(path))` cannot name a file with targets.",
                    remedy: "It ends in `.json`, `.yml` or `.yaml`, and has a `*` in the last part only.")
                return nil
            }
            return path
        }
        guard let files, !files.isEmpty else { return nil }
        self.init(files: files)
        if let duration = fields["refresh_interval"]?.promDuration(context), duration > 0 { refresh = duration }
    }
}

extension ScrapeSettings.DockerDiscovery {
    init?(reading reader: NodeReader, _ context: PrometheusContext) {
        let help = "Write `- { host: \"unix:///var/run/docker.sock\" }`."
        guard let fields = reader.fields(ofAny: PrometheusSection.docker, remedy: help),
            let host = fields.require("host", remedy: help), let text = host.value(context)
        else { return nil }
        guard text.hasPrefix("unix:///") else {
            host.badValue(
                "\(host.label): `\(printable(text))` is not the socket of an engine on this host.", remedy: help)
            return nil
        }
        self.init(socket: String(text.dropFirst("unix://".count)))
        if let reader = fields["port"], let number = reader.number(context) {
            port = UInt16(exactly: number) ?? 0
            if port == 0 { reader.badValue("\(reader.label) is no port.", remedy: "Write a number from 1 to 65535.") }
        }
        filters =
            fields["filters"]?.elements { element in
                guard let fields = element.fields(ofAny: PrometheusSection.filter, remedy: Self.filterHelp) else {
                    return nil
                }
                let name = fields.require("name", remedy: Self.filterHelp)?.value(context)
                let values = fields.require("values", remedy: Self.filterHelp)?.elements { $0.value(context) }
                return name.map { Filter(name: $0, values: values ?? []) }
            } ?? []
        if let text = fields["host_networking_host"]?.value(context) { hostNetworkingHost = text }
        if let duration = fields["refresh_interval"]?.promDuration(context), duration > 0 { refresh = duration }
        if let truth = fields["match_first_network"]?.truth() { matchesFirstNetwork = truth }
    }

    private static let filterHelp = "Write `- { name: label, values: [metrics] }`."
}
