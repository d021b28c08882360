import Machine

extension ScrapeSettings {
    /// Reads an entry of `scrape_configs`.
    init?(reading reader: NodeReader, _ global: GlobalSettings, _ context: PrometheusContext) {
        let help = "Write `- { job_name: node, static_configs: [{ targets: [\"127.0.0.1:9100\"] }] }`."
        guard let fields = reader.fields(ofAny: PrometheusSection.scrape, remedy: help) else { return nil }
        let name = fields.require("job_name", remedy: "Add `job_name: …`, the value of the label `job`.")
        self.init(job: name?.value(context) ?? "")
        (interval, timeout) = fields.pace(global.interval, global.timeout, context)
        if let truth = fields["honor_labels"]?.truth() { honorsLabels = truth }
        if let truth = fields["honor_timestamps"]?.truth() { honorsTimestamps = truth }
        if let truth = fields["track_timestamps_staleness"]?.truth() { tracksTimestampsStaleness = truth }
        if let truth = fields["enable_compression"]?.truth() { isCompressed = truth }
        if let truth = fields["follow_redirects"]?.truth() { followsRedirects = truth }
        // One request a connection: there is nothing that HTTP/2 could change.
        _ = fields["enable_http2"]?.truth()
        limits = global.limits
        limits.read(fields, context)
        protocols = fields["scrape_protocols"]?.protocols(context) ?? global.protocols
        fallbackProtocol = fields["fallback_scrape_protocol"]?.choice(context, ScrapeProtocol.self)
        readRequest(fields, context)
        tls = fields["tls_config"].flatMap { TLS(reading: $0, context) } ?? TLS()
        credentials = fields.credentials(context)
        relabelling = fields["relabel_configs"]?.elements { RelabelRule(reading: $0, context) } ?? []
        metricRelabelling = fields["metric_relabel_configs"]?.elements { RelabelRule(reading: $0, context) } ?? []
        files = fields["file_sd_configs"]?.elements { FileDiscovery(reading: $0, context) } ?? []
        docker = fields["docker_sd_configs"]?.elements { DockerDiscovery(reading: $0, context) } ?? []
        let isRelabelled = !relabelling.isEmpty
        groups = fields["static_configs"]?.elements { TargetGroup(reading: $0, context, isRelabelled) } ?? []
        if job.isEmpty { return nil }
    }

    private mutating func readRequest(_ fields: NodeReader.Fields, _ context: PrometheusContext) {
        if let text = fields["metrics_path"]?.value(context) { path = text }
        if let reader = fields["scheme"], let text = reader.value(context) {
            if let known = Scheme(rawValue: text.lowercased()) {
                scheme = known
            } else {
                reader.badValue(
                    "\(reader.label): `\(printable(text))` is not known.", remedy: "Write `http` or `https`.")
            }
        }
        for entry in fields["params"]?.entries(remedy: "Write `params: { module: [http_2xx] }`.") ?? [] {
            parameters.append(Parameter(name: entry.key, values: entry.value.elements { $0.label(context) }))
        }
    }
}

extension ScrapeSettings.TLS {
    fileprivate init?(reading reader: NodeReader, _ context: PrometheusContext) {
        guard let fields = reader.fields(ofAny: PrometheusSection.tls, remedy: "Write `tls_config: { ca_file: … }`.")
        else {
            return nil
        }
        self.init()
        authorities = fields["ca_file"]?.promPath(context)
        certificate = fields["cert_file"]?.promPath(context)
        key = fields["key_file"]?.promPath(context)
        serverName = fields["server_name"]?.value(context)
        isUnverified = fields["insecure_skip_verify"]?.truth() ?? false
        minimumVersion = fields["min_version"]?.choice(context, Version.self)
        if (certificate == nil) != (key == nil) {
            reader.badValue(
                "\(reader.label) needs both `cert_file` and `key_file`.", remedy: "Add the one that is missing.")
        }
    }
}

extension NodeReader.Fields {
    /// `basic_auth`, `authorization`, `bearer_token` or `bearer_token_file`, of which there may be one.
    fileprivate func credentials(_ context: PrometheusContext) -> ScrapeSettings.Credentials? {
        let start = SettingsProblem.Position(line: 0, column: 0)
        let given = ["basic_auth", "authorization", "bearer_token", "bearer_token_file"].compactMap { self[$0] }
            .sorted { $0.position ?? start < $1.position ?? start }
        for second in given.dropFirst() {
            second.findings.report(
                "conflict", "\(second.label) and \(given[0].label) both say how to log in.", at: second.position,
                remedy: "Keep one of them.")
        }
        if let reader = self["basic_auth"] { return reader.basic(context) }
        if let reader = self["authorization"] { return reader.authorization(context) }
        return scrapeSecret("bearer_token", context).map { .header(type: "Bearer", $0) }
    }

    /// What `KEY` or `KEY_file` says.
    fileprivate func scrapeSecret(_ key: String, _ context: PrometheusContext) -> ScrapeSecret? {
        if let first = self[key], let second = self[key + "_file"], key != "bearer_token" {
            second.findings.report(
                "conflict", "\(second.label) and \(first.label) both say what it is.", at: second.position,
                remedy: "Keep one of them.")
        }
        if let value = self[key]?.label(context) { return .inline(Redacted(value)) }
        return self[key + "_file"]?.promPath(context).map { .file($0) }
    }
}

extension NodeReader {
    fileprivate func basic(_ context: PrometheusContext) -> ScrapeSettings.Credentials? {
        let help = "Write `basic_auth: { username: …, password_file: /… }`."
        guard let fields = fields(ofAny: PrometheusSection.basic, remedy: help) else { return nil }
        let empty = ScrapeSecret.inline(Redacted(""))
        return .basic(
            user: fields.scrapeSecret("username", context) ?? empty,
            password: fields.scrapeSecret("password", context) ?? empty)
    }

    fileprivate func authorization(_ context: PrometheusContext) -> ScrapeSettings.Credentials? {
        let help = "Write `authorization: { credentials_file: /… }`."
        guard let fields = fields(ofAny: PrometheusSection.authorization, remedy: help) else { return nil }
        let type = fields["type"]?.value(context) ?? "Bearer"
        if type.lowercased() == "basic" {
            badValue("\(label) cannot be of the type `basic`.", remedy: "Use `basic_auth`.")
            return nil
        }
        return fields.scrapeSecret("credentials", context).map { .header(type: type, $0) }
    }
}
