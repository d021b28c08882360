import Exposition
import Glibc
import HTTPClient
import Machine
import Monitoring
import Settings
import Synchronization
import TestKit
import Testing
import TimeSeries

/// A monitor and targets of all kinds, over loopback.
@Suite struct ScrapeTests {
    private static let plain = "Content-Type: text/plain; version=0.0.4\r\n"

    private static func job(_ name: String, _ port: Int, _ more: String = "", pace: String = "1s") -> String {
        """
        - job_name: \(name)
          scrape_interval: \(pace)
          scrape_timeout: \(pace)
          static_configs: [{ targets: ["127.0.0.1:\(port)"] }]
          \(more)

        """
    }

    private func labels(_ job: String, _ server: ScriptedServer) -> [String: String] {
        ["instance": "127.0.0.1:\(server.port)", "job": job]
    }

    /// Kills what a test started.
    private func serving(_ script: @escaping @Sendable (ScriptedServer.Connection) -> Void) -> ScriptedServer {
        ScriptedServer(path: nil, script)
    }

    @Test func timesAreThoseOfTheSchedule() async throws {
        let server = serving { $0.answer("a 1\n", headers: Self.plain) }
        defer { server.kill() }
        try await withMonitor("scrape_configs:\n" + Self.job("j", server.port)) { monitor, _ in
            try await eventually("five scrapes") {
                try monitor.store.values("a", labels("j", server)).count >= 5
            }
            let times = try #require(try monitor.store.samples(of: "a").values.first).map(\.time)
            #expect(Set(times.map { $0 % 1000 }).count == 1, "\(times)")
            let status = try #require(await monitor.targets().active.first)
            #expect(status.health == .up && status.lastError == "" && status.pool == "j")
            #expect(status.url == "http://127.0.0.1:\(server.port)/metrics" && status.interval == 1000)
        }
    }

    /// Each of them is down with a word that says why, and the good one is not disturbed.
    @Test func hostileTargetsHarmNobody() async throws {
        let text = Self.plain
        let scripts:
            [(job: String, word: String, more: String, script: @Sendable (ScriptedServer.Connection) -> Void)] = [
                ("slow", "whole answer within", "", { $0.hang() }),
                (
                    "trickle", "whole answer within", "",
                    { connection in
                        connection.say("HTTP/1.1 200 OK\r\n\(text)\r\n")
                        while connection.say("a 1\n") { usleep(50_000) }
                    }
                ),
                (
                    "endless", "larger than the 4.00 MiB", "body_size_limit: 4MB",
                    { connection in
                        connection.say("HTTP/1.1 200 OK\r\n\(text)\r\n")
                        let lines = [UInt8]("some_metric_of_a_target{with=\"labels\"} 1\n".utf8)
                        let block = Array(repeatElement(lines, count: 1000).joined())
                        while connection.say(block) {}
                    }
                ),
                (
                    "many", "more than 100000 samples", "",
                    { $0.answer(String(repeating: "a{n=\"x\"} 1\n", count: 150_000), headers: text) }
                ),
                ("junk", "line 1, column", "", { $0.answer("\u{1}\u{2}%% what\n", headers: text) }),
                ("html", "text/html", "", { $0.answer("<html>hello</html>", headers: "Content-Type: text/html\r\n") }),
                ("typeless", "no Content-Type", "", { $0.answer("a 1\n") }),
                ("missing", "status 404", "", { $0.answer("no", status: 404, headers: text) }),
                ("cut", "in the middle", "", { $0.say("HTTP/1.1 200 OK\r\n\(text)Content-Length: 100\r\n\r\na 1\n") }),
                ("nothing", "in the middle", "", { _ in }),
                (
                    "lying", "cannot be decompressed", "",
                    {
                        $0.answer("a 1\n", headers: text + "Content-Encoding: gzip\r\n")
                    }
                ),
                (
                    "header", "headers of the answer are larger", "",
                    { connection in
                        connection.say("HTTP/1.1 200 OK\r\n")
                        while connection.say("X-Long: \(String(repeating: "x", count: 4000))\r\n") {}
                    }
                ),
            ]
        let servers = scripts.map { ScriptedServer(path: nil, $0.script) }
        let good = serving { $0.answer("good 1\n", headers: text) }
        defer { for server in servers + [good] { server.kill() } }
        let jobs = zip(scripts, servers).map { Self.job($0.job, $1.port, $0.more) }
        let talk = Talk()
        try await withMonitor("scrape_configs:\n" + Self.job("good", good.port, pace: "2s") + jobs.joined(), talk: talk)
        {
            monitor, _ in
            try await eventually("all were scraped") {
                await monitor.areAll { $0 != .unknown }
            }
            for (script, server) in zip(scripts, servers) {
                let status = try #require(await monitor.targets().active.first { $0.pool == script.job })
                #expect(status.health == .down && status.lastError.contains(script.word), "\(script.job): \(status)")
                #expect(try monitor.store.values("up", labels(script.job, server)).allSatisfy { $0 == 0 })
                #expect(talk.lines.contains { $0.contains("\(script.job) http://127.0.0.1") && $0.contains("is down") })
            }
            try await eventually("the good one goes on") {
                try monitor.store.values("good", labels("good", good)).count >= 3
            }
            #expect(try monitor.store.values("up", labels("good", good)).allSatisfy { $0 == 1 })
            let kept = try monitor.store.samples(of: "a")
            #expect(kept.isEmpty)
        }
    }

    @Test func credentialsParametersAndFilesOfSecrets() async throws {
        try await withTemporaryFolder { folder in
            try write("s3cret\n", to: folder + "/token")
            let heads = Talk()
            let server = serving { connection in
                heads.say(connection.head)
                connection.answer("a 1\n", headers: Self.plain)
            }
            defer { server.kill() }
            let text =
                "scrape_configs:\n"
                + Self.job("bearer", server.port, "authorization: { credentials_file: \(folder)/token }")
                + Self.job(
                    "basic", server.port,
                    "basic_auth: { username: me, password: pw }\n  params: { module: [a b, c] }\n  metrics_path: /p q")
            try await withMonitor(text) { monitor, _ in
                try await eventually("both") { await monitor.areAll { $0 == .up } }
                let all = heads.lines.joined()
                #expect(all.contains("Authorization: Bearer s3cret"))
                #expect(all.contains("Authorization: Basic bWU6cHc="))
                #expect(all.contains("GET /p%20q?module=a+b&module=c HTTP/1.1"))
                #expect(all.contains("X-Prometheus-Scrape-Timeout-Seconds: 1.0"))
                #expect(all.contains("Accept-Encoding: gzip"))
                try unlinkFile(folder + "/token")
                try await eventually("it is down") {
                    await monitor.targets().active.first { $0.pool == "bearer" }?.health == .down
                }
                let status = try #require(await monitor.targets().active.first { $0.pool == "bearer" })
                #expect(status.lastError.contains("secret cannot be read") && !status.lastError.contains("s3cret"))
            }
        }
    }

    @Test func redirectionsAreFollowedUnlessForbidden() async throws {
        let server = serving { connection in
            if connection.head.hasPrefix("GET /metrics ") {
                connection.answer("", status: 302, headers: "Location: /other\r\n")
            } else {
                connection.answer("a 1\n", headers: Self.plain)
            }
        }
        defer { server.kill() }
        let text =
            "scrape_configs:\n" + Self.job("yes", server.port) + Self.job("no", server.port, "follow_redirects: false")
        try await withMonitor(text) { monitor, _ in
            try await eventually("both") { await monitor.areAll { $0 != .unknown } }
            let active = await monitor.targets().active
            #expect(active.map(\.health) == [.up, .down])
            #expect(active.last?.lastError.contains("status 302") == true)
        }
    }

    @Test func relabellingChoosesTargetsAndTellsThoseItDropped() async throws {
        let server = serving { $0.answer("a 1\n", headers: Self.plain) }
        defer { server.kill() }
        let more = """
            relabel_configs:
                - { source_labels: [role], regex: "no", action: drop }
                - { source_labels: [__param_target], target_label: instance }
              params: { target: [x] }
            """
        let text =
            """
            scrape_configs:
            - job_name: j
              scrape_interval: 1s
              static_configs:
                - { targets: ["127.0.0.1:\(server.port)", "127.0.0.1:\(server.port)"] }
                - { targets: ["other:1"], labels: { role: "no" } }
              \(more)
            """
        try await withMonitor(text) { monitor, _ in
            try await eventually("up") { await monitor.targets().active.first?.health == .up }
            let targets = await monitor.targets()
            #expect(targets.active.map(\.labels) == [Labels(["instance": "x", "job": "j"])])
            #expect(targets.active.first?.url == "http://127.0.0.1:\(server.port)/metrics?target=x")
            #expect(targets.dropped.map(\.pool) == ["j"])
            #expect(targets.dropped.first?.discovered["__address__"] == "other:1")
        }
    }

    @Test func metadataOfATarget() async throws {
        let body = "# HELP a_total Of a\\nb.\n# TYPE a_total counter\na_total 1\n"
        let server = serving { $0.answer(body, headers: Self.plain) }
        defer { server.kill() }
        try await withMonitor("scrape_configs:\n" + Self.job("j", server.port)) { monitor, _ in
            try await eventually("metadata") { await !monitor.metadata().isEmpty }
            let found = await monitor.metadata()
            #expect(
                found.map(\.metadata) == [MetricMetadata(family: "a_total", kind: .counter, help: "Of a\nb.", unit: "")]
            )
        }
    }

    @Test(.enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)))
    func aFullDiskIsSaidAndScrapingGoesOn() async throws {
        let server = serving { $0.answer("a 1\n", headers: Self.plain) }
        defer { server.kill() }
        try await withTemporaryFolder { folder in
            try await withTmpfs(folder + "/disk", "size=2m") {
                let store = try TimeSeriesStore(folder + "/disk/m", now: SystemClock().now().milliseconds)
                let text = "scrape_configs:\n" + Self.job("j", server.port)
                let talk = Talk()
                let monitor = try Monitor(into: store, host: "test") {
                    Monitor.Plan(
                        try PrometheusSettings.parse(text, file: "prometheus.yml", environment: [:], words: .promQL))
                } report: {
                    talk.say($0)
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await monitor.run() }
                    try await eventually("a scrape") { try !store.samples(of: "a").isEmpty }
                    // The log of SQLite may have room inside: so until nothing more goes in.
                    try await eventually("it says so") {
                        try fill(folder + "/disk/ballast")
                        return talk.lines.contains { $0.contains("in memory only") }
                    }
                    let before = try store.values("a", labels("j", server)).count
                    try await eventually("it goes on") { try store.values("a", labels("j", server)).count > before + 1 }
                    #expect(await monitor.areAll { $0 == .up })
                    group.cancelAll()
                }
            }
        }
    }

    private func fill(_ path: String) throws {
        let ballast = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND)
        let block = [UInt8](repeating: 1, count: 4096)
        while Glibc.write(ballast.raw, block, block.count) > 0 {}
    }

    @Test func aJobWithTooManyTargetsScrapesNone() async throws {
        let text = """
            scrape_configs:
              - job_name: j
                scrape_interval: 1s
                target_limit: 1
                static_configs: [{ targets: ["127.0.0.1:1", "127.0.0.1:2"] }]
            """
        try await withMonitor(text) { monitor, _ in
            try await eventually("both were refused") {
                await monitor.targets().active.map(\.health) == [.down, .down]
            }
            let errors = await monitor.targets().active.map(\.lastError)
            #expect(errors.allSatisfy { $0.contains("2 targets, more than target_limit: 1") }, "\(errors)")
        }
    }
}
