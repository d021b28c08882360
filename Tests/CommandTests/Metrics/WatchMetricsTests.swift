import Glibc
import HTTPClient
import Machine
import TestKit
import Testing

/// `holdfast watch` as a service that measures, started as a person would.
@Suite struct WatchMetricsTests {
    private static let plain = "Content-Type: text/plain; version=0.0.4\r\n"

    /// A host that measures one target and nothing else.
    private struct Host: Sendable {
        let folder: String
        let port: Int
        let target: ScriptedServer
        let holdfast: CommandRunner

        func write(_ name: String, _ text: String) throws {
            let file = try Descriptor.open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
            try file.write(text)
            try file.close()
        }

        func prometheus(_ job: String, more: String = "") throws {
            try write(
                "prometheus.yml",
                """
                scrape_configs:
                - job_name: \(job)
                  scrape_interval: 1s
                  static_configs: [{ targets: ["127.0.0.1:\(target.port)"] }]
                  \(more)
                """)
        }

        func watch() throws -> Running { try holdfast.start([CommandRunner.binary, "watch"]) }

        /// What the interface answers, if it does.
        func answer(_ path: String) async -> String? {
            let request = HTTPClient.Request("GET", "http://127.0.0.1:\(port)\(path)")
            return (try? await HTTPClient().send(request)).map { String(decoding: $0.body, as: UTF8.self) }
        }

        /// What it answers to `up{job="…"}`.
        func up(_ job: String) async -> String { await answer("/api/v1/query?query=up%7Bjob%3D%22\(job)%22%7D") ?? "" }

        func isUp(_ job: String) async -> Bool { await up(job).contains("\"1\"") }
    }

    private func withHost(_ body: (Host) async throws -> Void) async throws {
        let target = ScriptedServer(path: nil) { $0.answer("a 1\n", headers: Self.plain) }
        defer { target.kill() }
        try await withTemporaryFolder { folder in
            let host = Host(
                folder: folder, port: try freePort(), target: target,
                holdfast: CommandRunner(environment: ["HOLDFAST_CONFIG": folder + "/holdfast.yml"], folder: folder))
            try host.prometheus("one")
            try host.write(
                "holdfast.yml",
                "metrics: { prometheus: prometheus.yml, listen: \"127.0.0.1:\(host.port)\" }\nstate: \(folder)/state\n")
            try await body(host)
        }
    }

    @Test func measuresAnswersReadsAgainAndEnds() async throws {
        try await withHost { host in
            let watch = try host.watch()
            try await eventually("it measures and answers") { await host.isUp("one") }
            // One a state folder.
            let second = try await host.holdfast("watch", "--json")
            try expectFailure(second, 75, "timeseries.in-use", says: "holdfast watch")

            try host.prometheus("two", more: "nonsense: 1")
            watch.signal(SIGHUP)
            try await eventually("it refuses") { try watch.errorsSoFar().contains("prometheus.yml:5:3") }
            try await eventually("it goes on as before") { await host.isUp("one") }
            try host.prometheus("two")
            watch.signal(SIGHUP)
            try await eventually("the new one is up") { await host.isUp("two") }
            #expect(await host.up("one").contains("\"result\":[]"))

            watch.signal(SIGTERM)
            let ended = try await watch.wait()
            #expect(ended.status == 143 && ended.errors.contains("were read again: 1 job, 0 rules"), "\(ended)")
        }
    }

    @Test func whatWasScrapedSurvivesAKill() async throws {
        try await withHost { host in
            let first = try host.watch()
            try await eventually("it measures and answers") { await host.isUp("one") }
            first.signal(SIGKILL)
            _ = try await first.wait()
            try host.prometheus("two")
            let second = try host.watch()
            try await eventually("it answers again") { await host.isUp("two") }
            // No marker was written: the old ones are there until they are too old.
            #expect(await host.up("one").contains("\"job\":\"one\""))
            second.signal(SIGTERM)
            #expect(try await second.wait().status == 143)
        }
    }

    @Test func aWrongFileIsRefusedBeforeAnythingBegins() async throws {
        try await withHost { host in
            try host.write("prometheus.yml", "scrape_configs: [{ job_name: a, consul_sd_configs: [] }]\n")
            let refused = try await host.holdfast("watch", "--json")
            try expectFailure(refused, 4, "settings.unsupported-key", says: "prometheus.yml:1:33")
            #expect(access(host.folder + "/state/metrics", F_OK) != 0)
        }
    }

    @Test func aHostThatOnlyMeasuresIsChecked() async throws {
        try await withHost { host in
            let good = try await host.holdfast("check")
            #expect(good.status == 0 && good.output.contains("1 job, 0 rules"), "\(good)")
            try host.prometheus("one", more: "nonsense: 1")
            let bad = try await host.holdfast("check")
            #expect(bad.status == 1 && bad.output.contains("prometheus.yml:5:3"), "\(bad)")
        }
    }

    @Test func checkReadsItToo() async throws {
        try await withDemoHost {
            $0.more = "metrics: { prometheus: prometheus.yml }\n"
        } _: { host in
            try host.write("prometheus.yml", "scrape_configs: [{ job_name: a }]\n")
            let good = try await host.holdfast("check", "--json")
            #expect(good.output.contains("1 job, 0 rules"), "\(good)")
            try host.write("prometheus.yml", "scrape_configs: [{ job_name: a, nonsense: 1 }]\n")
            let bad = try await host.holdfast("check", "--json")
            #expect(bad.status == good.status, "backups do not depend on it")
            #expect(bad.output.contains("prometheus.yml:1:33"), "\(bad)")
        }
    }

    /// A port that somebody else has does not end what is measured.
    @Test func aPortThatIsTakenIsSaidAndMeasuringGoesOn() async throws {
        try await withHost { host in
            try host.write(
                "holdfast.yml",
                "metrics: { prometheus: prometheus.yml, listen: \"127.0.0.1:\(host.target.port)\" }\n"
                    + "state: \(host.folder)/state\n")
            let watch = try host.watch()
            try await eventually("it says so") { try watch.errorsSoFar().contains("Nobody can be served") }
            try await eventually("it measures") { host.target.requests.count > 3 }
            watch.signal(SIGTERM)
            #expect(try await watch.wait().status == 143)
        }
    }
}
