import ArgumentParser
import Glibc
import Machine
import OpenPGP

struct KeyImport: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take a public key into the host's keyring.",
        discussion: """
            Refuses two keys in a file, keys that are expired, revoked or can only sign. Of a private key only the public half is
            taken.

            Example: holdfast key import admin-public-key.asc

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var ring: KeyringOptions

    @Argument(help: "The key file, armored or not, or - for standard input.")
    var file: String

    private struct Report: Encodable {
        let key: KeyFacts
        let wasKnown: Bool
        let hadPrivateKey: Bool
    }

    func run() async throws {
        let now = SystemClock().now()
        let imported = try await ring.keyring(common).importKey(try readKeyFile(file), now: now)
        if imported.hadPrivateKey {
            let style = Style(for: STDERR_FILENO)
            Output.say(
                style.bad(
                    """
                    !! \(file) holds a PRIVATE key. Only its public half was imported, but that file is on this host,
                    !! and whoever has it reads every backup. Move it to a stick and remove it here: shred -u \(file)

                    """))
        }
        let report = Report(
            key: KeyFacts(imported.key, now: now), wasKnown: imported.wasKnown, hadPrivateKey: imported.hadPrivateKey)
        try Output.result(report, json: common.json) { report in
            report.key.text + (report.wasKnown ? "It was known already, and is brought up to date.\n" : "Imported.\n")
                + "Compare the fingerprint with the one that its owner reads to you.\n"
        }
    }
}
