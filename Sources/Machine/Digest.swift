internal import CCrypto

/// A SHA-256 digest.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// Reads 64 hexadecimal digits; nil for anything else.
    package init?(hex: String) {
        guard hex.utf8.count == 64, let bytes = [UInt8](hex: hex) else { return nil }
        self.bytes = bytes
    }

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    /// 64 lower-case hexadecimal digits, as `sha256sum` prints them.
    package var description: String { bytes.hex }

    /// The digest of `bytes`.
    package static func of(_ bytes: [UInt8]) -> Digest {
        let hasher = Hasher256()
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.finish()
    }
}

/// A SHA-256 in the making (OpenSSL's libcrypto, which uses the processor's SHA instructions). Not for two threads.
package final class Hasher256 {
    private let context: OpaquePointer

    package init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("BUG: libcrypto has no memory for a digest") }
        self.context = context
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "BUG: libcrypto has no SHA-256")
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Takes the next bytes.
    package func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        precondition(EVP_DigestUpdate(context, base, bytes.count) == 1, "BUG: SHA-256 refused bytes")
    }

    /// The digest of all bytes since the start or the last `finish()`, and starts anew.
    package func finish() -> Digest {
        var bytes = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        precondition(EVP_DigestFinal_ex(context, &bytes, &length) == 1 && length == 32, "BUG: SHA-256 did not end")
        // The same algorithm again, which libcrypto then need not look up.
        precondition(EVP_DigestInit_ex(context, nil, nil) == 1, "BUG: SHA-256 did not start anew")
        return Digest(bytes: bytes)
    }
}
