internal import CCrypto
import Machine

/// The host's signing key, which signs as gpg does with an Ed25519 key (RFC 9580, 5.2.3; RFC 4880bis for EdDSA), without
/// gpg's being started.
///
/// - Note: `@unchecked Sendable`: the key is made once, and only read after that.
final class HostSigner: @unchecked Sendable {
    static let shared = HostSigner()

    /// As it lies in the folder of the signing key, not armored.
    let publicKeyFile: [UInt8]
    private let key: OpaquePointer

    private init() {
        let secret = [UInt8](1...32)
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, secret, secret.count) else {
            preconditionFailure("BUG: libcrypto makes no Ed25519 key")
        }
        self.key = key
        var point = [UInt8](repeating: 0, count: 32)
        var length = point.count
        precondition(EVP_PKEY_get_raw_public_key(key, &point, &length) == 1, "BUG: libcrypto tells no public key")
        let identifier: [UInt8] = [9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01]
        publicKeyFile = Self.packet(6, [4] + Self.moment + [Self.eddsa] + identifier + Self.number([0x40] + point))
    }

    /// A detached signature, the same for the same bytes.
    func signature(of bytes: [UInt8]) -> [UInt8] {
        let hashed: [UInt8] = [5, 2] + Self.moment
        let front: [UInt8] = [4, 0, Self.eddsa, 10, 0, UInt8(hashed.count)] + hashed
        let digest = ForeignDigest.sha512.of(bytes, front + [4, 0xff, 0, 0, 0, UInt8(front.count)])
        let numbers = sign(digest)
        return Self.packet(
            2, front + [0, 0] + digest.prefix(2) + Self.number(numbers.prefix(32)) + Self.number(numbers.suffix(32)))
    }

    private func sign(_ bytes: [UInt8]) -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("BUG: libcrypto has no memory to sign") }
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 64)
        var length = signature.count
        precondition(
            EVP_DigestSignInit(context, nil, nil, nil, key) == 1
                && EVP_DigestSign(context, &signature, &length, bytes, bytes.count) == 1, "BUG: libcrypto does not sign"
        )
        return signature
    }

    private static let eddsa: UInt8 = 22
    /// When key and signatures are said to be made, in seconds since 1970, big-endian.
    private static let moment: [UInt8] = [0x69, 0x00, 0x00, 0x00]

    private static func packet(_ tag: UInt8, _ body: [UInt8]) -> [UInt8] { [0xc0 | tag, UInt8(body.count)] + body }

    /// A number: its length in bits, then its octets, without zeros in front.
    private static func number(_ octets: some Sequence<UInt8>) -> [UInt8] {
        let octets = Array(octets.drop { $0 == 0 })
        let bits = octets.count * 8 - (octets.first?.leadingZeroBitCount ?? 0)
        return [UInt8(bits >> 8), UInt8(bits & 255)] + octets
    }
}
