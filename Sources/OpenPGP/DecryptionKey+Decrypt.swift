package import Machine

extension DecryptionKey {
    /// Decrypts a stream by one gpg: `feeding` writes the message, `consumer` reads what was in it.
    ///
    /// The result counts only if the message was whole, in one piece and unaltered, and gpg said so: that is known at its
    /// very end. The consumer sees its source's end only then; before that it works with bytes that may be anything, so
    /// what it makes of them must stay aside until this returns. What it leaves unread is read and checked all the same.
    ///
    /// - Throws: `openpgp.wrong-key`, `.altered`, `.truncated`, `.trailing-data`, `.not-openpgp`, `.not-integrity-protected`,
    ///   `.passphrase-needed`, `.decryption-failed`; or the feeder's or the consumer's own error, if it came first.
    package func decrypt<Result: Sendable>(
        feeding: @escaping @Sendable (any ByteSink, StopSignal) throws -> Void,
        patience: Double = 300,
        _ consumer: @escaping @Sendable (any ByteSource, StopSignal) throws -> Result
    ) async throws -> Result {
        let conduit = Conduit(
            process: process(["--skip-verify", "--decrypt"]), patience: mayAsk ? nil : patience, gpgKnowsBetter: true,
            judge: { [self] in try judge($0) })
        let (_, result) = try await conduit.run(
            feed: { sink, stop in
                let inspected = InspectedSink(sink)
                try feeding(inspected, stop)
                try inspected.finish()
            }, take: consumer)
        return result
    }

    private func judge(_ report: GnuPG.Report) throws {
        if let error = refusal(report) { throw error }
        let isProtected = report.all("DECRYPTION_INFO").contains { status in
            status.arguments.first != "0" || status.arguments.count > 2 && status.arguments[2] != "0"
        }
        if report.has("DECRYPTION_INFO"), !isProtected {
            throw OpenPGPError(
                .notIntegrityProtected, "It is encrypted without any protection against changes.",
                remedy: "Do not restore from it unless there is nothing else; if so, decrypt it by hand with gpg.")
        }
        let isAuthenticated = report.all("DECRYPTION_INFO").contains {
            $0.arguments.count > 2 && $0.arguments[2] != "0"
        }
        guard report.outcome.succeeded, report.count("DECRYPTION_OKAY") == 1, report.count("BEGIN_DECRYPTION") == 1,
            report.count("END_DECRYPTION") == 1, report.count("DECRYPTION_INFO") == 1, report.count("PLAINTEXT") == 1,
            report.has("GOODMDC") || isAuthenticated,
            !["BADMDC", "DECRYPTION_FAILED", "FAILURE", "ERROR", "UNEXPECTED", "NODATA"].contains(where: report.has)
        else { throw OpenPGPError.failed(.decryptionFailed, "decrypt it", report) }
    }

    /// The failures that have a name.
    private func refusal(_ report: GnuPG.Report) -> OpenPGPError? {
        let recipients = report.all("ENC_TO").compactMap { $0.arguments.first.flatMap { KeyID($0) } }
        // Said only once a session key was found.
        let wasOpened = report.has("DECRYPTION_INFO")
        // Canceled, fully canceled, no passphrase given, bad passphrase (libgpg-error).
        let refusals = ["99", "198", "177", "11"]
        if !wasOpened, report.all("ERROR").contains(where: { refusals.contains(errorNumber($0)) }) {
            return OpenPGPError(
                .passphraseNeeded,
                "The private key could not be opened: no passphrase, or a wrong one. \(report.words)",
                remedy: "Run the command again and give the passphrase of the key that it is encrypted to.")
        }
        if !wasOpened, report.has("NO_SECKEY") || report.has("NEED_PASSPHRASE_SYM") {
            let mine = key.map { "not to \($0.name)" } ?? "to no key that the agent has"
            let whom = recipients.isEmpty ? "by a passphrase" : "to \(names(recipients))"
            return OpenPGPError(
                .wrongKey, "It is encrypted \(whom), \(mine).",
                remedy: "Give the private key of one of the keys that it is encrypted to.", keyIDs: recipients)
        }
        if wasOpened, report.has("BADMDC") || report.has("DECRYPTION_FAILED") {
            return OpenPGPError(
                .altered, "It was changed after it was encrypted, or the disk did not give back what was written.",
                remedy: "Take it from another copy, or restore from another point.", keyIDs: recipients)
        }
        return nil
    }

    /// The number of the error itself, without where in gpg it comes from.
    private func errorNumber(_ status: GnuPG.Report.Status) -> String {
        let whole = status.arguments.dropFirst().first?.prefix { $0.isNumber } ?? ""
        return UInt64(whole).map { String($0 & 0xffff) } ?? ""
    }
}

/// Looks at a message's packets on their way to gpg.
///
/// A text (armored) message, which we never write, is left to gpg alone.
private final class InspectedSink: ByteSink {
    private let sink: any ByteSink
    private var inspector: PacketInspector? = PacketInspector()
    private var isFirst = true

    init(_ sink: any ByteSink) { self.sink = sink }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        if isFirst, let first = bytes.first {
            isFirst = false
            if first & 0x80 == 0 { inspector = nil }
        }
        try inspector?.take(bytes)
        try sink.write(bytes)
    }

    func finish() throws { _ = try inspector?.finish() }
}
