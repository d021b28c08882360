import Machine
import Yams

extension PrometheusSettings {
    /// Reads the file at `path`, under the conditions of ``Settings/load(from:)``.
    ///
    /// - Throws: ``SettingsError`` with every problem found, or a `MachineError` when it cannot be read.
    package static func load(
        from path: String, environment: [String: String], words: QueryWords
    ) throws -> PrometheusSettings {
        let text = try ConfigurationFile.text(of: path, because: ConfigurationFile.sendsSecrets)
        return try parse(text, file: path, environment: environment, words: words)
    }

    /// Reads the text of a `prometheus.yml`.
    ///
    /// - Throws: ``SettingsError`` with every problem found, up to twenty.
    package static func parse(
        _ text: String, file: String, environment: [String: String], words: QueryWords
    ) throws -> PrometheusSettings {
        let document = try YAMLDocument(text, file: file)
        guard let root = document.root else { return PrometheusSettings(scrapes: [], file: file) }
        let findings = Findings(file: file, document: document)
        let context = PrometheusContext(
            folder: ConfigurationFile.folder(of: file), environment: environment, words: words)
        let settings = PrometheusSettings(reading: NodeReader(node: root, path: "", findings: findings), context)
        guard findings.problems.isEmpty else { throw SettingsError(findings.problems) }
        guard let settings else { preconditionFailure("BUG: neither settings nor a problem") }
        return settings
    }

    private init?(reading reader: NodeReader, _ context: PrometheusContext) {
        let help = "It is a mapping with `global`, `scrape_configs` and `rule_files`."
        guard let fields = reader.fields(ofAny: PrometheusSection.top, remedy: help) else { return nil }
        let global = GlobalSettings(reading: fields["global"], context)
        let scrapes =
            fields["scrape_configs"]?.elements { element in
                ScrapeSettings(reading: element, global, context).map { (settings: $0, reader: element) }
            } ?? []
        var jobs: Set<String> = []
        for scrape in scrapes where !jobs.insert(scrape.settings.job).inserted {
            scrape.reader.badValue(
                "\(scrape.reader.label): there is another job `\(printable(scrape.settings.job))`.",
                remedy: "Give each entry a `job_name` of its own.")
        }
        let ruleFiles = fields["rule_files"]?.elements { element -> String? in
            guard let path = element.promPath(context) else { return nil }
            guard !path.dropLast(path.split(separator: "/").last?.count ?? 0).contains("*") else {
                element.badValue(
                    "\(element.label) has a `*` before the last `/`.", remedy: "Only file names may be patterns.")
                return nil
            }
            return path
        }
        self.init(
            scrapes: scrapes.map(\.settings), ruleFiles: ruleFiles ?? [], evaluationInterval: global.evaluationInterval,
            ruleQueryOffset: global.ruleQueryOffset, externalLabels: global.externalLabels,
            text: Self.shown(reader.node), file: reader.findings.file)
    }

    /// The document without its comments and secrets.
    private static func shown(_ root: Node) -> String { (try? Yams.serialize(node: hidden(root))) ?? "" }

    private static let secretKeys: Set = ["password", "credentials", "bearer_token"]

    private static func hidden(_ node: Node) -> Node {
        switch node {
        case .mapping(let mapping):
            Node(
                mapping.map { key, value in
                    let isSecret = key.scalar.map { secretKeys.contains($0.string) } ?? false
                    return (key, isSecret ? Node("<secret>") : hidden(value))
                }, mapping.tag, mapping.style)
        case .sequence(let sequence): Node(sequence.map(hidden), sequence.tag, sequence.style)
        case .scalar, .alias: node
        }
    }
}

/// The `global` section.
struct GlobalSettings {
    var interval: Int64 = 60_000
    var timeout: Int64 = 10_000
    var evaluationInterval: Int64 = 60_000
    var ruleQueryOffset: Int64 = 0
    var externalLabels: [String: String] = [:]
    var protocols: [ScrapeSettings.ScrapeProtocol]?
    var limits = ScrapeSettings.Limits()

    init(reading reader: NodeReader?, _ context: PrometheusContext) {
        let help = "Write `global: { scrape_interval: 15s }`."
        guard let reader, let fields = reader.fields(ofAny: PrometheusSection.global, remedy: help) else { return }
        (interval, timeout) = fields.pace(interval, timeout, context)
        if let duration = fields["evaluation_interval"]?.promDuration(context), duration > 0 {
            evaluationInterval = duration
        }
        ruleQueryOffset = fields["rule_query_offset"]?.promDuration(context) ?? 0
        externalLabels = fields["external_labels"]?.labels(context) ?? [:]
        protocols = fields["scrape_protocols"]?.protocols(context)
        limits.read(fields, context)
    }
}

extension NodeReader.Fields {
    /// `scrape_interval` and `scrape_timeout`, which may not be longer.
    func pace(
        _ usualInterval: Int64, _ usualTimeout: Int64, _ context: PrometheusContext
    ) -> (interval: Int64, timeout: Int64) {
        func given(_ key: String) -> Int64? {
            guard let duration = self[key]?.promDuration(context), duration > 0 else { return nil }
            return duration
        }
        let interval = given("scrape_interval") ?? usualInterval
        if let reader = self["scrape_timeout"], let timeout = given("scrape_timeout") {
            if timeout > interval {
                reader.badValue(
                    "\(reader.label) is longer than the time between two scrapes.",
                    remedy: "Make it at most `scrape_interval`.")
            }
            return (interval, timeout)
        }
        return (interval, min(usualTimeout, interval))
    }
}

extension NodeReader {
    /// `scrape_protocols`.
    func protocols(_ context: PrometheusContext) -> [ScrapeSettings.ScrapeProtocol]? {
        let protocols = elements { $0.choice(context, ScrapeSettings.ScrapeProtocol.self) }
        guard node.sequence?.isEmpty == false else {
            badValue("\(label) names nothing.", remedy: "Remove it, or name a protocol.")
            return nil
        }
        if Set(protocols).count < protocols.count {
            badValue("\(label) names a protocol twice.", remedy: "Remove one.")
        }
        return protocols
    }
}

extension ScrapeSettings.Limits {
    /// Takes what stands there; 0 stands for what is there already.
    mutating func read(_ fields: NodeReader.Fields, _ context: PrometheusContext) {
        func read(_ key: String, into limit: inout Int) {
            if let number = fields[key]?.number(context), number > 0 { limit = number }
        }
        if let size = fields["body_size_limit"]?.byteCount() { body = size.bytes }
        read("sample_limit", into: &samples)
        read("label_limit", into: &labels)
        read("label_name_length_limit", into: &labelName)
        read("label_value_length_limit", into: &labelValue)
        read("target_limit", into: &targets)
        read("keep_dropped_targets", into: &droppedTargets)
    }
}
