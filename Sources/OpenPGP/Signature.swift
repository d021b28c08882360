internal import Glibc
internal import Machine

/// A detached signature, checked.
package enum Signature {
    /// Checks that `signature` is one signature over `bytes`, made by the key in `publicKey`.
    ///
    /// - Returns: the fingerprint of the signer's primary key. Whether that is the signer who should have signed is the
    ///   caller's to compare.
    /// - Throws: `openpgp.bad-signature`, `.unknown-signer`, `.expired`, `.revoked`, `.not-a-key`, `.two-keys`.
    package static func verify(
        _ bytes: [UInt8], signature: [UInt8], by publicKey: [UInt8], gnupg: GnuPG = GnuPG()
    ) async throws -> Fingerprint {
        try await gnupg.withThrowAwayHome { home in
            let imported = try await gnupg.run(home: home, ["--import"], input: publicKey)
            let signers = imported.all("IMPORT_OK").compactMap { $0.arguments.last.flatMap { Fingerprint($0) } }
            guard let signer = signers.first else {
                throw OpenPGPError(
                    .notAKey, "The signer's public key could not be read.",
                    remedy: "Give the file that `holdfast init` wrote, or the fingerprint on the recovery card.")
            }
            guard Set(signers).count == 1 else { throw OpenPGPError.twoKeys(Set(signers).map(\.description).sorted()) }
            return try await check(bytes, signature: signature, by: signer, knownIn: home, gnupg)
        }
    }

    /// The same, where the signer's key is in a GNUPGHOME of ours already.
    static func check(
        _ bytes: [UInt8], signature: [UInt8], by signer: Fingerprint, knownIn home: String, _ gnupg: GnuPG
    ) async throws -> Fingerprint {
        let file = try Descriptor.open("\(home)/signature", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try file.write(signature)
        try file.close()
        let report = try await gnupg.run(home: home, ["--verify", "\(home)/signature", "-"], input: bytes)
        return try judge(report, signer)
    }

    private static func judge(_ report: GnuPG.Report, _ signer: Fingerprint) throws -> Fingerprint {
        if report.count("NEWSIG") > 1 {
            throw OpenPGPError(
                .badSignature, "There are \(report.count("NEWSIG")) signatures where one is expected.", remedy: remedy)
        }
        if report.has("NO_PUBKEY") || report.has("ERRSIG") {
            let issuer = report.all("ERRSIG").first?.arguments.first ?? "another key"
            throw OpenPGPError(
                .unknownSigner, "It was signed by \(issuer), not by \(signer).", remedy: remedy,
                keyIDs: [KeyID(issuer)].compactMap(\.self))
        }
        if report.has("REVKEYSIG") { throw signerError(.revoked, "was revoked", signer) }
        if report.has("EXPKEYSIG") { throw signerError(.expired, "has expired", signer) }
        // Over plain bytes (class 00), not over text whose line ends may change; by SHA-2 or SHA-3.
        let valid = report.all("VALIDSIG")
        guard report.outcome.succeeded, report.count("GOODSIG") == 1, valid.count == 1, !report.has("BADSIG"),
            let arguments = valid.first?.arguments, arguments.count >= 10, arguments[8] == "00",
            digests.contains(arguments[7]),
            let primary = Fingerprint(arguments[9]), primary == signer
        else {
            throw OpenPGPError(
                .badSignature, "The signature does not fit: what was signed was changed, or the signature was.",
                remedy: remedy)
        }
        return primary
    }

    /// SHA-256, -384, -512, -224, SHA3-256, -512, by their numbers in RFC 9580, 9.5.
    private static let digests = ["8", "9", "10", "11", "12", "14"]

    private static func signerError(_ kind: OpenPGPError.Kind, _ what: String, _ signer: Fingerprint) -> OpenPGPError {
        OpenPGPError(
            kind, "It was signed by \(signer), but that key \(what).",
            remedy: "Compare with another copy, and find out why the host's key is not valid any more.")
    }

    private static let remedy =
        "If it comes from another host, name the signing key on that host's recovery card: --signer FINGERPRINT. "
        + "Otherwise do not rely on it, and take another copy."
}
