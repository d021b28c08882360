import Glibc
import Machine
import TestKit
import Testing

/// The units and the table of `examples/inlock` are those that `holdfast schedule install` writes for that host.
@Suite(.enabled(if: isRoot, needsRoot)) struct ExampleUnitsTests {
    private static let examples =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        + "/examples/inlock"

    @Test(arguments: [("--systemd", "systemd", "/etc/systemd/system"), ("--cron", "cron.d", "/etc/cron.d")])
    func areAsTheyAreWritten(flag: String, examples: String, place: String) async throws {
        // Neither below /tmp, for which units are written otherwise, nor wherever the checkout lies.
        let folder = "/run/\(uniqueName("holdfast-example"))"
        let config = folder + "/holdfast.yml"
        let example = try #require(contents(of: Self.examples + "/holdfast.yml"))
        try makeFolders(folder)
        defer { try? Descriptor.folder("/run").removeTree(String(folder.dropFirst("/run/".count))) }
        try Descriptor.folder(folder).publish("holdfast.yml", example)
        let outcome = try await CommandRunner().run([
            CommandRunner.binary, "schedule", "install", flag, "--dry-run", "--name", "inlock", "--config", config,
        ])
        expectDone(outcome)
        let written = outcome.output.replacing(config, with: "/etc/holdfast/holdfast.yml")
            .replacing(CommandRunner.binary, with: "/usr/local/bin/holdfast")
        let names = try Descriptor.folder("\(Self.examples)/\(examples)").names()
        #expect(written.ranges(of: "\n# \(place)/").count == names.count, "\(outcome)")
        for name in names {
            let bytes = try #require(contents(of: "\(Self.examples)/\(examples)/\(name)"))
            #expect(written.contains("\n# \(place)/\(name)\n" + String(decoding: bytes, as: UTF8.self)), "\(name)")
        }
    }
}
