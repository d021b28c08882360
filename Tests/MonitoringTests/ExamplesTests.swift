import Glibc
import TestKit
import Testing

/// What `examples/metrics` holds is what Prometheus itself takes, and does what it says.
@Suite(.enabled(if: RealPrometheus.isAvailable, Comment(rawValue: RealPrometheus.howToGetOne)))
struct ExamplesTests {
    private static let folder =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        + "/examples/metrics"

    @Test(arguments: [
        ["check", "config", "prometheus.yml"], ["check", "rules", "rules/host.yml", "rules/services.yml"],
        ["test", "rules", "tests/rules.yml"],
    ]) func promtoolAccepts(_ arguments: [String]) async throws {
        let outcome = try await CommandRunner(folder: Self.folder).run(["promtool"] + arguments)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.output.contains("SUCCESS"))
    }
}
