internal import Machine

/// The public half of a host's own signing key, by which the signatures of many points are checked within milliseconds.
///
/// It takes nothing but what ``HostKey`` makes and signs: one Ed25519 key of version 4 that does not expire and was not
/// revoked, and one binary signature of version 4 by SHA-256 or SHA-512 (RFC 9580, 5.2.3, 5.5; RFC 4880bis for EdDSA).
/// What is refused here may still be good by gpg, never the other way round: ``Signature`` is the word that counts for
/// restores, this one says which points are counted at all.
package struct SignerKey: Sendable {
    package let fingerprint: Fingerprint
    private let key: Ed25519PublicKey

    /// Reads a key file, armored or not.
    ///
    /// - Throws: `openpgp.not-a-key`, or `openpgp.unsupported` for a key of another kind.
    package init(_ file: [UInt8]) throws {
        var packets = PacketReader(file.starts(with: Armor.keyBegin) ? try Armor.decode(file) : file)
        guard let primary = try packets.next(), primary.tag == 6 else {
            throw PacketReader.broken
        }
        while let packet = try packets.next() {
            // User ids, and what the key says of them and itself.
            guard packet.tag == 13 || packet.tag == 2 else { throw Self.otherKind }
            if packet.tag == 2 { try Self.refuseUnlessLasting(packet.body) }
        }
        let front: [UInt8] = [4] + Array(primary.body.dropFirst().prefix(4)) + [22] + Self.ed25519
        var body = PacketReader(primary.body)
        guard primary.body.starts(with: front), (try? body.take(front.count)) != nil,
            let point = try? body.number(upTo: 33), body.isAtEnd, point.count == 33, point[0] == 0x40,
            let key = Ed25519PublicKey(Array(point.dropFirst())), primary.body.count < 0x1_0000
        else { throw Self.otherKind }
        let length = [UInt8(primary.body.count >> 8), UInt8(primary.body.count & 255)]
        let digest = ForeignDigest.sha1.of([0x99] + length, primary.body)
        guard let fingerprint = Fingerprint(digest.hex) else { throw Self.otherKind }
        self.key = key
        self.fingerprint = fingerprint
    }

    /// Checks that `signature` is one signature of this key over `bytes`.
    ///
    /// - Throws: `openpgp.bad-signature`, `.unknown-signer`.
    package func verify(_ bytes: [UInt8], signature: [UInt8]) throws {
        var packets = PacketReader(signature)
        guard let packet = try? packets.next(), packet.tag == 2, packets.isAtEnd else { throw Self.doesNotFit }
        let parts = try SignatureParts(packet.body)
        guard parts.type == 0, parts.algorithm == 22, let hashing = parts.hashing else { throw Self.doesNotFit }
        for issuer in parts.hashed.compactMap(\.issuer) + parts.unhashed.compactMap(\.issuer)
        where !fingerprint.description.hasSuffix(issuer) {
            throw OpenPGPError(
                .unknownSigner, "It was signed by \(issuer), not by \(fingerprint).", remedy: Self.verifyRemedy)
        }
        // What holds only for a while, or must be understood and is not, is left to gpg.
        guard parts.hashed.contains(where: { $0.type == 2 && $0.body.count == 4 }),
            (parts.hashed + parts.unhashed).allSatisfy({ $0.type != 3 && (!$0.isCritical || $0.isKnown) })
        else { throw Self.doesNotFit }
        let digest = hashing.of(bytes, parts.trailer)
        guard digest.starts(with: parts.digestStart), key.verifies(parts.numbers, over: digest) else {
            throw Self.doesNotFit
        }
    }

    /// A signature on the key itself: none that revokes it, or lets it expire.
    private static func refuseUnlessLasting(_ body: [UInt8]) throws {
        let parts = try SignatureParts(body)
        guard (0x10...0x13).contains(parts.type) || parts.type == 0x1f,
            (parts.hashed + parts.unhashed).allSatisfy({ $0.type != 9 })
        else { throw otherKind }
    }

    /// The object identifier of Ed25519 with its length.
    private static let ed25519: [UInt8] = [9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01]

    fileprivate static let verifyRemedy = "Look at it before anything else: holdfast verify POINT asks gpg."

    private static var otherKind: OpenPGPError {
        OpenPGPError(
            .unsupported, "It is not a key as `holdfast init` makes it: one Ed25519 key, not revoked, for ever.",
            remedy: "Give back what `holdfast init` wrote there.")
    }

    private static var doesNotFit: OpenPGPError {
        OpenPGPError(
            .badSignature, "The signature does not fit: what was signed was changed, or the signature was.",
            remedy: verifyRemedy)
    }
}

/// A signature packet of version 4, taken apart; what it says is not looked at yet.
private struct SignatureParts {
    let type: UInt8
    let algorithm: UInt8
    let hashing: ForeignDigest?
    let hashed: [Subpacket]
    let unhashed: [Subpacket]
    /// What is hashed after the message.
    let trailer: [UInt8]
    let digestStart: [UInt8]
    /// Of EdDSA: both numbers, 32 bytes each; empty for other algorithms.
    let numbers: [UInt8]

    struct Subpacket {
        let type: UInt8
        let isCritical: Bool
        let body: [UInt8]

        /// Key id or fingerprint of the signer, if that is what it says.
        var issuer: String? {
            switch type {
            case 16: body.hex.uppercased()
            case 33: Array(body.dropFirst()).hex.uppercased()
            default: nil
            }
        }

        /// Creation time, key flags, issuer: those whose meaning changes nothing here.
        var isKnown: Bool { [2, 16, 27, 33].contains(type) }
    }

    /// - Throws: `openpgp.bad-signature` for anything that is not one whole packet.
    init(_ body: [UInt8]) throws {
        do {
            var reader = PacketReader(body)
            let front = try reader.take(4)
            guard front[0] == 4 else { throw PacketReader.broken }
            (type, algorithm) = (front[1], front[2])
            hashing = [8: .sha256, 10: .sha512][front[3]]
            let hashedLength = Int(try reader.take(2).number)
            hashed = try Self.subpackets(try reader.take(hashedLength))
            let count = UInt32(6 + hashedLength)
            trailer =
                Array(body.prefix(6 + hashedLength)) + [4, 0xff] + (0..<4).map { UInt8(count >> (24 - 8 * $0) & 255) }
            unhashed = try Self.subpackets(try reader.take(Int(try reader.take(2).number)))
            digestStart = try reader.take(2)
            guard algorithm == 22 else {
                numbers = []
                return
            }
            var both: [UInt8] = []
            for _ in 0..<2 {
                let number = try reader.number(upTo: 32)
                both += [UInt8](repeating: 0, count: 32 - number.count) + number
            }
            guard reader.isAtEnd else { throw PacketReader.broken }
            numbers = both
        } catch {
            throw OpenPGPError(
                .badSignature, "The signature is not one that holdfast makes.", remedy: SignerKey.verifyRemedy)
        }
    }

    private static func subpackets(_ area: [UInt8]) throws -> [Subpacket] {
        var reader = PacketReader(area)
        var subpackets: [Subpacket] = []
        while !reader.isAtEnd {
            let body = try reader.take(try reader.newLength())
            guard let type = body.first else { throw PacketReader.broken }
            subpackets.append(
                Subpacket(type: type & 0x7f, isCritical: type & 0x80 != 0, body: Array(body.dropFirst())))
        }
        return subpackets
    }
}
