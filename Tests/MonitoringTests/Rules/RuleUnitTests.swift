import Foundation
import Machine
import Monitoring
import Settings
import TestKit
import Testing

/// Unit tests of rules: each file in `unit/` passes or fails as its name says, by us and by Prometheus's own tool.
@Suite struct RuleUnitTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "unit")

    static let files: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".pass.yml") || $0.hasSuffix(".fail.yml") }.sorted()
    }()

    @Test func thereAreEnough() {
        #expect(Self.files.filter { $0.hasSuffix(".pass.yml") }.count >= 8)
        #expect(Self.files.filter { $0.hasSuffix(".fail.yml") }.count >= 12)
    }

    private func failures(_ file: RuleTestFile) throws -> [RuleTestFailure] {
        try RuleTestRun.failures(of: file, try RuleSet.read(file.matchingRuleFiles().paths).groups)
    }

    @Test(arguments: files) func verdict(_ name: String) throws {
        let path = Self.folder.appending(path: name).path
        do {
            let failures = try failures(RuleTestFile.load(from: path))
            #expect(failures.isEmpty == name.hasSuffix(".pass.yml"), "\(failures)")
        } catch let error as SettingsError {
            #expect(name.hasSuffix(".fail.yml"), "\(error)")
        }
    }

    @Test(.enabled(if: RealPrometheus.isAvailable, Comment(rawValue: RealPrometheus.howToGetOne)))
    func promtoolAgrees() async throws {
        for name in Self.files {
            let runner = CommandRunner(folder: Self.folder.path)
            let outcome = try await runner.run(["promtool", "test", "rules", name])
            #expect((outcome.status == 0) == name.hasSuffix(".pass.yml"), "\(name): \(outcome)")
        }
    }

    @Test func whatWasExpectedAndWhatThereWasIsTold() throws {
        let path = Self.folder.appending(path: "labels.fail.yml").path
        let failure = try #require(try failures(RuleTestFile.load(from: path)).first)
        #expect(failure.place == "\(path):7:9" && failure.time == 300_000)
        let annotations = #"annotations {summary="a:9100 of node is down"}"#
        #expect(
            failure.expected == [
                #"{alertname="Down", instance="a:9100", job="node", severity="warn"} \#(annotations)"#
            ])
        #expect(
            failure.got == [#"{alertname="Down", instance="a:9100", job="node", severity="page"} \#(annotations)"#])
    }

    @Test func aRuleThatFailsEndsItsTest() throws {
        let path = Self.folder.appending(path: "limit.fail.yml").path
        let failure = try #require(try failures(RuleTestFile.load(from: path)).first)
        #expect(failure.error == "exceeded limit of 2 with 3 series" && failure.time == 60_000)
    }

    @Test func valuesThatDifferByTheLastBitMayCountAsTheSame() throws {
        func text(fuzzy: Bool) -> String {
            """
            fuzzy_compare: \(fuzzy)
            tests:
              - interval: 1m
                promql_expr_test:
                  - {expr: vector(0.1) + 0.2, eval_time: 0, exp_samples: [{labels: '{}', value: 0.3}]}
            """
        }
        for fuzzy in [true, false] {
            let file = try RuleTestFile(PlacedDocument(text(fuzzy: fuzzy), file: "t.yml"))
            #expect(try failures(file).isEmpty == fuzzy)
        }
    }

    @Test func aTestThatWouldNeverEndCanBeStopped() throws {
        let text = """
            evaluation_interval: 1ms
            tests: [{interval: 1m, promql_expr_test: [{expr: vector(1), eval_time: 100y, exp_samples: []}]}]
            """
        let stop = StopSignal()
        stop.stop()
        let file = try RuleTestFile(PlacedDocument(text, file: "t.yml"))
        #expect(throws: Interrupted.self) { try RuleTestRun.failures(of: file, [], stop) }
    }

    @Test func aSeriesOfTooManyValuesIsRefused() {
        let text = "tests: [{interval: 1m, input_series: [{series: x, values: '1x2000000000'}]}]"
        #expect(throws: SettingsError.self) { try RuleTestFile(PlacedDocument(text, file: "t.yml")) }
    }
}
