internal import Glibc
internal import Machine

/// The host's own key, with which it signs what it wrote. It can sign and nothing else, and lies on this host without a
/// passphrase: it proves where a manifest came from, not that the host was in good hands.
///
/// Kept as two ordinary files; each use takes the key into a GNUPGHOME in memory, so that no agent stays and no two uses
/// meet.
package struct HostKey: Sendable {
    package let fingerprint: Fingerprint
    private let folder: String
    private let gnupg: GnuPG

    private static let secretName = "host-key.secret.asc"
    private static let publicName = "host-key.public.asc"

    /// Makes the key; never in place of another.
    ///
    /// - Parameters:
    ///   - folder: made (0700) if it is not there.
    ///   - host: the host's name, for the user id.
    /// - Throws: `machine.exists` if there is one already.
    package static func create(in folder: String, host: String, gnupg: GnuPG = GnuPG()) async throws -> HostKey {
        let (secret, publicHalf, fingerprint) = try await gnupg.withThrowAwayHome(.allowed) { home in
            let fingerprint = try await gnupg.generate(
                "Holdfast on \(host) (signs backups)", "ed25519", "sign",
                passphraseFile: try keepPassphrase(Redacted(""), in: home, .quick), home: home)
            return (
                try await gnupg.export(["--armor", "--export-secret-keys", fingerprint.description], home: home),
                try await gnupg.export(["--armor", "--export", fingerprint.description], home: home),
                fingerprint
            )
        }
        try makeFolders(folder)
        let place = try Descriptor.folder(folder)
        guard !place.has(secretName) else {
            throw MachineError.call("make the host's signing key", "\(folder)/\(secretName)", errno: EEXIST)
        }
        // The private half last: a key is there only when both are.
        try place.publish(publicName, publicHalf, replacing: true)
        try place.publish(secretName, secret)
        return HostKey(fingerprint: fingerprint, folder: folder, gnupg: gnupg)
    }

    /// Nil if no key was made in that folder.
    package static func open(_ folder: String, gnupg: GnuPG = GnuPG()) async throws -> HostKey? {
        do {
            let place = try Descriptor.folder(folder)
            guard place.has(secretName) else { return nil }
            let bytes = try place.open(publicName, O_RDONLY | O_NOFOLLOW).readAll(limit: 1 << 20)
            if let key = try? SignerKey(bytes) {
                return HostKey(fingerprint: key.fingerprint, folder: folder, gnupg: gnupg)
            }
            let key = try await Keyring(home: nil, gnupg: gnupg).inspect(bytes).onlyKey()
            return HostKey(fingerprint: key.fingerprint, folder: folder, gnupg: gnupg)
        } catch let error as MachineError where error.errno == ENOENT {
            return nil
        }
    }

    /// The public half of the key in that folder, for checking many signatures; nil if no key was made there.
    package static func signer(in folder: String) throws -> SignerKey? {
        do {
            let file = try Descriptor.open("\(folder)/\(publicName)", O_RDONLY | O_NOFOLLOW)
            return try SignerKey(try file.readAll(limit: 1 << 20))
        } catch let error as MachineError where error.errno == ENOENT {
            return nil
        }
    }

    /// A detached binary signature, checked: what gpg calls one need not be one.
    package func sign(_ bytes: [UInt8]) async throws -> [UInt8] {
        let secret = try Descriptor.folder(folder).open(Self.secretName, O_RDONLY | O_NOFOLLOW).readAll(limit: 1 << 20)
        return try await gnupg.withThrowAwayHome(.allowed) { home in
            let imported = try await gnupg.run(home: home, agent: .allowed, ["--import"], input: secret)
            guard imported.has("IMPORT_OK") else {
                throw OpenPGPError.failed(.signingFailed, "read the host's signing key", imported)
            }
            let report = try await gnupg.run(
                home: home, agent: .allowed,
                [
                    "--pinentry-mode", "error", "--digest-algo", "SHA512", "--local-user", "\(fingerprint)!",
                    "--detach-sign",
                ], input: bytes)
            guard report.outcome.succeeded, !report.outcome.output.isEmpty,
                report.all("SIG_CREATED").contains(where: { $0.arguments.last == fingerprint.description })
            else { throw OpenPGPError.failed(.signingFailed, "sign with the host's key", report) }
            let signature = report.outcome.output
            _ = try await Signature.check(bytes, signature: signature, by: fingerprint, knownIn: home, gnupg)
            return signature
        }
    }

    /// The public half, armored: for the recovery card and for whoever checks.
    package func publicKey() async throws -> [UInt8] {
        try Descriptor.folder(folder).open(Self.publicName, O_RDONLY | O_NOFOLLOW).readAll(limit: 1 << 20)
    }
}
