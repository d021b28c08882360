/// What the packets of an encrypted message say to somebody without the private key: labels, not content. Anybody can
/// write such packets around anything.
package struct Envelope: Sendable, Hashable {
    /// How the message says that changes to it are noticed.
    package enum Integrity: String, Sendable, Hashable {
        /// Tag 18, version 1: a SHA-1 digest inside (RFC 4880, 5.13).
        case mdc
        /// Tag 20, or tag 18 version 2 (RFC 9580, 5.13.2): authenticated chunks.
        case aead
    }

    /// The (sub)keys that it is encrypted to, in the packets' order.
    package let recipients: [KeyID]
    /// Packets by which a passphrase opens it.
    package let passphrases: Int
    package let integrity: Integrity
    /// Bytes of the whole message.
    package let length: Int64
    /// Bytes of the encrypted data in it, with what encryption adds.
    package let dataLength: Int64
    /// False if the data packet has no length of its own but goes on to the end of the file (an old form): then a file
    /// that was cut looks whole.
    package let lengthIsKnown: Bool

    /// Whether the message is labelled for exactly these subkeys, each once, and opens by no passphrase.
    ///
    /// - Throws: `openpgp.wrong-recipients`.
    package func requireRecipients(_ expected: some Collection<KeyID>) throws {
        guard passphrases == 0 else {
            throw OpenPGPError(
                .wrongRecipients, "It can be opened by a passphrase, not only by the keys that it was made for.",
                remedy: remedy, keyIDs: recipients)
        }
        guard recipients.count == expected.count, Set(recipients) == Set(expected) else {
            throw OpenPGPError(
                .wrongRecipients,
                "It is encrypted to \(names(recipients)), not to \(names(expected)) as it should be.",
                remedy: remedy, keyIDs: recipients)
        }
    }

    private var remedy: String {
        "Do not rely on this archive: make a new restore point, and find out who wrote this one."
    }
}

/// For messages: `A6DF6EF23E7C0879 and 8229FC47B534D45F`.
func names(_ keyIDs: some Collection<KeyID>) -> String {
    keyIDs.isEmpty ? "nobody" : keyIDs.map { $0.isHidden ? "a hidden key" : $0.description }.joined(separator: " and ")
}
