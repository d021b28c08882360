import Machine
import Settings
import TestKit
import Testing

/// `prometheus.yml`.
@Suite struct PrometheusTests {
    private static let words = QueryWords(
        duration: { text in
            let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000]
            return text.last.flatMap { units[$0] }.flatMap { unit in Int64(text.dropLast()).map { $0 * unit } }
        },
        patternFault: { $0.contains("(((") ? "missing )" : nil })

    private func parse(
        _ text: String, file: String = "/etc/p/prometheus.yml", _ environment: [String: String] = [:]
    ) throws -> PrometheusSettings {
        try PrometheusSettings.parse(text, file: file, environment: environment, words: Self.words)
    }

    @Test func anEmptyFileMeasuresNothing() throws {
        #expect(try parse("# nothing\n").scrapes == [])
        #expect(try parse("global:\n").evaluationInterval == 60_000)
    }

    @Test func globalGivesWhatAnEntryDoesNotSay() throws {
        let settings = try parse(
            """
            global:
              scrape_interval: 15s
              evaluation_interval: 30s
              sample_limit: 1000
              external_labels: { host: one }
            scrape_configs:
              - job_name: a
              - { job_name: b, scrape_interval: 5s, sample_limit: 7, body_size_limit: 2MB }
              - { job_name: c, scrape_interval: 2m, scrape_timeout: 1m }
            """)
        #expect(settings.scrapes.map(\.interval) == [15_000, 5_000, 120_000])
        #expect(settings.scrapes.map(\.timeout) == [10_000, 5_000, 60_000])
        #expect(settings.scrapes.map(\.limits.samples) == [1000, 7, 1000])
        #expect(settings.scrapes[1].limits.body == 2 << 20)
        #expect(settings.evaluationInterval == 30_000)
        #expect(settings.externalLabels == ["host": "one"])
    }

    @Test func readsAWholeEntry() throws {
        let settings = try parse(
            """
            scrape_configs:
              - job_name: all
                honor_labels: true
                honor_timestamps: false
                scheme: HTTPS
                metrics_path: /m
                params: { module: [http_2xx, other] }
                basic_auth: { username: me, password_file: secret }
                tls_config: { ca_file: ca.pem, server_name: x.example, min_version: TLS12, insecure_skip_verify: yes }
                follow_redirects: no
                enable_http2: true
                enable_compression: false
                fallback_scrape_protocol: PrometheusText0.0.4
                static_configs:
                  - targets: ["one:1", "[::1]:2"]
                    labels: { a: b }
                file_sd_configs:
                  - { files: ["t/*.yml", /x.json], refresh_interval: 10s }
                docker_sd_configs:
                  - host: unix:///var/run/docker.sock
                    port: 9100
                    filters: [{ name: label, values: [m] }]
                relabel_configs:
                  - { source_labels: [a, b], regex: "x(.*)", target_label: c, replacement: "${1}" }
                  - { action: labeldrop, regex: '' }
            rule_files: ["rules/*.yml", /r.yml]
            """)
        let scrape = try #require(settings.scrapes.first)
        #expect(scrape.honorsLabels && !scrape.honorsTimestamps && scrape.scheme == .https && scrape.path == "/m")
        #expect(scrape.parameters == [.init(name: "module", values: ["http_2xx", "other"])])
        #expect(scrape.credentials == .basic(user: .inline(Redacted("me")), password: .file("/etc/p/secret")))
        #expect(
            scrape.tls.authorities == "/etc/p/ca.pem" && scrape.tls.isUnverified && scrape.tls.minimumVersion == .tls12)
        #expect(!scrape.followsRedirects && !scrape.isCompressed && scrape.fallbackProtocol == .text0)
        #expect(scrape.groups == [.init(addresses: ["one:1", "[::1]:2"], labels: ["a": "b"])])
        #expect(scrape.files == [.init(files: ["/etc/p/t/*.yml", "/x.json"], refresh: 10_000)])
        #expect(scrape.docker.first?.socket == "/var/run/docker.sock" && scrape.docker.first?.port == 9100)
        #expect(scrape.relabelling.map(\.expression) == ["x(.*)", ""])
        #expect(scrape.relabelling.first?.replacement == "${1}")
        #expect(settings.ruleFiles == ["/etc/p/rules/*.yml", "/r.yml"])
    }

    /// Line and column, and what to do.
    @Test(
        arguments: [
            ("alerting: {}", "f:1:1", "`alerting` is not supported", "Remove it"),
            ("scrape_configs: [{ job_name: a, kubernetes_sd_configs: [] }]", "f:1:33", "not supported", "Remove it"),
            ("scrape_configs: [{ job_name: a, static_config: [] }]", "f:1:33", "`static_config`", "`static_configs`"),
            ("scrape_configs: [{ job_nam: a }]", "f:1:20", "`job_nam`", "`job_name`"),
            ("global: { scrape_interval: 15 }", "f:1:28", "no duration", "`15s`"),
            ("global: { scrape_interval: 5s, scrape_timeout: 10s }", "f:1:48", "longer", "at most"),
            ("scrape_configs: [{ job_name: a }, { job_name: a }]", "f:1:35", "another job `a`", "of its own"),
            (
                "scrape_configs: [{ job_name: a, static_configs: [{ targets: [\"http://x/\"] }] }]", "f:1:62",
                "not HOST:PORT", "`metrics_path`"
            ),
            (
                "scrape_configs: [{ job_name: a, relabel_configs: [{ regex: \"(((\", target_label: b }] }]", "f:1:60",
                "no regular expression: missing )", "RE2"
            ),
            (
                "scrape_configs: [{ job_name: a, relabel_configs: [{ action: hashmod, target_label: b }] }]", "f:1:51",
                "`modulus`", "`hashmod`"
            ),
            ("scrape_configs: [{ job_name: a, relabel_configs: [{ action: kep }] }]", "f:1:61", "`kep`", "`keep`"),
            (
                "scrape_configs: [{ job_name: a, relabel_configs: [{ action: replace }] }]", "f:1:51", "`target_label`",
                ""
            ),
            (
                "scrape_configs: [{ job_name: a, bearer_token: x, basic_auth: {} }]", "f:1:62", "both say how",
                "Keep one"
            ),
            (
                "scrape_configs: [{ job_name: a, docker_sd_configs: [{ host: \"tcp://x:1\" }] }]", "f:1:61", "socket",
                "unix:///"
            ),
            (
                "scrape_configs: [{ job_name: a, file_sd_configs: [{ files: [x.txt] }] }]", "f:1:61", "`x.txt`",
                "`.json`"
            ),
            ("scrape_configs: [{ job_name: \"${NO_SUCH}\" }]", "f:1:30", "no variable `NO_SUCH`", "`$${`"),
            ("scrape_configs: [{ job_name: a, honor_labels: maybe }]", "f:1:47", "`maybe`", "`true` or `false`"),
            ("scrape_configs: [{ job_name: a, body_size_limit: 10 }]", "f:1:50", "no size", "`64MB`"),
            ("rule_files: [\"a/*/b.yml\"]", "f:1:14", "before the last", "Only file names"),
        ])
    func badOnesPointAtLineAndColumn(text: String, place: String, what: String, remedy: String) throws {
        let error = try #require(throws: SettingsError.self) { try parse(text, file: "f") }
        #expect(error.problems.contains { $0.place == place }, "\(error)")
        #expect("\(error)".contains(what) && "\(error)".contains(remedy), "\(error)")
    }

    @Test func variablesStandInValuesAndNotInRules() throws {
        let settings = try parse(
            """
            global: { external_labels: { host: "${HOST}" } }
            scrape_configs:
              - job_name: a
                bearer_token: "${TOKEN}x$$${y}"
                static_configs: [{ targets: ["${HOST}:1"], labels: { price: "5$", literal: "$${HOST}" } }]
                relabel_configs: [{ source_labels: [x], target_label: "${HOST}", replacement: "${HOST}" }]
            """, ["HOST": "h", "TOKEN": "t", "y": "z"])
        let scrape = try #require(settings.scrapes.first)
        #expect(settings.externalLabels == ["host": "h"])
        #expect(scrape.groups.first == .init(addresses: ["h:1"], labels: ["price": "5$", "literal": "${HOST}"]))
        #expect(scrape.relabelling.first?.replacement == "${HOST}")
        #expect(scrape.credentials == .header(type: "Bearer", .inline(Redacted("tx$${y}"))))
    }

    @Test func whatIsShownHidesSecretsAndVariables() throws {
        let settings = try parse(
            """
            scrape_configs:
              - { job_name: a, basic_auth: { username: me, password: hunter2 } }
              - { job_name: b, authorization: { credentials: hunter3 } }
              - { job_name: c, bearer_token: "hunter4" }
              - { job_name: d, params: { token: ["${SECRET}"] } }
            """, ["SECRET": "hunter5"])
        #expect(!settings.text.contains("hunter"))
        #expect(settings.text.contains("<secret>") && settings.text.contains("job_name: d"))
        #expect(!"\(settings)".contains("hunter2") && !"\(settings)".contains("hunter4"))
    }

    @Test func filesWithTargetsAreYAMLOrJSONAndSeeNoVariables() throws {
        let yaml = Array("- targets: [\"a:1\", '${HOME}']\n  labels: { x: y }\n".utf8)
        #expect(
            try ScrapeSettings.TargetGroup.parse(yaml, file: "t.yml")
                == [.init(addresses: ["a:1", "${HOME}"], labels: ["x": "y"])])
        let json = Array("[\n\t{\n\t\t\"targets\": [ \"b:2\" ],\n\t\t\"labels\": {\"k\": \"a\\/b\"}\n\t}\n]\n".utf8)
        #expect(
            try ScrapeSettings.TargetGroup.parse(json, file: "t.json")
                == [.init(addresses: ["b:2"], labels: ["k": "a/b"])])
        let error = try #require(throws: SettingsError.self) {
            try ScrapeSettings.TargetGroup.parse(Array("- target: [a]\n".utf8), file: "t.yml")
        }
        #expect(error.place == "t.yml:1:3" && "\(error)".contains("`targets`"))
    }

    @Test func nothingThatIsReadCrashes() throws {
        let pieces = [
            "global:", " scrape_configs:", "\n- ", "job_name: ", "a", "[", "]", "{", "}", "${", "}", "*", "&x", "\"",
            ": ",
            "relabel_configs", "static_configs", "targets", "\n  ", "5s", "null", "~", "action: hashmod", "modulus: -1",
        ]
        var generator = SeededRandom(seed: 7)
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 1...14, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            _ = try? parse(text)
            _ = try? ScrapeSettings.TargetGroup.parse(Array(text.utf8), file: "t")
        }
    }
}
