import Glibc
import Machine
import TestKit
import Testing

/// `holdfast rules`, and the rules of `holdfast watch`, as a person runs them.
@Suite struct RulesCommandTests {
    private static let rules = """
        groups:
          - name: g
            interval: 1s
            rules:
              - alert: Waiting
                expr: vector(1)
                for: 1h
              - record: answer
                expr: vector(42)

        """

    private func write(_ folder: String, _ name: String, _ text: String) throws {
        try Descriptor.folder(folder).publish(name, Array(text.utf8), replacing: true)
    }

    @Test func checkSaysWhatWhereAndWhatToDo() async throws {
        try await withTemporaryFolder { folder in
            let holdfast = CommandRunner(folder: folder)
            try write(folder, "good.yml", Self.rules)
            try write(
                folder, "twice.yml", "groups: [{name: g, rules: [{record: a, expr: up}, {record: a, expr: up}]}]\n")
            let good = try await holdfast("rules", "check", "good.yml", "twice.yml")
            #expect(good.status == 0 && good.output.contains("good.yml  1 group, 2 rules"), "\(good)")
            #expect(good.output.contains("warn  twice.yml: `a` is there 2 times"), "\(good)")

            try write(folder, "bad.yml", "groups:\n  - name: g\n    rules: [{alert: A, expr: 'sum(up', fro: 5m}]\n")
            let bad = try await holdfast("rules", "check", "good.yml", "bad.yml", "none.yml")
            #expect(bad.status == 1, "\(bad)")
            for words in ["ok    good.yml", "fail  bad.yml", "bad.yml:3:", "`fro`", "unclosed", "→ ", "fail  none.yml"]
            {
                #expect(bad.output.contains(words), "“\(words)” is missing: \(bad)")
            }
            let report = try await holdfast("rules", "check", "--json", "bad.yml").json()
            #expect(report["accepted"].bool == false)
            let problems = report["files"][0]["problems"].all
            #expect(problems.map { $0["code"].string } == ["rules.bad-expression", "rules.unknown-key"])
            #expect(problems.map { $0["line"].int } == [3, 3])
        }
    }

    @Test func testShowsWhatWasExpectedAndWhatThereWas() async throws {
        try await withTemporaryFolder { folder in
            let holdfast = CommandRunner(folder: folder)
            try write(folder, "rules.yml", Self.rules)
            func test(_ value: Int) -> String {
                """
                rule_files: [rules.yml, "none*.yml"]
                tests:
                  - name: the answer
                    interval: 1m
                    promql_expr_test:
                      - {expr: answer, eval_time: 1m, exp_samples: [{labels: answer, value: \(value)}]}

                """
            }
            try write(folder, "good.yml", test(42))
            try write(folder, "bad.yml", test(41))
            let good = try await holdfast("rules", "test", "good.yml")
            #expect(good.status == 0 && good.output.contains("ok    good.yml  1 test"), "\(good)")
            #expect(good.output.contains("no file matches `none*.yml`"), "\(good)")
            let bad = try await holdfast("rules", "test", "good.yml", "bad.yml")
            #expect(bad.status == 1, "\(bad)")
            for words in [
                "the answer: expression `answer` at 1m (bad.yml:6:9)", "expected  answer 41", "got       answer 42",
            ] {
                #expect(bad.output.contains(words), "“\(words)” is missing: \(bad)")
            }
            let failure = try await holdfast("rules", "test", "--json", "bad.yml").json()["files"][0]["failures"][0]
            #expect(failure["kind"].string == "expression" && failure["got"][0].string == "answer 42")
        }
    }

    @Test func theExamplesPassTheirOwnTests() async throws {
        let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let outcome = try await CommandRunner(folder: here + "/examples/metrics")("rules", "test", "tests/rules.yml")
        #expect(outcome.status == 0, "\(outcome)")
    }

    /// An alert that waits goes on waiting where a killed `watch` left it.
    @Test func anAlertGoesOnWaitingAfterAKill() async throws {
        try await withTemporaryFolder { folder in
            let host = MeasuredHost(folder: folder, port: try freePort(), state: folder + "/state")
            try host.write(
                "holdfast.yml",
                """
                metrics: { prometheus: \(folder)/prometheus.yml, listen: "127.0.0.1:\(host.port)" }
                docker: { socket: /nonexistent }
                state: \(host.state)

                """)
            try host.write("rules.yml", Self.rules)
            try host.write("prometheus.yml", "rule_files: [rules.yml]\n")
            let state = "ALERTS_FOR_STATE%7Balertname=\"Waiting\"%7D"
            try await host.watching { _ in
                try await host.untilTrue("it records") { try await host.value("answer") == 42 }
                try await host.untilTrue("the alert waits") {
                    try await host.value("time() - \(state)").map { $0 > 6 } ?? false
                }
            }
            // It was killed.
            let restarted = Double(SystemClock().now().seconds)
            try await host.watching { _ in
                try await host.untilTrue("the alert is written again") {
                    try await host.value("timestamp(\(state))").map { $0 > restarted } ?? false
                }
                let active = try #require(try await host.value(state))
                #expect(active < restarted, "it began anew")
                #expect(try await host.value("ALERTS%7Balertstate=\"pending\"%7D") == 1)
            }
        }
    }
}
