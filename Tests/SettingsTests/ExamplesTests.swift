import Glibc
import Machine
import Settings
import Testing

/// The configuration in `examples/` is one that holdfast reads.
@Suite struct ExamplesTests {
    private static let file =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        + "/examples/inlock/holdfast.yml"

    private func text() throws -> String {
        String(decoding: try Descriptor.open(Self.file, O_RDONLY).readAll(limit: 1 << 20), as: UTF8.self)
    }

    @Test func whatTheInlockHostBacksUp() throws {
        let text = try text()
        let end = try #require(text.firstRange(of: "\nschedule:")).lowerBound
        let settings = try Settings.parse(String(text[..<end]), file: Self.file)
        #expect(settings.backup.databases.map(\.name) == ["n8n"])
        #expect(settings.backup.files.map(\.name) == ["inlock-infra", "secrets"])
        #expect(settings.backup.legacy.map(\.directory) == ["/var/backups/inlock", "/var/backups/inlock/encrypted"])
        #expect(settings.backup.volumes.selects("n8n_data") && !settings.backup.volumes.selects("postgres_data"))
    }

    @Test(
        .enabled(
            if: ["schedule", "notify"].allSatisfy(Section.top.keys.contains), "schedule and notify are still to come"))
    func allOfIt() throws { _ = try Settings.parse(try text(), file: Self.file) }
}
