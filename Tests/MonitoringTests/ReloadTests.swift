import Machine
import Monitoring
import Settings
import TestKit
import Testing
import TimeSeries

/// What a reload changes, and what it leaves alone.
@Suite struct ReloadTests {
    private static let plain = "Content-Type: text/plain; version=0.0.4\r\n"

    private static func text(_ port: Int, _ more: String = "", others: String = "") -> String {
        """
        scrape_configs:
        - job_name: j
          scrape_interval: 1s
          static_configs: [{ targets: ["127.0.0.1:\(port)"] }]
          \(more)
        \(others)
        """
    }

    @Test func noScrapeIsLost() async throws {
        let server = ScriptedServer(path: nil) { $0.answer("a 1\n", headers: Self.plain) }
        defer { server.kill() }
        let port = server.port
        try await withMonitor(Self.text(port)) { monitor, change in
            let own = ["instance": "127.0.0.1:\(port)", "job": "j"]
            try await eventually("the first scrape") { try !monitor.store.values("a", own).isEmpty }
            for round in 0..<12 {
                change(Self.text(port, "sample_limit: \(100 + round)\n  metrics_path: /metrics"))
                try await monitor.reload()
                try await Task.sleep(for: .milliseconds(250))
            }
            try await eventually("four scrapes") { try monitor.store.values("up", own).count >= 4 }
            let times = try #require(try monitor.store.samples(of: "up").values.first).map(\.time)
            #expect(Set(times.map { $0 % 1000 }).count == 1, "\(times)")
            // A busy machine may be late with an answer; a reload is no reason to end a series.
            let failed = try monitor.store.values("up", own).count { $0 == 0 }
            let ends = try monitor.store.values("a", own).count(where: \.isStaleMarker)
            #expect(ends <= failed)
            let isWhole = zip(times, times.dropFirst()).allSatisfy { $1 - $0 == 1000 }
            #expect(isWhole || failed > 0, "\(times)")
            #expect(try monitor.store.values("scrape_series_added", own).reduce(0, +) == 1)
        }
    }

    @Test func theTimesAreTheSameAfterARestart() async throws {
        let server = ScriptedServer(path: nil) { $0.answer("a 1\n", headers: Self.plain) }
        defer { server.kill() }
        let offsets = SharedText("")
        for _ in 0..<2 {
            try await withMonitor(Self.text(server.port)) { monitor, _ in
                try await eventually("a scrape") { try !monitor.store.samples(of: "a").isEmpty }
                let time = try #require(try monitor.store.samples(of: "a").values.first?.first?.time)
                offsets.text += "\(time % 1000) "
            }
        }
        let words = offsets.text.split(separator: " ")
        #expect(words.count == 2 && words.first == words.last, "\(words)")
    }

    @Test func aWrongFileLeavesTheOldOneInForce() async throws {
        let server = ScriptedServer(path: nil) { $0.answer("a 1\n", headers: Self.plain) }
        defer { server.kill() }
        try await withMonitor(Self.text(server.port)) { monitor, change in
            let before = await monitor.configuration()
            change("scrape_configs: [{ job_name: x, nonsense: 1 }]")
            let error = await #expect(throws: SettingsError.self) { try await monitor.reload() }
            #expect(error?.place?.hasSuffix("prometheus.yml:1:33") == true)
            #expect(await monitor.configuration() == before)
            try await eventually("it goes on") { await monitor.targets().active.first?.health == .up }
        }
    }

    @Test func whatIsTakenOutEndsAndWhatIsPutInBegins() async throws {
        let server = ScriptedServer(path: nil) { $0.answer("a 1\n", headers: Self.plain) }
        defer { server.kill() }
        let port = server.port
        let other = """
            - job_name: k
              scrape_interval: 1s
              static_configs: [{ targets: ["127.0.0.1:\(port)"], labels: { x: y } }]
            """
        try await withMonitor(Self.text(port)) { monitor, change in
            let own = ["instance": "127.0.0.1:\(port)", "job": "j"]
            try await eventually("the first scrape") { try !monitor.store.values("a", own).isEmpty }
            change("scrape_configs:\n" + other)
            try await monitor.reload()
            for name in ["a", "up"] {
                let last = try #require(try monitor.store.values(name, own).last)
                #expect(last.isStaleMarker)
            }
            #expect(await monitor.targets().active.map(\.pool) == ["k"])
            try await eventually("the new one") {
                try !monitor.store.values("a", ["instance": "127.0.0.1:\(port)", "job": "k", "x": "y"]).isEmpty
            }
        }
    }

    @Test func filesWithTargetsAreSeenWhenTheyChange() async throws {
        let server = ScriptedServer(path: nil) { $0.answer("a 1\n", headers: Self.plain) }
        defer { server.kill() }
        try await withTemporaryFolder { folder in
            let talk = Talk()
            let text = """
                scrape_configs:
                - job_name: j
                  scrape_interval: 1s
                  file_sd_configs: [{ files: ["\(folder)/t*.yml"], refresh_interval: 1s }]
                """
            let port = server.port
            @Sendable func targets(_ number: Int) -> String {
                "- targets: [\"127.0.0.1:\(port)\"]\n  labels: { version: \"\(number)\" }\n"
            }
            try write(targets(1), to: folder + "/t1.yml")
            try await withMonitor(text, talk: talk) { monitor, _ in
                try await eventually("version 1") {
                    await monitor.targets().active.map { $0.labels["version"] } == ["1"]
                }
                let discovered = await monitor.targets().active.first?.discovered["__meta_filepath"]
                #expect(discovered == folder + "/t1.yml")
                try write("- target: []\n", to: folder + "/t1.yml")
                try await eventually("it complains") { talk.lines.contains { $0.contains("t1.yml:1:3") } }
                #expect(await monitor.targets().active.map { $0.labels["version"] } == ["1"], "the old one goes on")
                try write(targets(2), to: folder + "/t2.yml")
                try await eventually("both") { await monitor.targets().active.count == 2 }
                try unlinkFile(folder + "/t1.yml")
                try await eventually("the new one alone") {
                    await monitor.targets().active.map { $0.labels["version"] } == ["2"]
                }
            }
        }
    }
}
