import Machine
import OpenPGP
import TestKit
import Testing

/// Packets put together by hand.
enum Packets {
    /// New format, with the shortest length that fits, or a five-octet one.
    static func new(_ tag: UInt8, _ body: [UInt8], longLength: Bool = false) -> [UInt8] {
        let count = body.count
        let length: [UInt8] =
            if longLength || count >= 8384 {
                [255, UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
            } else if count >= 192 {
                [UInt8((count - 192) >> 8 + 192), UInt8((count - 192) & 255)]
            } else {
                [UInt8(count)]
            }
        return [0xc0 | tag] + length + body
    }

    /// New format in parts of 512 bytes.
    static func partial(_ tag: UInt8, _ body: [UInt8]) -> [UInt8] {
        var packet: [UInt8] = [0xc0 | tag]
        var rest = body[...]
        while rest.count > 512 {
            packet += [0xe9] + rest.prefix(512)
            rest = rest.dropFirst(512)
        }
        return packet + new(0, Array(rest)).dropFirst()
    }

    /// Old format; `kind` 0, 1, 2 for one, two, four octets of length, 3 for none.
    static func old(_ tag: UInt8, _ body: [UInt8], kind: UInt8) -> [UInt8] {
        let octets = kind == 3 ? 0 : 1 << Int(kind)
        let length = (0..<octets).reversed().map { UInt8(body.count >> ($0 * 8) & 255) }
        return [0x80 | tag << 2 | kind] + length + body
    }

    static func sessionKey(_ id: UInt64, version: UInt8 = 3) -> [UInt8] {
        [version] + (0..<8).reversed().map { UInt8(id >> ($0 * 8) & 255) } + [18] + random(90, seed: id)
    }

    static let mdc: [UInt8] = [1] + random(1000, seed: 1)
    static let aead: [UInt8] = [2, 9, 2, 16] + random(1000, seed: 2)
    static let tag20: [UInt8] = [1, 9, 2, 16] + random(1000, seed: 3)
}

func inspect(_ bytes: [UInt8], pieces: Int = .max) throws -> Envelope {
    var inspector = PacketInspector()
    for start in stride(from: 0, to: bytes.count, by: min(pieces, max(1, bytes.count))) {
        try inspector.take(Array(bytes[start..<min(bytes.count, start + min(pieces, bytes.count))]))
    }
    return try inspector.finish()
}

func inspectionError(_ bytes: [UInt8]) -> OpenPGPError.Kind? {
    do {
        _ = try inspect(bytes)
        return nil
    } catch { return (error as? OpenPGPError)?.kind }
}

@Suite struct PacketInspectorTests {
    private let one = Packets.new(1, Packets.sessionKey(0x0102_0304_0506_0708))
    private let two = Packets.old(1, Packets.sessionKey(0xA6DF_6EF2_3E7C_0879), kind: 1)

    @Test func allFormsOfPacketsAreRead() throws {
        let ids = try [#require(KeyID("0102030405060708")), #require(KeyID("A6DF6EF23E7C0879"))]
        let forms: [(String, [UInt8], Envelope.Integrity, Bool)] = [
            ("new", Packets.new(18, Packets.mdc), .mdc, true),
            ("new, five octets", Packets.new(18, Packets.mdc, longLength: true), .mdc, true),
            ("new, partial", Packets.partial(18, Packets.mdc), .mdc, true),
            ("new, long", Packets.new(18, [1] + random(100_000, seed: 9)), .mdc, true),
            ("version 2", Packets.partial(18, Packets.aead), .aead, true),
            ("tag 20", Packets.partial(20, Packets.tag20), .aead, true),
            ("tag 20, whole", Packets.new(20, Packets.tag20), .aead, true),
        ]
        for (name, data, integrity, isKnown) in forms {
            let message = one + two + Packets.new(10, Array("PGP".utf8)) + data
            let envelope = try inspect(message)
            #expect(envelope.recipients == ids, "\(name)")
            #expect(envelope.integrity == integrity, "\(name)")
            #expect(envelope.lengthIsKnown == isKnown, "\(name)")
            #expect(envelope.length == message.count, "\(name)")
            #expect(envelope.passphrases == 0)
            for pieces in [1, 2, 3, 7, 512, 1000] { #expect(try inspect(message, pieces: pieces) == envelope) }
            try envelope.requireRecipients(ids.reversed())
        }
    }

    /// Old-format packets: one, two and four octets of length are tag 0…15 only, so their data packet is the obsolete one; an
    /// old-format packet cannot even name tag 18.
    @Test func oldFormatSessionKeysAreRead() throws {
        for kind: UInt8 in 0...2 {
            let message = Packets.old(1, Packets.sessionKey(7), kind: kind) + Packets.new(18, Packets.mdc)
            #expect(try inspect(message).recipients == [try #require(KeyID("0000000000000007"))])
        }
        #expect(inspectionError(Packets.old(1, Packets.sessionKey(7), kind: 3)) == .notOpenPGP)
        #expect(inspectionError(one + Packets.old(9, Packets.mdc, kind: 3)) == .notIntegrityProtected)
    }

    @Test func whatIsNotAWholeEncryptedMessageIsNamed() throws {
        let data = Packets.new(18, Packets.mdc)
        let cases: [([UInt8], OpenPGPError.Kind)] = [
            ([], .truncated),
            (one, .truncated),
            (one + two, .truncated),
            (one + data + [0], .trailingData),
            (one + data + data, .trailingData),
            (one + data + one + data, .trailingData),
            (one + data + Packets.new(10, Array("PGP".utf8)), .trailingData),
            (one + Packets.new(9, Packets.mdc), .notIntegrityProtected),
            (Packets.new(11, Array("b hello".utf8)), .notOpenPGP),
            (Packets.new(8, [1, 2, 3]), .notOpenPGP),
            (Packets.new(2, [4] + random(100, seed: 4)), .notOpenPGP),
            (Array("hello, world".utf8), .notOpenPGP),
            (Array("hello, world, this is a longer text than the armor is".utf8), .notOpenPGP),
            ([0x1f, 0x8b, 8, 0], .notOpenPGP),
            ([0x28, 0xb5, 0x2f, 0xfd], .notOpenPGP),
            (Array("-----BEGIN PGP MESSAGE-----\n\nhF4D".utf8), .armored),
            (Array("-----BEGIN PGP PUBLIC KEY BLOCK-----\n".utf8), .notOpenPGP),
            (Packets.new(1, Packets.sessionKey(7, version: 6)) + data, .unsupported),
            (Packets.new(1, [3, 1, 2]) + data, .notOpenPGP),
            (Packets.new(1, []) + data, .notOpenPGP),
            (one + Packets.new(18, []), .unsupported),
            (one + Packets.new(18, [3] + Packets.mdc), .unsupported),
            (one + Packets.new(20, [9] + Packets.mdc), .unsupported),
            (one + Packets.new(18, [1, 2, 3]), .truncated),
            (Packets.partial(1, Packets.sessionKey(7) + random(1000, seed: 8)) + data, .notOpenPGP),
        ]
        for (index, (bytes, kind)) in cases.enumerated() { #expect(inspectionError(bytes) == kind, "case \(index)") }
        var many: [UInt8] = []
        for id in 1...1001 { many += Packets.new(1, Packets.sessionKey(UInt64(id))) }
        #expect(inspectionError(many + data) == .notOpenPGP)
    }

    /// Cut anywhere, a message is not whole.
    @Test func everyCutIsNoticed() throws {
        for data in [
            Packets.new(18, Packets.mdc), Packets.partial(18, Packets.mdc), Packets.partial(20, Packets.tag20),
            Packets.new(18, Packets.mdc, longLength: true),
        ] {
            let message = one + two + data
            for length in 0..<message.count { #expect(inspectionError(Array(message[..<length])) == .truncated) }
        }
    }

    @Test func strangersAmongTheRecipientsAreNoticed() throws {
        let ids = try [#require(KeyID("0102030405060708")), #require(KeyID("A6DF6EF23E7C0879"))]
        let data = Packets.new(18, Packets.mdc)
        let passphrase = Packets.new(3, [4, 9, 3, 8] + random(9, seed: 5))
        let cases: [([UInt8], [KeyID], Bool)] = [
            (one + two + data, ids, true),
            (two + one + data, ids, true),
            (one + two + data, [ids[0]], false),
            (one + data, ids, false),
            (one + one + data, ids, false),
            (one + one + data, [ids[0]], false),
            (one + passphrase + data, [ids[0]], false),
            (passphrase + data, [], false),
            (data, [], true),
            (Packets.new(1, Packets.sessionKey(0)) + data, [ids[0]], false),
        ]
        for (index, (message, expected, isFine)) in cases.enumerated() {
            let envelope = try inspect(message)
            if isFine {
                try envelope.requireRecipients(expected)
            } else {
                #expect(throws: OpenPGPError.self, "case \(index)") { try envelope.requireRecipients(expected) }
            }
        }
    }

    @Test func garbageNeverCrashesAndPiecesNeverMatter() throws {
        let seed: UInt64 = 20_261_122
        var chance = SeededRandom(seed: seed)
        let base = one + two + Packets.partial(18, Packets.mdc)
        for round in 0..<3000 {
            var bytes =
                round.isMultiple(of: 2) ? base : random(Int.random(in: 0...200, using: &chance), seed: chance.next())
            for _ in 0..<Int.random(in: 1...4, using: &chance) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
            }
            if let first = bytes.first, Bool.random(using: &chance) { bytes[0] = first | 0x80 }
            let whole = Result { try inspect(bytes) }
            let pieces = Result { try inspect(bytes, pieces: Int.random(in: 1...9, using: &chance)) }
            switch (whole, pieces) {
            case (.success(let one), .success(let other)): #expect(one == other, "seed \(seed), round \(round)")
            case (.failure(let one as OpenPGPError), .failure(let other as OpenPGPError)):
                #expect(one.description == other.description, "seed \(seed), round \(round)")
            default: Issue.record("seed \(seed), round \(round): \(whole) but in pieces \(pieces)")
            }
        }
    }
}
