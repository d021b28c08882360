import Docker
import HTTPClient
import Machine
import Monitoring
import Settings
import TestKit
import Testing
import TimeSeries

/// What a real Prometheus makes of the same configuration.
@Suite(.enabled(if: RealPrometheus.isAvailable, Comment(rawValue: RealPrometheus.howToGetOne)))
struct PrometheusAgreementTests {
    /// Entries of `scrape_configs` and other texts, good and bad; those that we do not support are not among them.
    private static let configurations = [
        "global: { scrape_interval: 15s, scrape_timeout: 15s }", "global: { scrape_interval: 5s, scrape_timeout: 6s }",
        "global: { scrape_interval: 1h30m, evaluation_interval: 250ms }", "global: { scrape_interval: 15 }",
        "global: { scrape_interval: 30m1h }", "global: { external_labels: { a: b } }", "global: { unknown: 1 }",
        "rule_files: [\"none/*.yml\"]", "rule_files: [\"*/none.yml\"]", "scrape_configs: [{}]",
        "scrape_configs: [{ job_name: a }]", "scrape_configs: [{ job_name: a }, { job_name: a }]",
        "scrape_configs: [{ job_name: '' }]", "scrape_configs: [{ job_name: a, scrape_timeout: 2m }]",
        "scrape_configs: [{ job_name: a, scrape_interval: 5s }]",
        "scrape_configs: [{ job_name: a, scrape_interval: 5s, scrape_timeout: 6s }]",
        "scrape_configs: [{ job_name: a, static_configs: [{ targets: [\"h:1\"] }] }]",
        "scrape_configs: [{ job_name: a, static_configs: [{ targets: [\"http://h:1\"] }] }]",
        "scrape_configs: [{ job_name: a, static_configs: [{ target: [\"h:1\"] }] }]",
        "scrape_configs: [{ job_name: a, file_sd_configs: [{ files: [\"x/*.json\"] }] }]",
        "scrape_configs: [{ job_name: a, file_sd_configs: [{ files: [\"*/x.json\"] }] }]",
        "scrape_configs: [{ job_name: a, file_sd_configs: [{ files: [x.txt] }] }]",
        "scrape_configs: [{ job_name: a, docker_sd_configs: [{ host: \"unix:///x\" }] }]",
        "scrape_configs: [{ job_name: a, docker_sd_configs: [{ port: 1 }] }]",
        "scrape_configs: [{ job_name: a, basic_auth: { username: u, password: p } }]",
        "scrape_configs: [{ job_name: a, basic_auth: { username: u, password: p, password_file: f } }]",
        "scrape_configs: [{ job_name: a, bearer_token: t, basic_auth: { username: u } }]",
        "scrape_configs: [{ job_name: a, authorization: { type: Basic, credentials: c } }]",
        "scrape_configs: [{ job_name: a, authorization: { credentials: c } }]",
        "scrape_configs: [{ job_name: a, tls_config: { insecure_skip_verify: yes, min_version: TLS12 } }]",
        "scrape_configs: [{ job_name: a, tls_config: { min_version: TLS99 } }]",
        "scrape_configs: [{ job_name: a, honor_labels: true, honor_timestamps: off }]",
        "scrape_configs: [{ job_name: a, honor_labels: maybe }]",
        "scrape_configs: [{ job_name: a, sample_limit: 10, label_limit: 2, body_size_limit: 10MB, target_limit: 3 }]",
        "scrape_configs: [{ job_name: a, sample_limit: -1 }]",
        "scrape_configs: [{ job_name: a, body_size_limit: much }]",
        "scrape_configs: [{ job_name: a, params: { module: [a, b] } }]",
        "scrape_configs: [{ job_name: a, params: { module: a } }]", "scrape_configs: { job_name: a }",
        "scrape_configs: [{ job_name: a, metrics_path: /m, scheme: https, follow_redirects: false, enable_http2: false }]",
    ]

    private static let rules = [
        "{ source_labels: [a], target_label: b }", "{ source_labels: [a] }", "{ target_label: b, replacement: c }",
        "{ source_labels: [a], regex: \"(((\", target_label: b }",
        "{ source_labels: [a], regex: 'x\\d+', action: keep }",
        "{ action: keep }", "{ action: Keep, source_labels: [a] }", "{ action: none }",
        "{ action: hashmod, target_label: b }",
        "{ action: hashmod, target_label: b, modulus: 4 }", "{ action: hashmod, modulus: 4 }",
        "{ action: labelmap, regex: \"a(.*)\" }", "{ action: labelmap, regex: a, replacement: '' }",
        "{ action: labeldrop, regex: a }", "{ action: labeldrop, source_labels: [a] }",
        "{ action: labelkeep, regex: a, target_label: b }",
        "{ action: lowercase, source_labels: [a], target_label: b }",
        "{ action: uppercase, source_labels: [a], target_label: b, replacement: c }", "{ action: uppercase }",
        "{ action: keepequal, source_labels: [a], target_label: b }",
        "{ action: keepequal, source_labels: [a], target_label: b, regex: x }",
        "{ action: dropequal, source_labels: [a] }",
        "{ source_labels: [a], target_label: \"${1}\" }", "{ source_labels: a, target_label: b }",
        "{ source_labels: [a], target_label: b, separator: '' }", "{ source_labels: [a], targetlabel: b }",
    ]

    @Test func whatPromtoolAcceptsIsAccepted() async throws {
        try await withTemporaryFolder { folder in
            let texts =
                Self.configurations
                + Self.rules.flatMap { rule in
                    ["relabel_configs", "metric_relabel_configs"].map {
                        "scrape_configs: [{ job_name: a, \($0): [\(rule)] }]"
                    }
                }
            for text in texts {
                let file = folder + "/prometheus.yml"
                try write(text + "\n", to: file)
                let promtool = try await ChildProcess("promtool", ["check", "config", file]).run()
                let ours = Result { try PrometheusSettings.load(from: file, environment: [:], words: .promQL) }
                let isAccepted = (try? ours.get()) != nil
                #expect(isAccepted == promtool.succeeded, "\(text)\n\(promtool.errors)\n\(ours)")
            }
        }
    }

    /// The same targets with the same labels, from containers, files and what is written down.
    @Test(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
    func findsTheSameTargets() async throws {
        let server = ScriptedServer(path: nil) {
            $0.answer("a 1\n", headers: "Content-Type: text/plain; version=0.0.4\r\n")
        }
        defer { server.kill() }
        try await withEngine { engine in
            try await withTemporaryFolder { folder in
                let mark = uniqueName("mark")
                try write(
                    "- targets: [\"127.0.0.1:\(server.port)\", \"h:2\"]\n  labels: { a: b, __meta_own: \"1\" }\n",
                    to: folder + "/targets.yml")
                let text = """
                    global: { scrape_interval: 1s, external_labels: { x: y } }
                    scrape_configs:
                    - job_name: docker
                      docker_sd_configs:
                      - { host: "unix://\(engine.socket)", refresh_interval: 1s, filters: [{ name: label, values: ["hf.mark=\(mark)"] }] }
                      relabel_configs:
                      - { source_labels: [__meta_docker_container_label_role], regex: hidden, action: drop }
                      - { source_labels: [__meta_docker_container_name], regex: "/(.*)", target_label: container }
                      - { action: labelmap, regex: "__meta_docker_container_label_com_docker_compose_(project|service)" }
                    - job_name: others
                      params: { module: [one, two], "b c": ["d e"] }
                      metrics_path: /probe
                      scrape_timeout: 500ms
                      static_configs:
                      - { targets: ["s:1"], labels: { __scheme__: https, __param_module: three, job: renamed } }
                      file_sd_configs: [{ files: ["\(folder)/*.yml"] }]
                      relabel_configs:
                      - { source_labels: [__address__], modulus: 7, target_label: shard, action: hashmod }
                      - { source_labels: [__address__], regex: "s:.*", target_label: __scrape_interval__, replacement: 2s }
                    """
                try await withContainer(engine) { plan in
                    plan.labels = [
                        "hf.mark": mark, "com.docker.compose.project": "p", "com.docker.compose.service": "s",
                        "a.b/c": "d",
                    ]
                } _: { _ in
                    try await withContainer(engine) {
                        $0.labels = ["hf.mark": mark, "role": "hidden"]
                    } _: { _ in
                        try await withPrometheus(configuration: text) { prometheus in
                            try await withMonitor(text) { monitor, _ in
                                try await eventually("all targets are found on both sides") {
                                    let theirs = try await prometheus.targets("activeTargets").count
                                    let ours = await monitor.targets().active.count
                                    return theirs == 4 && ours == 4
                                }
                                let theirs = try await prometheus.targets("activeTargets")
                                let ours = await monitor.targets().active.map {
                                    Found(discovered: $0.discovered, labels: $0.labels, url: $0.url)
                                }
                                #expect(ours.sorted { $0.url < $1.url } == theirs.sorted { $0.url < $1.url })
                                let dropped = try await prometheus.targets("droppedTargets").map(\.discovered)
                                let ownDropped = await monitor.targets().dropped.map {
                                    Found(discovered: $0.discovered, labels: Labels(), url: "").discovered
                                }
                                #expect(ownDropped == dropped)
                            }
                        }
                    }
                }
            }
        }
    }
}

private struct Found: Hashable, Sendable {
    let discovered: Labels
    let labels: Labels
    let url: String

    /// Without labels that relabelling may have changed: Prometheus 2.42 shows some of them as it left them.
    init(discovered: Labels, labels: Labels, url: String) {
        self.discovered = Labels(discovered.filter { $0.name.hasPrefix("__") })
        self.labels = labels
        self.url = url
    }
}

extension PrometheusServer {
    fileprivate func targets(_ kind: String) async throws -> [Found] {
        let answer = try await HTTPClient().send(HTTPClient.Request("GET", url + "/api/v1/targets"))
        let json = try JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))
        return json["data"][kind].all.map { target in
            Found(
                discovered: target["discoveredLabels"].labels, labels: target["labels"].labels,
                url: target["scrapeUrl"].string ?? "")
        }
    }
}

extension JSONValue {
    fileprivate var labels: Labels {
        guard case .object(let fields) = self else { return Labels() }
        return Labels(fields.map { Label(name: $0.key, value: $0.value.string ?? "") })
    }
}
