internal import Machine

/// Takes small OpenPGP packets off an array that has all of them: keys and signatures (RFC 9580, 4.2).
struct PacketReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    struct Packet {
        let tag: UInt8
        let body: [UInt8]
    }

    static let broken = OpenPGPError(
        .notAKey, "There is no whole OpenPGP key in it.", remedy: "Give back what `holdfast init` wrote there.")

    var isAtEnd: Bool { position == bytes.count }

    /// The next packet; nil at the end.
    ///
    /// - Throws: `openpgp.not-a-key` for anything else, also a length that is not known beforehand.
    mutating func next() throws -> Packet? {
        guard !isAtEnd else { return nil }
        let octet = try take(1)[0]
        guard octet & 0x80 != 0 else { throw Self.broken }
        if octet & 0x40 != 0 { return Packet(tag: octet & 0x3f, body: try take(try newLength())) }
        guard octet & 3 != 3 else { throw Self.broken }
        let length = Int(try take(1 << Int(octet & 3)).number)
        return Packet(tag: octet >> 2 & 0x0f, body: try take(length))
    }

    /// A length in the new form, as subpackets have it too.
    mutating func newLength() throws -> Int {
        let first = Int(try take(1)[0])
        switch first {
        case ..<192: return first
        case ..<224: return (first - 192) << 8 + Int(try take(1)[0]) + 192
        case 255: return Int(try take(4).number)
        default: throw Self.broken
        }
    }

    /// A number: its length in bits, then its octets, without zeros in front.
    mutating func number(upTo most: Int) throws -> [UInt8] {
        let bits = Int(try take(2).number)
        let octets = try take((bits + 7) / 8)
        guard octets.count <= most, let first = octets.first,
            first.leadingZeroBitCount == octets.count * 8 - bits
        else { throw Self.broken }
        return octets
    }

    mutating func take(_ count: Int) throws -> [UInt8] {
        guard count <= bytes.count - position else { throw Self.broken }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }
}

extension [UInt8] {
    /// Big-endian; of at most four bytes.
    var number: UInt32 { reduce(0) { $0 << 8 | UInt32($1) } }
}

/// A key file as text (RFC 9580, 6.2). Its checksum is not looked at: who relies on the key compares its fingerprint.
enum Armor {
    static let keyBegin = Array("-----BEGIN PGP PUBLIC KEY BLOCK-----".utf8)

    /// - Throws: `openpgp.not-a-key`.
    static func decode(_ file: [UInt8]) throws -> [UInt8] {
        let lines = String(decoding: file, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard let begin = lines.firstIndex(where: \.isEmpty),
            let end = lines.firstIndex(where: { $0.hasPrefix("-----END PGP PUBLIC KEY BLOCK-----") }), begin < end,
            let bytes = [UInt8](base64: lines[begin..<end].filter { !$0.hasPrefix("=") }.joined().utf8)
        else { throw PacketReader.broken }
        return bytes
    }
}
