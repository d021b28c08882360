import ArgumentParser
import Machine
import OpenPGP

struct KeyList: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The keys that this host knows, and whether backups can be made for them.",
        discussion: "Example: holdfast key list\n\n\(ExitStatus.help)")

    @OptionGroup var common: CommonOptions
    @OptionGroup var ring: KeyringOptions

    func run() async throws {
        let now = SystemClock().now()
        let keys = try await ring.keyring(common).keys().map { KeyFacts($0, now: now) }
        try Output.result(keys, json: common.json) { keys in
            keys.isEmpty ? "No keys. Take one in: holdfast key import FILE\n" : keys.map(\.text).joined(separator: "\n")
        }
    }
}
