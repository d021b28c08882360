import Glibc
import HTTPClient
import Machine
import TestKit
import Testing

/// `holdfast watch` measures a real exporter, and goes on doing so.
@Suite(.enabled(if: RealExporter.isAvailable, Comment(rawValue: RealExporter.howToGetOne)))
struct MeasuringTests {
    @Test func scrapesAndAnswers() async throws {
        try await withMeasuredHost { host, exporter in
            try await host.watching { running in
                try await host.untilTrue("the exporter is up") { try await host.value("up") == 1 }
                let up = try #require(try await host.ask("up").first)
                #expect(up["metric"]["job"].string == "node" && up["metric"]["instance"].string == exporter)
                #expect(try await host.value("count({job=\"node\"})") ?? 0 > 200)
                try await host.untilTrue("time goes by") {
                    try await host.value("rate(node_cpu_seconds_total{mode=\"idle\"}[1m])") != nil
                }

                let curl = try await CommandRunner().run(["curl", "-fsS", host.url + "/api/v1/query?query=up"])
                #expect(curl.status == 0 && curl.output.contains("\"status\":\"success\""), "\(curl)")
                let targets = try await CommandRunner().run(["curl", "-fsS", host.url + "/api/v1/targets"])
                #expect(try targets.json()["data"]["activeTargets"][0]["health"].string == "up", "\(targets)")
                let query = try await host.holdfast("query", "up")
                #expect(query.status == 0 && query.output.contains("job=\"node\""), "\(query)")

                running.signal(SIGTERM)
                let ended = try await running.wait()
                #expect(ended.status == 143, "\(ended)")
            }
        }
    }

    @Test func killedItLosesNoScrapeThatWasFinished() async throws {
        try await withMeasuredHost { host, _ in
            var finished: [Int] = []
            for round in 1...3 {
                try await host.watching { running in
                    try await host.untilTrue("scrapes go on") { try await host.times("up").count >= finished.count + 3 }
                    // The next scrape begins when this one is durable.
                    finished = try await host.times("up")
                    try await host.untilTrue("one more") { try await host.times("up").count > finished.count }
                    running.signal(SIGKILL)
                }
                try await host.watching { _ in
                    let after = Set(try await host.times("up"))
                    let lost = finished.filter { !after.contains($0) }
                    #expect(lost.isEmpty, "after kill \(round): \(lost)")
                    let idle = Set(try await host.times("node_load1"))
                    #expect(finished.allSatisfy(idle.contains), "after kill \(round)")
                }
            }
        }
    }

    @Test(.enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)))
    func aFullDiskIsServedFromMemory() async throws {
        try await withTemporaryFolder { mount in
            try await withTmpfs("\(mount)/small", "size=8m") {
                try await withMeasuredHost(state: "\(mount)/small/state") { host, _ in
                    var full: [Int] = []
                    try await host.watching { running in
                        try await host.untilTrue("it measures") { try await host.times("up").count >= 2 }
                        try fill("\(mount)/small/filler")
                        try await host.untilTrue("it says so") { try await host.isUnsaved() }
                        let before = try await host.times("up")
                        try await host.untilTrue("it measures on") {
                            try await host.times("up").count >= before.count + 5
                        }
                        unlink("\(mount)/small/filler")
                        full = try await host.times("up")
                        try await host.untilTrue("what was in memory only is on disk") { try await !host.isUnsaved() }
                        running.signal(SIGKILL)
                    }
                    try await host.watching { _ in
                        let after = Set(try await host.times("up"))
                        let lost = full.filter { !after.contains($0) }
                        #expect(lost.isEmpty, "\(lost.count) of \(full.count)")
                    }
                }
            }
        }
    }

    /// Writes until nothing more fits.
    private func fill(_ path: String) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT)
        let block = [UInt8](repeating: 1, count: 4_096)
        while block.withUnsafeBytes({ write(file.raw, $0.baseAddress, $0.count) }) == block.count {}
    }

    @Test func aReloadLosesNoScrape() async throws {
        try await withMeasuredHost { host, exporter in
            try await host.watching { running in
                try await host.untilTrue("it measures") { try await host.times("up").count >= 2 }
                try host.scrape([("node", exporter), ("again", exporter)])
                running.signal(SIGHUP)
                try await host.untilTrue("the new job is scraped") { try await host.value("up{job=\"again\"}") == 1 }

                // What cannot be read changes nothing.
                try host.write("prometheus.yml", "scrape_configs: [{ job_nam: x }]\n")
                running.signal(SIGHUP)
                try await host.untilTrue("it complains") { try running.errorsSoFar().contains("prometheus.yml:1:") }
                let before = try await host.times("up{job=\"again\"}")
                try await host.untilTrue("it measures on") {
                    try await host.times("up{job=\"again\"}").count >= before.count + 3
                }

                try host.scrape([("node", exporter)])
                running.signal(SIGHUP)
                try await host.untilTrue("the job has ended") { try await host.ask("up{job=\"again\"}").isEmpty }
                let times = try await host.times("up{job=\"node\"}")
                let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
                // Scrapes stand at the times that were planned for them. A machine that is busy may skip one.
                #expect(gaps.allSatisfy { $0 % 1_000 == 0 && $0 <= 3_000 }, "\(gaps)")
            }
        }
    }

    /// Questions that ask for too much, many at a time: each is refused, memory stays bounded, scrapes go on.
    @Test func runawayQueries() async throws {
        try await withMeasuredHost { host, _ in
            try await host.watching { running in
                try await host.untilTrue("it measures") { try await host.times("up").count >= 2 }
                let before = try await host.times("up").count
                let runaways = [
                    "sum_over_time(vector(1)[365d:1ms])", "sum_over_time((up%2Bup)[1y:1s])",
                    "max_over_time(vector(1)[19000s:1ms])",
                    "count_values(\"a\",sum_over_time(up[10y:10s]))", String(repeating: "(", count: 100_000),
                    "label_replace(" + String(repeating: "label_replace(", count: 60) + "up",
                    "{__name__=~\".%2B\"} * on() group_left {__name__=~\".%2B\"}",
                ]
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for query in runaways + runaways {
                        group.addTask {
                            do {
                                _ = try await host.ask(query)
                                // One of them is just small enough.
                                #expect(query.contains("19000s"), "\(query)")
                            } catch is TestKitError {}
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(peak(of: running.pid) < 2_000, "MiB")
                try await host.untilTrue("it measures on") { try await host.times("up").count >= before + 3 }
            }
        }
    }

    /// The most memory that a process ever had resident, in MiB.
    private func peak(of process: pid_t) -> Int {
        let text = contents(of: "/proc/\(process)/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? .max) >> 10
    }
}
