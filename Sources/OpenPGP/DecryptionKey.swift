internal import Glibc
package import Machine

/// A private key for as long as it is needed: from a file, then only in memory (tmpfs); or in the caller's own keyring.
///
/// Call ``end()`` when done; the last reference does so at the latest.
package final class DecryptionKey: Sendable {
    private enum Place {
        case memory(SecretFolder, passphraseFile: String?)
        case agent(home: String?)
    }

    private let place: Place
    private let gnupg: GnuPG
    /// The public half; nil for a keyring, which may have many.
    package let key: PublicKey?

    private init(_ place: Place, _ gnupg: GnuPG, _ key: PublicKey?) {
        self.place = place
        self.gnupg = gnupg
        self.key = key
    }

    /// Uses what private keys the keyring's agent has: the user's own, a card's, or a forwarded agent's. The agent may ask for
    /// a passphrase by its own means.
    package static func agent(home: String?, gnupg: GnuPG = GnuPG()) -> DecryptionKey {
        DecryptionKey(.agent(home: home), gnupg, nil)
    }

    /// Takes a private key, armored or not, into a GNUPGHOME in memory, and makes sure that it can be used.
    ///
    /// - Throws: `openpgp.not-a-key`, `.two-keys`, `.no-private-key`, `.sign-only`, `.passphrase-needed`,
    ///   `.wrong-passphrase`; nothing is left behind then.
    package static func load(
        _ keyFile: [UInt8], passphrase: Redacted? = nil, gnupg: GnuPG = GnuPG()
    ) async throws -> DecryptionKey {
        let folder = try SecretFolder()
        do {
            let passphraseFile = try passphrase.map { try keepPassphrase($0, in: folder.path, .quick) }
            let key = try await take(keyFile, into: folder, passphraseFile, gnupg)
            return DecryptionKey(.memory(folder, passphraseFile: passphraseFile), gnupg, key)
        } catch {
            endAgent(home: folder.path)
            folder.wipe()
            throw error
        }
    }

    deinit { end() }

    /// Ends the agent and wipes the key; a keyring of the caller's stays as it is. A second call does nothing.
    package func end() {
        guard case .memory(let folder, _) = place else { return }
        endAgent(home: folder.path)
        folder.wipe()
    }

    /// Whether the packets name one of this key's subkeys; nil if that cannot be known before trying.
    package func opens(_ envelope: Envelope) -> Bool? {
        guard let key, !envelope.recipients.contains(where: \.isHidden) else { return nil }
        return ([key.primary] + key.subkeys).contains { envelope.recipients.contains($0.keyID) }
    }

    /// For gpg: where the key is, and how its passphrase comes.
    func process(_ arguments: [String]) -> ChildProcess {
        switch place {
        case .memory(let folder, let passphraseFile):
            return gnupg.process(home: folder.path, agent: .allowed, unlocking(passphraseFile) + arguments)
        case .agent(let home):
            var process = gnupg.process(home: home, agent: .allowed, arguments)
            // Where the agent may ask, since gpg's own standard input is a pipe.
            if let terminal = ttyname(STDIN_FILENO) ?? ttyname(STDERR_FILENO) {
                process.environment["GPG_TTY"] = String(cString: terminal)
            }
            return process
        }
    }

    /// Whether somebody may be asked for a passphrase, so that gpg may rest.
    var mayAsk: Bool { if case .agent = place { true } else { false } }
}

/// How gpg gets a passphrase: from a file in memory, or not at all.
func unlocking(_ passphraseFile: String?) -> [String] {
    guard let passphraseFile else { return ["--pinentry-mode", "error"] }
    return ["--pinentry-mode", "loopback", "--passphrase-file", passphraseFile]
}

private func take(
    _ keyFile: [UInt8], into folder: SecretFolder, _ passphraseFile: String?, _ gnupg: GnuPG
) async throws -> PublicKey {
    let found = try await gnupg.inspect(keyFile, home: folder.path)
    let listed = try found.onlyKey()
    guard found.containsSecret else {
        throw OpenPGPError(
            .noPrivateKey, "It holds only the public half of the key \(listed.name).",
            remedy: "Give the file that was exported with gpg --export-secret-keys.")
    }
    let report = try await gnupg.run(home: folder.path, agent: .allowed, ["--import"], input: keyFile)
    let keyring = Keyring(home: folder.path, gnupg: gnupg)
    guard let key = try await keyring.list(listed.fingerprint).first, report.has("IMPORT_OK") else {
        throw OpenPGPError.failed(.notAKey, "take in the key", report)
    }
    guard key.hasEncryptionSecret else {
        throw OpenPGPError(
            .signOnly,
            "Nothing can be decrypted with the key \(key.name): the private part for that is not in the file.",
            remedy: "Export the whole key: gpg --armor --export-secret-keys \(key.fingerprint)")
    }
    // Exporting makes the agent open every part of the key: a wrong passphrase is found here, not in the middle of a restore.
    let trial = try await gnupg.run(
        home: folder.path, agent: .allowed,
        unlocking(passphraseFile) + ["--export-secret-keys", "\(key.fingerprint)"])
    guard trial.outcome.succeeded, !trial.outcome.output.isEmpty else {
        guard passphraseFile != nil else {
            throw OpenPGPError(
                .passphraseNeeded, "The private key \(key.name) is protected by a passphrase.",
                remedy: "Give the passphrase when asked, or in a file.")
        }
        throw OpenPGPError(
            .wrongPassphrase, "The passphrase does not open the private key \(key.name).",
            remedy: "Type it again; mind the keyboard layout and spaces at the ends.")
    }
    return key
}

/// How often a passphrase is hashed before it protects a key that gpg gives out. Given here, the agent needs no second to
/// find it out by itself.
enum PassphraseHashing: Int {
    /// The most that the format allows: for keys that leave us.
    case strong = 65_011_712
    /// For what is only tried, and stays in memory beside its passphrase.
    case quick = 65_536
}

/// gpg reads a passphrase from a file, here in memory as well; never from its arguments, which everybody can read.
///
/// - Parameter home: a GNUPGHOME in memory in which no agent has been started yet.
func keepPassphrase(_ passphrase: Redacted, in home: String, _ hashing: PassphraseHashing) throws -> String {
    guard !passphrase.exposed.contains(where: \.isNewline) else {
        throw OpenPGPError(
            .wrongPassphrase, "The passphrase has more than one line.", remedy: "Give one line, without its end.")
    }
    for (name, text) in [("passphrase", passphrase.exposed), ("gpg-agent.conf", "s2k-count \(hashing.rawValue)\n")] {
        let file = try Descriptor.open("\(home)/\(name)", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try file.write(text)
        try file.close()
    }
    return "\(home)/passphrase"
}
