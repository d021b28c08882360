import Glibc
import TestKit
import Testing

extension DemoHost {
    /// The folder of the scripts that users of the older ones type.
    static let scripts =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        + "/scripts"

    /// Where they put archives on this host.
    var encrypted: String { folder + "/encrypted" }

    /// In which they run, as a person's shell would be set up.
    var scriptEnvironment: [String: String] {
        ["HOLDFAST": CommandRunner.binary, "BACKUP_DIR": encrypted, "VOLUMES_DIR": volumes]
    }

    /// Runs one of them.
    func script(_ name: String, _ arguments: String..., setting: [String: String?] = [:]) async throws
        -> CommandRunner.Outcome
    {
        var runner = holdfast
        runner.environment.merge(scriptEnvironment) { _, new in new }
        for (key, value) in setting { runner.environment[key] = value }
        // Nowhere near a holdfast.yml.
        runner.folder = folder + "/home"
        return try await runner.run(["\(Self.scripts)/\(name)"] + arguments)
    }

    /// The archives that they made.
    func archives(_ kind: String) throws -> [String] {
        has(encrypted) ? try names(encrypted).filter { $0.hasPrefix(kind) } : []
    }
}

/// `volumes-2026-11-22-020000.tar.gz.gpg`, with another word in front and another end.
func isName(_ name: String, _ kind: String, _ suffix: String) -> Bool {
    let shape = name.map { $0.isNumber ? "0" : String($0) }.joined()
    return shape == "\(kind)-0000-00-00-000000\(suffix)"
}
