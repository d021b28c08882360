import TestKit
import Testing

/// The rules of `examples/metrics` are what holdfast takes, too, and their tests hold.
@Suite struct ExampleRulesTests {
    private static let folder =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        + "/examples/metrics"

    @Test(arguments: [["check", "rules/host.yml", "rules/services.yml"], ["test", "tests/rules.yml"]])
    func areTaken(_ arguments: [String]) async throws {
        let outcome = try await CommandRunner(folder: Self.folder).run([CommandRunner.binary, "rules"] + arguments)
        #expect(outcome.status == 0, "\(outcome)")
    }
}
