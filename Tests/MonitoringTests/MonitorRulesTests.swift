import Machine
import Monitoring
import Settings
import TestKit
import Testing
import TimeSeries

/// Scraping and rules together, from files.
@Suite struct MonitorRulesTests {
    @Test func rulesSeeWhatIsScrapedAndAreReadAgain() async throws {
        let server = ScriptedServer(path: nil) {
            $0.answer("a 20\n", headers: "Content-Type: text/plain; version=0.0.4\r\n")
        }
        defer { server.kill() }
        try await withTemporaryFolder { folder in
            try write(
                """
                global: { scrape_interval: 1s, evaluation_interval: 1s, external_labels: { host: one } }
                rule_files: ["r*.yml"]
                scrape_configs:
                - { job_name: j, static_configs: [{ targets: ["127.0.0.1:\(server.port)", "127.0.0.1:1"] }] }
                """, to: folder + "/prometheus.yml")
            func rules(_ factor: Int) -> String {
                """
                groups:
                - name: g
                  rules:
                  - { record: "a:more", expr: "a * \(factor)" }
                  - { alert: Down, expr: up == 0, annotations: { text: "{{ $labels.instance }} of {{ $externalLabels.host }}" } }
                """
            }
            try write(rules(2), to: folder + "/r1.yml")
            let store = try TimeSeriesStore(folder + "/metrics", now: SystemClock().now().milliseconds)
            let monitor = try Monitor(into: store, host: "test") {
                try Monitor.Plan.read(from: folder + "/prometheus.yml", environment: [:], url: "http://127.0.0.1:9470/")
            } report: { _ in
            }
            #expect(await monitor.externalLabels() == Labels(["host": "one"]))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await monitor.run() }
                let own = ["instance": "127.0.0.1:\(server.port)", "job": "j"]
                try await eventually("a recorded series") { try store.values("a:more", own).contains(40) }
                try await eventually("an alert") {
                    try store.samples(of: "ALERTS").keys.contains {
                        $0["alertname"] == "Down" && $0["alertstate"] == "firing" && $0["instance"] == "127.0.0.1:1"
                    }
                }
                let alert = try #require(await monitor.ruleGroups().first?.rules.last)
                guard case .alerting(_, _, _, let alerts) = alert.kind else {
                    throw TestKitError(description: "no alert")
                }
                #expect(alerts.first?.annotations.first?.value == "127.0.0.1:1 of one")

                try write("groups: [{ name: g, rules: [{ record: x }] }]\n", to: folder + "/r2.yml")
                let error = await #expect(throws: SettingsError.self) { try await monitor.reload() }
                #expect(error?.place?.contains("/r2.yml:1:") == true, "\(String(describing: error))")
                try unlinkFile(folder + "/r2.yml")
                try write(rules(3), to: folder + "/r1.yml")
                try await monitor.reload()
                try await eventually("the new rule") { try store.values("a:more", own).last == 60 }
                group.cancelAll()
            }
        }
    }
}
