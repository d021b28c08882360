import Machine
import TestKit
import Testing

/// `holdfast query` and `holdfast metrics` beside a service that runs.
@Suite struct MetricsServiceTests {
    private static let history = "old_total{a=\"b\"} 1 1764106400.000\nold_total{a=\"b\"} 2 1764106415.000\n# EOF\n"

    /// A service that scrapes nothing.
    private func withService(token: Bool, _ body: (MeasuredHost) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let host = MeasuredHost(folder: folder, port: try freePort(), state: "\(folder)/state")
            try host.write("prometheus.yml", "scrape_configs: []\n")
            try host.write("token", "0123456789abcdef\n")
            try host.write("history.om", Self.history)
            let access = token ? "\n  token_file: \(folder)/token" : ""
            try host.write(
                "holdfast.yml",
                """
                metrics:
                  prometheus: \(folder)/prometheus.yml
                  listen: "127.0.0.1:\(host.port)"
                  keep: 36500d\(access)
                docker: { socket: /nonexistent }
                state: \(host.state)

                """)
            try await host.watching { _ in try await body(host) }
        }
    }

    @Test func throughTheService() async throws {
        try await withService(token: true) { host in
            let taken = try await host.holdfast("metrics", "import", "\(host.folder)/history.om")
            #expect(taken.status == 0 && taken.output == "2 samples taken.\n", "\(taken)")
            let exported = try await host.holdfast("metrics", "export", "--match", "old_total")
            #expect(exported.status == 0 && exported.output == Self.history, "\(exported)")
            let asked = try await host.holdfast("query", "old_total + 1", "--at", "1764106420")
            #expect(asked.output == "3  {a=\"b\"}\n", "\(asked)")
            let ranged = try await host.holdfast(
                "query", "old_total", "--at", "1764106415", "--range", "15s", "--step", "15s", "--json")
            #expect(try ranged.json()["result"][0]["values"][1][1].string == "2")
            let wrong = try await host.holdfast("query", "sum(", "--json")
            #expect(wrong.status == 1)
            #expect(try wrong.json()["error"]["code"].string == "metrics.bad-data")
        }
    }

    @Test func withoutATokenNothingIsTaken() async throws {
        try await withService(token: false) { host in
            let refused = try await host.holdfast("metrics", "import", "\(host.folder)/history.om", "--json")
            #expect(refused.status == 1)
            #expect(try refused.json()["error"]["code"].string == "metrics.no-token")
            #expect(try await host.holdfast("query", "old_total", "--at", "1764106420").output == "Nothing matches.\n")
        }
    }
}
