package import Machine

/// What a key file holds, found out without keeping any of it.
package struct KeyFile: Sendable {
    package let keys: [PublicKey]
    /// Whether private keys are in it.
    package let containsSecret: Bool

    /// The one key in it.
    ///
    /// - Throws: `openpgp.not-a-key`, `.two-keys`.
    package func onlyKey() throws -> PublicKey {
        guard let key = keys.first else {
            throw OpenPGPError(
                .notAKey, "There is no OpenPGP key in it.",
                remedy: "Export it where it was made: gpg --armor --export FINGERPRINT > key.asc")
        }
        guard keys.count == 1 else { throw OpenPGPError.twoKeys(keys.map(\.name)) }
        return key
    }
}

/// A key that was taken into the keyring.
package struct ImportedKey: Sendable {
    /// As it stands in the keyring now.
    package let key: PublicKey
    /// The file held the private half as well. It was not imported, but it is on this host: warn loudly.
    package let hadPrivateKey: Bool
    /// The keyring had this key already; the file may have brought a new expiry.
    package let wasKnown: Bool
}

extension Keyring {
    /// Lists the keys in a file, armored or not, without importing anything anywhere that outlives this call.
    package func inspect(_ keyFile: [UInt8]) async throws -> KeyFile {
        let gnupg = gnupg
        return try await gnupg.withThrowAwayHome { try await gnupg.inspect(keyFile, home: $0) }
    }

    /// Takes the public half of the one key in a file into the keyring.
    ///
    /// - Throws: `openpgp.not-a-key`, `.two-keys`, `.expired`, `.revoked`, `.sign-only`, with the keyring untouched.
    package func importKey(_ keyFile: [UInt8], now: Timestamp) async throws -> ImportedKey {
        let gnupg = gnupg
        let (found, publicHalf) = try await gnupg.withThrowAwayHome { home in
            let found = try await gnupg.inspect(keyFile, home: home)
            let key = try found.onlyKey()
            try key.requireEncryption(at: now)
            let half = found.containsSecret ? try await gnupg.publicHalf(of: keyFile, key.fingerprint, home) : keyFile
            return (found, half)
        }
        let fingerprint = try found.onlyKey().fingerprint
        let wasKnown = try await !list(fingerprint).isEmpty
        try await makeHome()
        let report = try await gnupg.run(home: home, ["--import"], input: publicHalf)
        guard report.outcome.succeeded, report.has("IMPORT_OK"),
            let key = try await list(fingerprint).first(where: { $0.fingerprint == fingerprint })
        else { throw OpenPGPError.failed(.gpgFailed, "import the key into \(place)", report) }
        // The keyring may have known more of it than the file did: a revocation, say.
        try key.requireEncryption(at: now)
        return ImportedKey(key: key, hadPrivateKey: found.containsSecret, wasKnown: wasKnown)
    }
}

extension GnuPG {
    func inspect(_ keyFile: [UInt8], home: String) async throws -> KeyFile {
        guard keyFile.count <= Self.largestKeyFile else {
            throw OpenPGPError(
                .notAKey, "It has \(ByteCount(keyFile.count)): that is no key file.",
                remedy: "Export the key where it was made: gpg --armor --export FINGERPRINT > key.asc")
        }
        // By the trust model `always`, gpg 2.2 wants a trust database, which is not there, to show an expired key.
        let report = try await run(
            home: home,
            [
                "--trust-model", "direct", "--with-colons", "--fixed-list-mode", "--with-subkey-fingerprint",
                "--import-options", "show-only",
                "--dry-run", "--import",
            ], input: keyFile)
        let listing = KeyListing(report.outcome.text)
        return KeyFile(keys: listing.keys, containsSecret: listing.containsSecret)
    }

    /// The public half of a private key. Without an agent, gpg imports that half and cannot keep the other.
    fileprivate func publicHalf(of keyFile: [UInt8], _ fingerprint: Fingerprint, _ home: String) async throws -> [UInt8]
    {
        _ = try await run(home: home, ["--import"], input: keyFile)
        let report = try await run(home: home, ["--export", fingerprint.description])
        guard report.outcome.succeeded, !report.outcome.output.isEmpty else {
            throw OpenPGPError.failed(.notAKey, "take the public half out of the private key", report)
        }
        return report.outcome.output
    }

    private static let largestKeyFile = 4 << 20
}
