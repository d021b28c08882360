internal import CCrypto

/// A public key of Ed25519 (RFC 8032), by which signatures are checked (OpenSSL's libcrypto). Any number of threads may.
///
/// - Note: `@unchecked Sendable`: the key is made once, and only read after that.
package final class Ed25519PublicKey: @unchecked Sendable {
    private let key: OpaquePointer

    /// Nil for anything but 32 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 32, let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count) else {
            return nil
        }
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    /// Whether `signature`, of 64 bytes, is one over `message` by this key.
    package func verifies(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("BUG: libcrypto has no memory for a check") }
        defer { EVP_MD_CTX_free(context) }
        return EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

/// Digests that formats of others ask for; ours are ``Digest``.
package enum ForeignDigest: Sendable {
    /// For the fingerprints of OpenPGP keys only.
    case sha1
    case sha256
    case sha512

    /// The digest of all parts, one after the other.
    package func of(_ parts: [UInt8]...) -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("BUG: libcrypto has no memory for a digest") }
        defer { EVP_MD_CTX_free(context) }
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        precondition(EVP_DigestInit_ex(context, algorithm, nil) == 1, "BUG: libcrypto lacks a digest")
        for part in parts {
            precondition(EVP_DigestUpdate(context, part, part.count) == 1, "BUG: a digest refused bytes")
        }
        precondition(EVP_DigestFinal_ex(context, &bytes, &length) == 1, "BUG: a digest did not end")
        return Array(bytes.prefix(Int(length)))
    }

    private var algorithm: OpaquePointer? {
        switch self {
        case .sha1: EVP_sha1()
        case .sha256: EVP_sha256()
        case .sha512: EVP_sha512()
        }
    }
}
