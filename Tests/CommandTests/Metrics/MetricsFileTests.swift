import Foundation
import Machine
import TestKit
import Testing

/// `holdfast metrics import` and `export` and `holdfast query`, where no service runs.
@Suite struct MetricsFileTests {
    /// A folder with a configuration that measures, and nothing running.
    private struct Host {
        let folder: String

        func holdfast(_ arguments: String..., environment: [String: String] = [:]) async throws -> CommandRunner.Outcome
        {
            try await CommandRunner(environment: environment, folder: folder)
                .run([CommandRunner.binary] + arguments + ["--config", "holdfast.yml"])
        }

        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }

        func read(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")), as: UTF8.self)
        }
    }

    private func withHost(_ body: (Host) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let host = Host(folder: folder)
            try host.write("prometheus.yml", "scrape_configs: []\n")
            // So long that the samples below are kept whenever this runs.
            try host.write(
                "holdfast.yml",
                "state: \(folder)/state\nmetrics: { prometheus: prometheus.yml, listen: none, keep: 36500d }\n")
            try await body(host)
        }
    }

    /// An hour of two series, as `metrics export` writes them.
    private static let history: String = {
        var lines: [String] = []
        for (instance, factor) in [("a", 1), ("b", 3)] {
            for number in 0..<240 {
                lines.append(
                    "node_size_bytes{instance=\"\(instance)\",path=\"/é\\\"\\\\\"} \(number * factor * 1024) \(1_764_106_400 + number * 15).500"
                )
            }
        }
        return lines.joined(separator: "\n") + "\n# EOF\n"
    }()

    @Test func thereAndBack() async throws {
        try await withHost { host in
            try host.write("history.om", Self.history)
            let taken = try await host.holdfast("metrics", "import", "history.om")
            #expect(taken.status == 0 && taken.output == "480 samples taken.\n", "\(taken)")
            let again = try await host.holdfast("metrics", "import", "history.om", "--json")
            #expect(try again.json()["samples"].int == 480)
            let exported = try await host.holdfast("metrics", "export")
            #expect(exported.status == 0)
            #expect(exported.output == Self.history)
            let part = try await host.holdfast(
                "metrics", "export", "--match", #"{instance="b"}"#, "--from", "1764106400", "--to",
                "2025-11-25T21:33:50Z")
            #expect(part.output.split(separator: "\n").count == 3, "\(part)")
        }
    }

    @Test(.enabled(if: RealPrometheus.isAvailable, Comment(rawValue: RealPrometheus.howToGetOne)))
    func promtoolTakesIt() async throws {
        try await withHost { host in
            try host.write("history.om", Self.history)
            _ = try await host.holdfast("metrics", "import", "history.om")
            try host.write("exported.om", try await host.holdfast("metrics", "export").output)
            let promtool = CommandRunner(folder: host.folder)
            let made = try await promtool.run([
                "promtool", "tsdb", "create-blocks-from", "openmetrics", "exported.om", "data",
            ])
            #expect(made.status == 0, "\(made)")
            // A row for each block: id, two times, duration, samples, …
            let rows = made.output.components(separatedBy: "\n").map {
                $0.components(separatedBy: " ").filter { !$0.isEmpty }
            }
            let blocks = rows.filter { $0.count > 4 && $0[0].count == 26 }
            #expect(blocks.compactMap { Int($0[4]) }.reduce(0, +) == 480, "\(made)")
        }
    }

    @Test(arguments: [
        ("up 1\n# EOF\n", "The sample has no time.", "history.om:1:1"),
        ("up 1 5\nup 1 6\n", "The end is missing", "history.om:3:1"),
        ("up 1 5\n# EOF\nup 1 6\n", "There is something after # EOF.", "history.om:3:1"),
        ("up 1 5\nup{ 1 6\n# EOF\n", "missing", "history.om:2:"), ("", "The end is missing", "history.om:1:1"),
        ("up 1 5\n\nup 1 6\n# EOF\n", "A line is empty", "history.om:2:1"),
    ])
    func nothingIsTakenOfAWrongFile(text: String, words: String, place: String) async throws {
        try await withHost { host in
            try host.write("history.om", text)
            let outcome = try await host.holdfast("metrics", "import", "history.om", "--json")
            #expect(outcome.status == 1)
            #expect(try outcome.json()["error"]["code"].string == "metrics.file")
            #expect(outcome.errors.contains(words) && outcome.errors.contains(place), "\(outcome)")
            #expect(!FileManager.default.fileExists(atPath: "\(host.folder)/state/metrics"))
        }
    }

    /// A file of many pieces, whose error is in the last one.
    @Test func theLineInALargeFile() async throws {
        try await withHost { host in
            let lines = (0..<200_000).map {
                "a_metric_with_a_long_name{label=\"and a long value\"} \($0) \(1_764_000_000 + $0)\n"
            }
            try host.write("history.om", lines.joined() + "oops\n# EOF\n")
            let outcome = try await host.holdfast("metrics", "import", "history.om")
            #expect(outcome.errors.contains("history.om:200001:"), "\(outcome)")
            try host.write("history.om", lines.joined() + "# EOF\n")
            #expect(try await host.holdfast("metrics", "import", "history.om").output == "200000 samples taken.\n")
        }
    }

    @Test func whatIsUnusual() async throws {
        try await withHost { host in
            try host.write(
                "history.om",
                """
                # TYPE a gauge
                a 1 1764106400
                a 2 1764106460
                a 3 1764106430
                a 4 1764106430
                a 5 1764106460
                a 6 99999999999
                # EOF

                """)
            let outcome = try await host.holdfast("metrics", "import", "history.om")
            #expect(outcome.status == 3)
            #expect(
                outcome.output == """
                    5 samples taken.
                    2 came after a later one of their series.
                    1 came at a time of another one of their series.
                    1 left out: in the future.

                    """, "\(outcome)")
            let exported = try await host.holdfast("metrics", "export")
            #expect(exported.output == "a 1 1764106400.000\na 4 1764106430.000\na 5 1764106460.000\n# EOF\n")
        }
    }

    @Test func asking() async throws {
        try await withHost { host in
            let early = try await host.holdfast("query", "1", "--json")
            #expect(early.status == 1)
            #expect(try early.json()["error"]["code"].string == "metrics.none")
            try host.write("history.om", Self.history)
            _ = try await host.holdfast("metrics", "import", "history.om")
            let at = ["--at", "2025-11-25T22:30:00Z"]
            let table = try await host.holdfast("query", "node_size_bytes / 1024", at[0], at[1])
            #expect(
                table.output == """
                    226  {instance="a", path="/é\\"\\\\"}
                    678  {instance="b", path="/é\\"\\\\"}

                    """, "\(table)")
            let scalar = try await host.holdfast("query", "1 + 1", at[0], at[1])
            #expect(scalar.output == "2\n")
            let none = try await host.holdfast("query", "nosuch", at[0], at[1])
            #expect(none.status == 0 && none.output == "Nothing matches.\n")
            let json = try await host.holdfast("query", "sum(node_size_bytes)", at[0], at[1], "--json")
            #expect(try json.json()["result"][0]["value"][1].string == "925696")
            let range = try await host.holdfast(
                "query", "node_size_bytes", at[0], at[1], "--range", "30m", "--step", "5m")
            #expect(range.output.hasPrefix("lowest  mean    highest  last    values  series\n"), "\(range)")
            #expect(range.output.contains("108544  169984  231424   231424  7       node_size_bytes{"), "\(range)")
            let wrong = try await host.holdfast("query", "sum(", at[0], at[1], "--json")
            #expect(wrong.status == 1)
            #expect(try wrong.json()["error"]["code"].string == "promql.syntax")
            let info = try await host.holdfast("query", "rate(node_size_bytes[5m])", at[0], at[1])
            #expect(info.errors.contains("might not be a counter"))
        }
    }

    @Test(arguments: [("--at", "yesterday"), ("--range", "6"), ("--range", "-1h")])
    func wrongTimes(option: String, value: String) async throws {
        try await withHost { host in
            let outcome = try await host.holdfast("query", "1", "\(option)=\(value)")
            #expect(outcome.status != 0 && outcome.errors.contains(value), "\(outcome)")
        }
    }

    @Test func drawing() async throws {
        try await withHost { host in
            try host.write("history.om", Self.history)
            _ = try await host.holdfast("metrics", "import", "history.om")
            let arguments = [
                "query", "node_size_bytes", "--at", "1764110000", "--range", "1h", "--step", "30s", "--plot",
            ]
            let runner = CommandRunner(environment: ["LANG": "C.UTF-8", "TZ": "UTC"], folder: host.folder)
            let braille = try await runner.run([CommandRunner.binary] + arguments + ["--config", "holdfast.yml"])
            #expect(braille.status == 0, "\(braille)")
            let lines = braille.output.split(separator: "\n", omittingEmptySubsequences: false)
            try #require(lines.count > 20)
            #expect(lines[0].hasPrefix("717 KiB┤") && lines[16].hasPrefix("    0 B┤"), "\(braille)")
            #expect(lines[18].hasSuffix("22:33") && lines[18].contains("21:33"))
            #expect(braille.output.unicodeScalars.contains { (0x2801...0x28ff).contains($0.value) })
            #expect(lines.allSatisfy { $0.count <= 80 } && !braille.output.contains("\u{1B}"))
            let ascii = try await CommandRunner(environment: ["LANG": "C", "TZ": "UTC"], folder: host.folder)
                .run([CommandRunner.binary] + arguments + ["--config", "holdfast.yml"])
            #expect(ascii.output.split(separator: "\n").prefix(19).joined().utf8.allSatisfy { $0 < 0x80 })
            #expect(ascii.output.contains("* ") && ascii.output.contains("+"))
        }
    }
}
