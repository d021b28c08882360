import ArgumentParser
import Machine
import OpenPGP
import Recovery
import Settings

struct Key: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keys: the host has public ones only.",
        discussion: "Example: holdfast key import admin-public-key.asc\n\n\(ExitStatus.help)",
        subcommands: [KeyImport.self, KeyList.self, KeyNew.self])
}

/// Where the host's public keys are, also before there is a configuration.
struct KeyringOptions: ParsableArguments {
    @Option(help: "The GNUPGHOME; else backup.encryption.keyring of the configuration, else this user's own.")
    var keyring: String?

    func keyring(_ common: CommonOptions) throws -> Keyring {
        if let keyring { return Keyring(home: keyring) }
        do {
            return Keyring(home: try Composition(common).settings.backup.encryption.keyring)
        } catch let error as SettingsError where error.code == "settings.not-found" && common.config == nil {
            return Keyring(home: nil)
        }
    }
}

/// A key as `key list` and `key import` show it.
struct KeyFacts: Encodable {
    let fingerprint: String
    let userIDs: [String]
    let algorithm: String
    let created: String
    let expires: String?
    let usable: Bool
    let state: String
    let privateKeyHere: Bool

    init(_ key: PublicKey, now: Timestamp) {
        fingerprint = key.fingerprint.description
        userIDs = key.userIDs
        algorithm = key.algorithm
        created = key.created.description
        privateKeyHere = key.hasEncryptionSecret
        switch key.encryptionState(at: now) {
        case .usable(let until):
            (usable, expires) = (true, until?.description)
            state = until.map { "usable, expires in \(durationText($0.since(now)))" } ?? "usable, does not expire"
        case .expired(let when): (usable, expires, state) = (false, when.description, "expired")
        case .revoked: (usable, expires, state) = (false, nil, "revoked")
        case .disabled: (usable, expires, state) = (false, nil, "disabled")
        case .signOnly: (usable, expires, state) = (false, nil, "can sign only")
        }
    }

    var text: String {
        """
        fingerprint  \(fingerprint)
        user id      \(userIDs.joined(separator: "\n             "))
        algorithm    \(algorithm)
        expires      \(expires ?? "never")
        state        \(state)\(privateKeyHere ? "; its PRIVATE key is on this host" : "")

        """
    }
}
