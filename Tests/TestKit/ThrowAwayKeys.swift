package import Machine
package import OpenPGP

/// Gives a test two keyrings: the owner's, where keys are made and their private halves stay, and the host's, which gets the
/// public halves. Both are gone afterwards, with their agents.
package func withKeyring<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (ThrowAwayKeys) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { folder in
        let owner = try await ThrowAwayKeys(folder: folder)
        do {
            let result = try await body(owner)
            await owner.endAgents()
            return result
        } catch {
            await owner.endAgents()
            throw error
        }
    }
}

/// Makes keys of every kind by plain gpg, with nothing of ours in between.
package struct ThrowAwayKeys: Sendable {
    /// What kind of key, good or bad.
    package enum Kind: Sendable {
        /// ed25519 with cv25519, as `holdfast key new` makes it.
        case modern
        case rsa3072
        /// Made in 2020, expired in 2021.
        case expired
        case revoked
        case signOnly
    }

    /// A key that was made.
    package struct Key: Sendable {
        package let fingerprint: Fingerprint
        /// Of the encryption subkey, as packets name it; the primary key's if there is none.
        package let keyID: KeyID
        /// Armored.
        package let secret: [UInt8]
        /// Binary.
        package let `public`: [UInt8]
    }

    /// A folder of the test's own, gone at its end.
    package let folder: String
    /// The GNUPGHOME that has the private keys.
    package let ownerHome: String
    /// What the host has.
    package let host: Keyring

    fileprivate init(folder: String) async throws {
        self.folder = folder
        ownerHome = folder + "/owner"
        host = Keyring(home: folder + "/host")
        try makeFolders(ownerHome)
        try makeFolders(folder + "/host")
        // Hashing passphrases as often as for real keys would take seconds.
        try Descriptor.folder(ownerHome).publish("gpg-agent.conf", Array("s2k-count 65536\n".utf8))
    }

    /// Makes a key without a passphrase (unless one is given) and lets the host have its public half.
    package func make(
        _ kind: Kind = .modern, userID: String = "Owner <owner@example.org>", passphrase: String = "",
        onHost: Bool = true
    ) async throws -> Key {
        let unlocking = ["--pinentry-mode", "loopback", "--passphrase", passphrase]
        let clock = kind == .expired ? ["--faked-system-time", "20200101T000000!"] : []
        let algorithm = kind == .rsa3072 ? "rsa3072" : "ed25519"
        let until = kind == .expired ? "20210101T000000" : "never"
        let made = try await gpg(
            unlocking + clock + [
                "--yes", "--status-fd", "1", "--quick-generate-key", userID, algorithm, "cert,sign", until,
            ])
        guard let word = made.text.split(whereSeparator: \.isWhitespace).last, let fingerprint = Fingerprint(word)
        else {
            throw KeyTrouble(what: "no fingerprint in \(made.text)")
        }
        let digits = fingerprint.description
        if kind != .signOnly {
            let below = kind == .rsa3072 ? "rsa3072" : "cv25519"
            try await addSubkey(to: fingerprint, below, until: until, unlocking + clock)
        }
        if kind == .revoked { try await revoke(fingerprint) }
        let publicHalf = try await gpg(["--export", digits]).output
        let listing = try await gpg(["--with-colons", "--with-subkey-fingerprint", "--list-keys", digits]).text
        let fingerprints = listing.split(separator: "\n").filter { $0.hasPrefix("fpr:") }
            .compactMap { Fingerprint($0.split(separator: ":")[1]) }
        let key = Key(
            fingerprint: fingerprint, keyID: (fingerprints.last ?? fingerprint).keyID,
            secret: try await gpg(unlocking + ["--armor", "--export-secret-keys", digits]).output, public: publicHalf)
        if onHost { try await gpg(["--import"], home: host.home, input: key.public) }
        return key
    }

    /// Adds an encryption subkey in the owner's keyring.
    package func addSubkey(
        to fingerprint: Fingerprint, _ algorithm: String = "cv25519", until: String = "never",
        _ options: [String] = ["--pinentry-mode", "loopback", "--passphrase", ""]
    ) async throws {
        try await gpg(options + ["--quick-add-key", fingerprint.description, algorithm, "encr", until])
    }

    /// Runs plain gpg in the owner's keyring, or another; anything but exit status 0 is an error.
    @discardableResult
    package func gpg(
        _ arguments: [String], home: String? = nil, input: [UInt8] = [], mayFail: Bool = false
    ) async throws -> ChildProcess.Outcome {
        let all = ["--homedir", home ?? ownerHome, "--batch", "--no-tty", "--trust-model", "always"] + arguments
        let outcome = try await ChildProcess("gpg", all).run(input: .bytes(input), output: .collected(limit: 1 << 30))
        guard mayFail || outcome.succeeded else { throw KeyTrouble(what: "gpg \(arguments): \(outcome.errors)") }
        return outcome
    }

    /// Revokes a key of the owner's, by the certificate that gpg prepared when it made the key; a colon keeps it from being used by mistake.
    package func revoke(_ fingerprint: Fingerprint) async throws {
        let path = "\(ownerHome)/openpgp-revocs.d/\(fingerprint).rev"
        let bytes = try Descriptor.folder("\(ownerHome)/openpgp-revocs.d").open("\(fingerprint).rev", 0)
            .readAll(limit: 1 << 20)
        let text = String(decoding: bytes, as: UTF8.self)
        guard let start = text.firstRange(of: ":-----BEGIN") else {
            throw KeyTrouble(what: "no certificate in \(path)")
        }
        try await gpg(["--import"], input: Array(text[start.lowerBound...].dropFirst().utf8))
    }

    fileprivate func endAgents() async {
        for home in [ownerHome, folder + "/host"] {
            _ = try? await ChildProcess("gpgconf", ["--homedir", home, "--kill", "all"]).run()
        }
    }
}

/// gpg did not do what a test needs.
package struct KeyTrouble: Error {
    package let what: String
}
