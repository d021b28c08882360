import ArgumentParser
import Glibc
import Machine
import OpenPGP
import Recovery

struct KeyNew: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Make a key pair into a folder – a stick – and nowhere else.",
        discussion: """
            Writes private.asc, public.asc, revocation.asc and a page of instructions. Nothing is kept on this host. Best done on
            another machine than the one that is backed up.

            Example: holdfast key new /media/stick

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "The folder; made if it is not there. Key files that are there are never replaced.")
    var folder: String

    @Option(help: "What the key is called.")
    var userID = "Backups (holdfast)"

    @Option(
        help: "File with a passphrase for the private key; without, it has none, and the stick itself is the secret.")
    var passphraseFile: String?

    private struct Report: Encodable {
        let fingerprint: String
        let privateKey: String
        let publicKey: String
        let revocation: String
        let instructions: String
    }

    func run() async throws {
        try makeFolders(folder)
        let place = try Descriptor.open(folder, O_RDONLY | O_DIRECTORY)
        for name in Self.names where place.has(name) {
            throw RecoveryError.refused(
                "key-exists", "There is a key already, and it is not replaced.", place: "\(folder)/\(name)",
                remedy: "Name another folder.")
        }
        let passphrase = try passphraseFile.map { file in
            let bytes = try Descriptor.open(file, O_RDONLY).readAll(limit: 4096)
            return Redacted(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
        }
        let pair = try await KeyPair.generate(userID: userID, passphrase: passphrase)
        for (name, bytes) in zip(Self.names, [pair.secret, pair.public, pair.revocation, Array(page(pair).utf8)]) {
            try place.publish(name, bytes)
        }
        let report = Report(
            fingerprint: pair.fingerprint.description, privateKey: "\(folder)/\(Self.names[0])",
            publicKey: "\(folder)/\(Self.names[1])",
            revocation: "\(folder)/\(Self.names[2])", instructions: "\(folder)/\(Self.names[3])")
        try Output.result(report, json: common.json) { report in
            """
            fingerprint  \(report.fingerprint)
            private key  \(report.privateKey)   never on the host that is backed up
            public key   \(report.publicKey)
            read this    \(report.instructions)

            Next, on the host: holdfast key import public.asc

            """
        }
    }

    private static let names = ["private.asc", "public.asc", "revocation.asc", "README.txt"]

    private func page(_ pair: KeyPair) -> String {
        """
        THE KEY TO YOUR BACKUPS

        fingerprint  \(pair.fingerprint.grouped)

        private.asc     opens every backup. Without it there is no restore, for nobody. Make two copies on two sticks,
                        keep them in two places, and never leave it on the host that is backed up.
        public.asc      goes to the host: holdfast key import public.asc
        revocation.asc  tells the world that this key is lost: gpg --import revocation.asc

        To restore, on any machine with holdfast:
            holdfast restore volume NAME --key private.asc
        and where the host itself is gone, with the signing key of its recovery card:
            holdfast restore volume NAME --key private.asc --signer FINGERPRINT

        Without holdfast:
            gpg --import private.asc
            gpg -d ARCHIVE.tar.zst.gpg | zstd -d | tar -xp --numeric-owner --acls --xattrs --xattrs-include='*' -C DIR

        Four times a year, try it.

        """
    }
}
