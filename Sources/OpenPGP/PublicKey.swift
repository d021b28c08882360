package import Machine

/// A key as a keyring or key file holds it: its public half, and whether the private half is there too.
package struct PublicKey: Sendable, Hashable {
    /// A key below the primary key (or the primary key itself, where it is used like one).
    package struct Subkey: Sendable, Hashable {
        package let fingerprint: Fingerprint
        /// As packets name it.
        package let keyID: KeyID
        /// `cv25519`, `rsa4096`.
        package let algorithm: String
        package let created: Timestamp
        package let expires: Timestamp?
        package let isRevoked: Bool
        package let canEncrypt: Bool
        package let canSign: Bool
        /// Whether its private half lies here, as a file; not so for a key on a card or behind a forwarded agent.
        package var hasSecret: Bool

        /// A key from the future is left to gpg: it says more of clocks than we could.
        func isUsable(at now: Timestamp) -> Bool { !isRevoked && expires.map { now < $0 } ?? true }
    }

    /// The primary key; its fingerprint is that of the whole.
    package var primary: Subkey
    package var subkeys: [Subkey]
    /// Those that are not revoked.
    package let userIDs: [String]
    package let isDisabled: Bool
    /// The encryption subkey that the user named by its own fingerprint; else the newest usable one is taken.
    package var chosen: Fingerprint?

    package var fingerprint: Fingerprint { primary.fingerprint }
    package var created: Timestamp { primary.created }
    package var expires: Timestamp? { primary.expires }
    package var isRevoked: Bool { primary.isRevoked }
    /// Whether any private part of it lies here.
    package var hasSecret: Bool { primary.hasSecret || subkeys.contains { $0.hasSecret } }
    /// Whether what is encrypted to it can be read here.
    package var hasEncryptionSecret: Bool { ([primary] + subkeys).contains { $0.canEncrypt && $0.hasSecret } }

    /// `ed25519/cv25519`, `rsa4096`: the primary key and, where it differs, what is encrypted to.
    package var algorithm: String {
        guard let below = subkeys.last(where: \.canEncrypt), below.algorithm != primary.algorithm else {
            return primary.algorithm
        }
        return "\(primary.algorithm)/\(below.algorithm)"
    }

    /// For messages: the fingerprint and the first user id.
    package var name: String { userIDs.first.map { "\(fingerprint) (\($0))" } ?? "\(fingerprint)" }
}

extension PublicKey {
    /// Whether something can be encrypted to it.
    package enum EncryptionState: Sendable, Hashable {
        case usable(until: Timestamp?)
        case expired(Timestamp)
        case revoked
        case disabled
        case signOnly
    }

    package func encryptionState(at now: Timestamp) -> EncryptionState {
        if isRevoked { return .revoked }
        if isDisabled { return .disabled }
        if let expires, expires <= now { return .expired(expires) }
        if let subkey = encryptionSubkey(at: now) {
            return .usable(until: [expires, subkey.expires].compactMap(\.self).min())
        }
        let candidates = encryptionSubkeys
        if let expired = candidates.filter({ !$0.isRevoked }).compactMap(\.expires).max(), expired <= now {
            return .expired(expired)
        }
        return candidates.contains(where: \.isRevoked) ? .revoked : .signOnly
    }

    /// The subkey that is encrypted to: the one chosen, else the newest usable one, as gpg does it; the primary key only
    /// if no subkey can.
    package func encryptionSubkey(at now: Timestamp) -> Subkey? {
        encryptionSubkeys.filter { $0.isUsable(at: now) }.max { $0.created < $1.created }
    }

    private var encryptionSubkeys: [Subkey] {
        if let chosen { return ([primary] + subkeys).filter { $0.fingerprint == chosen && $0.canEncrypt } }
        let below = subkeys.filter(\.canEncrypt)
        return below.isEmpty ? [primary].filter(\.canEncrypt) : below
    }

    /// - Throws: `openpgp.expired`, `.revoked`, `.disabled` or `.sign-only`, naming the key.
    @discardableResult
    package func requireEncryption(at now: Timestamp) throws -> Subkey {
        switch encryptionState(at: now) {
        case .usable:
            guard let subkey = encryptionSubkey(at: now) else { throw OpenPGPError.signOnly(name) }
            return subkey
        case .expired(let when):
            let subkey = expires == when ? nil : encryptionSubkeys.first { $0.expires == when }
            throw OpenPGPError.expired(self, when, subkey: subkey?.fingerprint)
        case .revoked: throw OpenPGPError.revoked(name)
        case .disabled: throw OpenPGPError.disabled(name)
        case .signOnly: throw OpenPGPError.signOnly(name)
        }
    }

    /// The mail addresses of its user ids, in lower case.
    package var addresses: [String] { userIDs.compactMap(address(in:)) }
}

/// What stands between the last `<` and the `>` that closes a user id, or the whole of it if that is an address.
private func address(in userID: String) -> String? {
    if userID.hasSuffix(">"), let open = userID.lastIndex(of: "<") {
        return userID[userID.index(after: open)...].dropLast().lowercased()
    }
    return userID.contains("@") && !userID.contains(" ") ? userID.lowercased() : nil
}
