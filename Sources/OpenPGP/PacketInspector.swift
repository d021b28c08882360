/// Reads the packets of an encrypted OpenPGP message as its bytes go by, in memory that does not grow with it.
///
/// It takes exactly: any number of session-key packets (tags 1 and 3), then one encrypted-data packet (tag 18 or 20),
/// then the end. Nothing is decrypted. See `docs/formats/openpgp.md`.
package struct PacketInspector: Sendable {
    private enum Step {
        /// The first octet of a packet.
        case tag
        /// Octets of a length, of which some are still to come.
        case length(LengthKind, missing: Int, value: Int64)
        /// A body of which so many octets are still to come; then another length, or the packet's end.
        case body(missing: Int64, isPartial: Bool)
        /// A body that goes on to the end of the file.
        case endless
    }

    /// How the length octets that follow are read.
    private enum LengthKind { case newFirst, newTwo, number }

    private var step = Step.tag
    private var tag: UInt8 = 0
    /// Of the packet at hand: its first octets, as many as are looked at.
    private var front: [UInt8] = []
    private var bodyLength: Int64 = 0
    private var length: Int64 = 0
    private var recipients: [KeyID] = []
    private var passphrases = 0
    private var integrity: Envelope.Integrity?
    private var isEndless = false
    /// Kept while nothing but text has come, to tell armor from garbage.
    private var text: [UInt8]? = []

    package init() {}

    /// Takes the next bytes, however they are cut.
    ///
    /// - Throws: as soon as it cannot be a whole message any more; the inspector is of no use then.
    package mutating func take(_ bytes: UnsafeRawBufferPointer) throws {
        var position = 0
        while position < bytes.count {
            let taken: Int
            switch step {
            case .body(let missing, let isPartial):
                taken = Int(min(missing, Int64(bytes.count - position)))
                takeBody(bytes[position..<(position + taken)])
                if missing == Int64(taken) {
                    try endBody(isPartial: isPartial)
                } else {
                    step = .body(missing: missing - Int64(taken), isPartial: isPartial)
                }
            case .endless:
                taken = bytes.count - position
                takeBody(bytes[position...])
            case .tag:
                taken = 1
                try takeTag(bytes[position])
            case .length(let kind, let missing, let value):
                taken = 1
                try takeLength(bytes[position], kind, missing: missing, value: value)
            }
            position += taken
            length += Int64(taken)
        }
    }

    /// Takes an array's bytes.
    package mutating func take(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try take($0) } }

    /// To be called at the end of the bytes.
    ///
    /// - Throws: `openpgp.truncated` if something is missing, `openpgp.not-openpgp` if it was text or nothing.
    package func finish() throws -> Envelope {
        if length == 0 { throw OpenPGPError(.truncated, "It is empty.", remedy: Self.cutRemedy) }
        if let text, !text.isEmpty { throw Self.notOpenPGP }
        var found = integrity
        switch step {
        case .tag: break
        case .endless:
            try endPacketCheck(tag, front, bodyLength)
            found = integrityOfData
        case .length, .body: throw truncated
        }
        guard let integrity = found else { throw truncated }
        return Envelope(
            recipients: recipients, passphrases: passphrases, integrity: integrity, length: length,
            dataLength: bodyLength, lengthIsKnown: !isEndless)
    }

    // MARK: Packets

    private mutating func takeTag(_ octet: UInt8) throws {
        if integrity != nil {
            throw OpenPGPError(
                .trailingData, "Something follows after the end of the message, at byte \(length).",
                remedy: "It was appended, or two archives were joined: take the file from another copy.")
        }
        if text != nil, try takeText(octet) { return }
        guard octet & 0x80 != 0 else { throw Self.notOpenPGP }
        front = []
        bodyLength = 0
        let isNew = octet & 0x40 != 0
        tag = isNew ? octet & 0x3f : octet >> 2 & 0x0f
        try checkTag()
        if isNew {
            step = .length(.newFirst, missing: 1, value: 0)
        } else if octet & 3 == 3 {
            guard isData else { throw Self.malformed("a session-key packet without a length") }
            isEndless = true
            step = .endless
        } else {
            step = .length(.number, missing: 1 << Int(octet & 3), value: 0)
        }
    }

    /// - Returns: whether the octet belongs to a text, so that no packet starts here.
    private mutating func takeText(_ octet: UInt8) throws -> Bool {
        guard var text else { return false }
        if text.isEmpty, octet & 0x80 != 0 {
            self.text = nil
            return false
        }
        text.append(octet)
        self.text = text
        guard text.count >= Self.armor.count else { return true }
        guard text.starts(with: Self.armor) else { throw Self.notOpenPGP }
        throw OpenPGPError(
            .armored, "It is an armored (text) OpenPGP message, which Holdfast never writes.",
            remedy: "Turn it into binary first: gpg --dearmor < FILE > FILE.gpg")
    }

    private static let armor = Array("-----BEGIN PGP MESSAGE".utf8)

    private var isData: Bool { tag == 18 || tag == 20 }

    private func checkTag() throws {
        switch tag {
        case 1, 3, 10, 18, 20: return
        case 9:
            throw OpenPGPError(
                .notIntegrityProtected, "It is encrypted without any protection against changes (an obsolete form).",
                remedy: "Do not restore from it unless there is nothing else; if so, decrypt it by hand with gpg.")
        case 8, 11:
            throw OpenPGPError(
                .notOpenPGP, "It is an OpenPGP message, but not an encrypted one.",
                remedy: "Anybody can read it: see how it was made.")
        default: throw Self.malformed("a packet of kind \(tag)")
        }
    }

    private mutating func takeBody(_ bytes: Slice<UnsafeRawBufferPointer>) {
        if front.count < Self.frontLength { front += bytes.prefix(Self.frontLength - front.count) }
        bodyLength += Int64(bytes.count)
    }

    private mutating func endBody(isPartial: Bool) throws {
        if isPartial {
            step = .length(.newFirst, missing: 1, value: 0)
            return
        }
        try endPacketCheck(tag, front, bodyLength)
        step = .tag
        switch tag {
        case 1: recipients.append(KeyID(front[1..<9]))
        case 3: passphrases += 1
        case 18, 20: integrity = integrityOfData
        default: break
        }
        guard recipients.count + passphrases <= Self.mostSessionKeys else {
            throw Self.malformed("more than \(Self.mostSessionKeys) recipients")
        }
    }

    /// Of the data packet at hand, once it was judged.
    private var integrityOfData: Envelope.Integrity { tag == 18 && front.first == 1 ? .mdc : .aead }

    /// Judges a whole packet by its first octets and its length.
    private func endPacketCheck(_ tag: UInt8, _ front: [UInt8], _ length: Int64) throws {
        let version = front.first ?? 0
        switch tag {
        case 1:
            // Version, key id, algorithm, and an encrypted session key.
            if version == 6 { throw Self.unsupported("for keys of version 6") }
            guard version == 2 || version == 3, length > 10 else { throw Self.malformed("a broken session-key packet") }
        case 3:
            guard (4...6).contains(version), length >= 4 else { throw Self.malformed("a broken passphrase packet") }
        case 18 where version == 1:
            // Version, a block of 8 at least and two octets repeated, the MDC packet's 22.
            guard length >= 1 + 10 + 22 else { throw truncated }
        case 18 where version == 2:
            // Version, cipher, mode, chunk size, salt, and one authentication tag at least.
            guard length >= 4 + 32 + 16 else { throw truncated }
        case 20 where version == 1:
            // Version, cipher, mode, chunk size, nonce, and one authentication tag at least.
            guard length >= 4 + 15 + 16 else { throw truncated }
        case 18, 20: throw Self.unsupported("as data of version \(version)")
        default: break
        }
    }

    /// Version, key id and algorithm of a session key: no more is looked at.
    private static let frontLength = 10
    private static let mostSessionKeys = 1000

    // MARK: Lengths

    private mutating func takeLength(_ octet: UInt8, _ kind: LengthKind, missing: Int, value: Int64) throws {
        let sum = value << 8 | Int64(octet)
        switch kind {
        case .number where missing > 1: step = .length(.number, missing: missing - 1, value: sum)
        case .number: try startBody(sum, isPartial: false)
        case .newTwo: try startBody((value - 192) << 8 + Int64(octet) + 192, isPartial: false)
        case .newFirst:
            switch octet {
            case ..<192: try startBody(Int64(octet), isPartial: false)
            case ..<224: step = .length(.newTwo, missing: 1, value: Int64(octet))
            case 255: step = .length(.number, missing: 4, value: 0)
            default:
                guard isData else { throw Self.malformed("a session-key packet in parts") }
                try startBody(1 << Int64(octet & 0x1f), isPartial: true)
            }
        }
    }

    private mutating func startBody(_ count: Int64, isPartial: Bool) throws {
        step = .body(missing: count, isPartial: isPartial)
        if count == 0 { try endBody(isPartial: isPartial) }
    }

    // MARK: Errors

    private static let cutRemedy = "It was cut: take it from another copy, or restore from another point."

    private var truncated: OpenPGPError {
        OpenPGPError(.truncated, "The message ends too early, after \(length) bytes.", remedy: Self.cutRemedy)
    }

    private static var notOpenPGP: OpenPGPError {
        OpenPGPError(
            .notOpenPGP, "It is not an OpenPGP message.",
            remedy: "See whether it is the right file; if so, it was overwritten: take it from another copy.")
    }

    private static func malformed(_ what: String) -> OpenPGPError {
        OpenPGPError(
            .notOpenPGP, "It is not an encrypted OpenPGP message as we know them: there is \(what).",
            remedy: "It was changed, or made by something else: take it from another copy.")
    }

    private static func unsupported(_ what: String) -> OpenPGPError {
        OpenPGPError(
            .unsupported, "It is encrypted \(what), which this version of Holdfast does not know.",
            remedy: "Decrypt it with the program that made it, or with a newer Holdfast.")
    }
}
