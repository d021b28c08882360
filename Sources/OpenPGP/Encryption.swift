package import Machine

/// What was sealed, as it stands in the bytes that were written.
package struct Sealed: Sendable, Hashable {
    package let length: Int64
    /// SHA-256 of the encrypted bytes.
    package let digest: Digest
    /// The subkeys that can open it, in the packets' order.
    package let recipients: [KeyID]

    package init(length: Int64, digest: Digest, recipients: [KeyID]) {
        self.length = length
        self.digest = digest
        self.recipients = recipients
    }
}

/// Encrypts a stream by one gpg: producer → gpg → packet inspector and digest → sink.
package struct Encryption: Sendable {
    package let keyring: Keyring
    package let recipients: [PublicKey]
    private let clock: any WallClock
    private let patience: Double

    /// - Parameter patience: for how many seconds gpg may do nothing at all, before it is given up.
    package init(
        keyring: Keyring, recipients: [PublicKey], clock: any WallClock = SystemClock(), patience: Double = 300
    ) {
        self.keyring = keyring
        self.recipients = recipients
        self.clock = clock
        self.patience = patience
    }

    /// Runs `producer` on a thread of its own and writes what gpg makes of its bytes to `sink`, on another.
    ///
    /// Success means: the producer returned, gpg ended well and said so, the packets are whole, exactly the expected
    /// subkeys stand in them, and the sink took every byte. Publishing is the caller's.
    ///
    /// - Throws: `openpgp.no-recipient`, `.expired`, `.revoked`, `.disabled`, `.sign-only` before anything starts; later the
    ///   error that everything else followed from. What the sink has then is worthless.
    package func run<Result: Sendable>(
        _ producer: @escaping @Sendable (any ByteSink, StopSignal) throws -> Result, into sink: any ByteSink & Sendable
    ) async throws -> (result: Result, sealed: Sealed) {
        let subkeys = try subkeys()
        let arguments = subkeys.flatMap { ["--recipient", "\($0.fingerprint)!"] } + ["--encrypt"]
        let conduit = Conduit(
            process: keyring.gnupg.process(home: keyring.home, agent: .none, arguments), patience: patience,
            judge: { try judge($0) })
        let expected = subkeys.map(\.keyID)
        let ((result, fed), (sealed, made)) = try await conduit.run { input, stop in
            let counting = CountingSink(input)
            return (try producer(counting, stop), counting.count)
        } take: { source, stop in
            try seal(source, stop, expected, into: sink)
        }
        // What was still in the pipe when gpg stopped reading nobody misses, but for the length.
        guard made >= fed + Self.leastOverhead else {
            throw OpenPGPError(
                .truncated, "gpg was given \(fed) bytes, and made no more than \(made) of them.",
                remedy:
                    "Nothing was kept. See whether `gpg --version` is the gpg that is meant, then run the command again."
            )
        }
        return (result, sealed)
    }

    /// Bytes by which encrypted data is longer than what is in it, whatever the cipher: random prefix (10 at the least), the
    /// header of the literal packet (8) and the digest (22).
    private static let leastOverhead: Int64 = 40

    /// The subkeys to encrypt to, each once. They are named to gpg one by one, so that the choice is ours.
    private func subkeys() throws -> [PublicKey.Subkey] {
        let now = clock.now()
        var subkeys: [PublicKey.Subkey] = []
        for recipient in recipients {
            let subkey = try recipient.requireEncryption(at: now)
            if !subkeys.contains(where: { $0.keyID == subkey.keyID }) { subkeys.append(subkey) }
        }
        guard !subkeys.isEmpty else {
            throw OpenPGPError(
                .noRecipient, "There is nobody to encrypt to.",
                remedy: "Name the fingerprint of at least one key in backup.encryption.recipients.")
        }
        return subkeys
    }

    private func judge(_ report: GnuPG.Report) throws {
        if let refused = report.all("INV_RECP").first { throw refusal(refused, report) }
        guard report.outcome.succeeded, report.count("BEGIN_ENCRYPTION") == 1, report.count("END_ENCRYPTION") == 1,
            !report.has("FAILURE"), !report.has("ERROR"), !report.has("NO_RECP")
        else { throw OpenPGPError.failed(.encryptionFailed, "encrypt", report) }
    }

    /// gpg's own refusal of a recipient, should it come to another opinion than we did.
    private func refusal(_ status: GnuPG.Report.Status, _ report: GnuPG.Report) -> OpenPGPError {
        let named = status.arguments.last.map { $0.hasSuffix("!") ? $0.dropLast() : $0[...] } ?? ""
        let fingerprint = Fingerprint(named)
        let key = recipients.first { key in ([key.primary] + key.subkeys).contains { $0.fingerprint == fingerprint } }
        let name = key?.name ?? String(named)
        return switch status.arguments.first {
        // "No specific reason", for a subkey named by its own fingerprint: said by another line, if at all.
        case "0" where report.has("KEYREVOKED"): OpenPGPError.revoked(name)
        case "0" where report.has("KEYEXPIRED"), "5":
            key.map { OpenPGPError.expired($0, nil) }
                ?? OpenPGPError.failed(.expired, "encrypt to the key \(name)", report)
        case "1":
            OpenPGPError(
                .noKey, "The key \(name) is no longer in \(keyring.place).",
                remedy: "Import its public half: holdfast key import FILE")
        case "3": OpenPGPError.signOnly(name)
        case "4": OpenPGPError.revoked(name)
        case "13", "14": OpenPGPError.disabled(name)
        default: OpenPGPError.failed(.encryptionFailed, "encrypt to the key \(name)", report)
        }
    }
}

/// Counts what is written. Used by one thread.
private final class CountingSink: ByteSink {
    private let sink: any ByteSink
    private(set) var count: Int64 = 0

    init(_ sink: any ByteSink) { self.sink = sink }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try sink.write(bytes)
        count += Int64(bytes.count)
    }
}

private func seal(
    _ source: any ByteSource, _ stop: StopSignal, _ expected: [KeyID], into sink: any ByteSink
) throws -> (Sealed, dataLength: Int64) {
    var inspector = PacketInspector()
    let hasher = Hasher256()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: streamBufferSize, alignment: 16)
    defer { buffer.deallocate() }
    while case let count = try source.read(into: buffer), count > 0 {
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        try ofOurs { try inspector.take(bytes) }
        hasher.update(bytes)
        try sink.write(bytes)
        try stop.check()
    }
    let envelope = try ofOurs {
        let envelope = try inspector.finish()
        try envelope.requireRecipients(expected)
        return envelope
    }
    let sealed = Sealed(length: envelope.length, digest: hasher.finish(), recipients: envelope.recipients)
    return (sealed, envelope.dataLength)
}

/// Words what the inspector finds for a message that is only now being made.
private func ofOurs<Result>(_ inspect: () throws -> Result) throws -> Result {
    do {
        return try inspect()
    } catch let error as OpenPGPError {
        throw OpenPGPError(
            error.kind, "What gpg wrote is not what it should be. \(error.what)",
            remedy:
                "Nothing was kept. See whether `gpg --version` is the gpg that is meant, then run the command again.",
            keyIDs: error.keyIDs)
    }
}
