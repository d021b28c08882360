internal import Glibc
package import Machine

/// A new pair of keys, in memory: for `holdfast key new`, which writes it to a stick.
package struct KeyPair: Sendable {
    package let fingerprint: Fingerprint
    /// The private half, armored, under its passphrase if one was given.
    package let secret: [UInt8]
    /// The public half, armored: this is what the host gets.
    package let `public`: [UInt8]
    /// With this the owner takes the key back if it is lost; armored, with its instructions.
    package let revocation: [UInt8]

    /// Makes an ed25519 key with a cv25519 encryption subkey, in a GNUPGHOME in memory that is gone afterwards.
    ///
    /// - Parameters:
    ///   - userID: `Name <address>`.
    ///   - expires: nil for never, which suits a key for backups: what it opens may be needed after years.
    ///   - created: nil for now.
    package static func generate(
        userID: String, passphrase: Redacted? = nil, expires: Timestamp? = nil, created: Timestamp? = nil,
        gnupg: GnuPG = GnuPG()
    ) async throws -> KeyPair {
        try await gnupg.withThrowAwayHome(.allowed) { home in
            let passphraseFile = try keepPassphrase(passphrase ?? Redacted(""), in: home, .strong)
            let clock = created.map { ["--faked-system-time", "\($0.seconds)!"] } ?? []
            let until = expires.map { $0.format("%Y%m%dT%H%M%S") } ?? "never"
            let fingerprint = try await gnupg.generate(
                userID, "ed25519", "cert,sign", until: until, clock, passphraseFile: passphraseFile, home: home)
            let added = try await gnupg.run(
                home: home, agent: .allowed,
                clock + unlocking(passphraseFile) + [
                    "--quick-add-key", fingerprint.description, "cv25519", "encr", until,
                ])
            guard added.outcome.succeeded else {
                throw OpenPGPError.failed(.generationFailed, "make the encryption subkey", added)
            }
            let secret = try await gnupg.export(
                unlocking(passphraseFile) + ["--armor", "--export-secret-keys", fingerprint.description], home: home)
            return KeyPair(
                fingerprint: fingerprint,
                secret: secret,
                public: try await gnupg.export(["--armor", "--export", fingerprint.description], home: home),
                revocation: try Descriptor.open("\(home)/openpgp-revocs.d/\(fingerprint).rev", O_RDONLY)
                    .readAll(limit: 1 << 20))
        }
    }
}

extension GnuPG {
    /// Makes a primary key; under an empty passphrase it is stored in the open.
    func generate(
        _ userID: String, _ algorithm: String, _ usage: String, until: String = "never", _ options: [String] = [],
        passphraseFile: String, home: String
    ) async throws -> Fingerprint {
        let report = try await run(
            home: home, agent: .allowed,
            options + unlocking(passphraseFile) + [
                "--utf8-strings", "--quick-generate-key", userID, algorithm, usage, until,
            ])
        guard report.outcome.succeeded,
            let fingerprint = report.all("KEY_CREATED").first?.arguments.dropFirst().first.flatMap({ Fingerprint($0) })
        else { throw OpenPGPError.failed(.generationFailed, "make a key", report) }
        return fingerprint
    }

    func export(_ arguments: [String], home: String) async throws -> [UInt8] {
        let report = try await run(home: home, agent: .allowed, arguments)
        guard report.outcome.succeeded, !report.outcome.output.isEmpty else {
            throw OpenPGPError.failed(.generationFailed, "export a key", report)
        }
        return report.outcome.output
    }
}
