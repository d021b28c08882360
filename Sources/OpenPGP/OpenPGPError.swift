internal import Machine

/// What gpg, keys, messages and signatures refuse.
package struct OpenPGPError: Explained {
    /// What callers decide by.
    package enum Kind: String, Sendable, CaseIterable {
        case noGPG = "openpgp.no-gpg"
        case gpgFailed = "openpgp.gpg-failed"
        case noKey = "openpgp.no-key"
        case ambiguousRecipient = "openpgp.ambiguous-recipient"
        case shortID = "openpgp.short-id"
        case noRecipient = "openpgp.no-recipient"
        case expired = "openpgp.expired"
        case revoked = "openpgp.revoked"
        case disabled = "openpgp.disabled"
        case signOnly = "openpgp.sign-only"
        case twoKeys = "openpgp.two-keys"
        case notAKey = "openpgp.not-a-key"
        case noPrivateKey = "openpgp.no-private-key"
        case passphraseNeeded = "openpgp.passphrase-needed"
        case wrongPassphrase = "openpgp.wrong-passphrase"
        case encryptionFailed = "openpgp.encryption-failed"
        case decryptionFailed = "openpgp.decryption-failed"
        case altered = "openpgp.altered"
        case wrongKey = "openpgp.wrong-key"
        case wrongRecipients = "openpgp.wrong-recipients"
        case truncated = "openpgp.truncated"
        case trailingData = "openpgp.trailing-data"
        case notOpenPGP = "openpgp.not-openpgp"
        case armored = "openpgp.armored"
        case unsupported = "openpgp.unsupported"
        case notIntegrityProtected = "openpgp.not-integrity-protected"
        case badSignature = "openpgp.bad-signature"
        case unknownSigner = "openpgp.unknown-signer"
        case signingFailed = "openpgp.signing-failed"
        case generationFailed = "openpgp.generation-failed"
    }

    package let kind: Kind
    package let what: String
    package let place: String?
    package let remedy: String?
    /// The keys that it speaks of: for ``Kind/wrongKey`` and ``Kind/wrongRecipients`` those found in the packets.
    package let keyIDs: [KeyID]

    package init(
        _ kind: Kind, _ what: String, place: String? = nil, remedy: String? = nil, keyIDs: [KeyID] = []
    ) {
        self.kind = kind
        self.what = what
        self.place = place
        self.remedy = remedy
        self.keyIDs = keyIDs
    }

    package var code: String { kind.rawValue }
}

extension OpenPGPError {
    static func noGPG(_ cause: any Explained) -> OpenPGPError {
        OpenPGPError(
            .noGPG, "gpg could not be run: \(cause.what)",
            remedy: "Install GnuPG (apt-get install gnupg), or see whether PATH names its folder.")
    }

    /// gpg failed at something where it should not, said in its own words.
    static func failed(_ kind: Kind, _ doing: String, _ report: GnuPG.Report, remedy: String? = nil) -> OpenPGPError {
        let words = report.words.isEmpty ? "" : " It said: \(report.words)"
        return OpenPGPError(
            kind, "gpg could not \(doing) (\(report.outcome.status)).\(words)",
            remedy: remedy ?? "Run `gpg --version`, and see that the disk is not full and the keyring readable.")
    }

    /// - Parameter subkey: the one that expired before the key itself did.
    static func expired(_ key: PublicKey, _ when: Timestamp?, subkey: Fingerprint? = nil) -> OpenPGPError {
        let what = subkey.map { "The encryption subkey \($0) of the key \(key.name)" } ?? "The key \(key.name)"
        let extend = "gpg --quick-set-expire \(key.fingerprint) 3y"
        // gpg's `*` leaves out subkeys that have expired already.
        let below = key.subkeys.filter(\.canEncrypt).map { "\(extend) \($0.fingerprint)" }
        return OpenPGPError(
            .expired, "\(what) expired\(when.map { " on \($0)" } ?? "").",
            remedy:
                "Where its private half lives: \(([extend] + below).joined(separator: "; ")). Then export it (gpg --armor"
                + " --export \(key.fingerprint)) and `holdfast key import` it here. Or take it out of"
                + " backup.encryption.recipients.")
    }

    static func revoked(_ name: String) -> OpenPGPError {
        OpenPGPError(
            .revoked, "The key \(name) was revoked by its owner.",
            remedy: "Ask the owner for the key that replaces it, and name that in backup.encryption.recipients.")
    }

    static func disabled(_ name: String) -> OpenPGPError {
        OpenPGPError(
            .disabled, "The key \(name) is disabled in this keyring.",
            remedy: "Enable it (gpg --edit-key, then `enable`), or name another.")
    }

    static func signOnly(_ name: String) -> OpenPGPError {
        OpenPGPError(
            .signOnly, "The key \(name) can sign, but nothing can be encrypted to it: it has no encryption subkey.",
            remedy:
                "Add one where its private half lives (gpg --quick-add-key FINGERPRINT cv25519 encr), export, and import again."
        )
    }

    static func twoKeys(_ names: [String]) -> OpenPGPError {
        OpenPGPError(
            .twoKeys, "There are \(names.count) keys in it, where one is wanted: \(names.joined(separator: "; ")).",
            remedy: "Export the one that you mean by its fingerprint: gpg --export FINGERPRINT > key.gpg")
    }
}
