internal import Machine

/// The full fingerprint of an OpenPGP key or subkey: the only name by which a key is used here.
package struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    /// 40 upper-case hexadecimal digits.
    package let description: String

    /// Reads 40 hexadecimal digits of either case, with or without spaces and a leading `0x`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        var digits = String(text.filter { $0 != " " }).uppercased()
        if digits.hasPrefix("0X") { digits.removeFirst(2) }
        guard digits.utf8.count == 40, isHexadecimal(digits) else { return nil }
        description = digits
    }

    /// The last 16 digits, as packets name a (sub)key.
    package var keyID: KeyID { KeyID(digits: String(description.suffix(16))) }

    /// For people, where the whole would be in the way: `75CA B6B0 91EF AA75`.
    package var short: String { groups(of: description.suffix(16)) }

    /// For people who compare: ten groups of four digits.
    package var grouped: String { groups(of: description[...]) }
}

/// The 64 bits by which a packet names the (sub)key that it is encrypted to. Not unique by design: only a label.
package struct KeyID: Hashable, Sendable, CustomStringConvertible {
    /// 16 upper-case hexadecimal digits.
    package let description: String

    /// Reads 16 hexadecimal digits of either case; nil for anything else.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 16, isHexadecimal(text) else { return nil }
        description = text.uppercased()
    }

    init(_ bytes: some Sequence<UInt8>) { description = Array(bytes).hex.uppercased() }
    fileprivate init(digits: String) { description = digits }

    /// Whether the packet hides for whom it is (`gpg --hidden-recipient`): 16 zeros.
    package var isHidden: Bool { description.utf8.allSatisfy { $0 == UInt8(ascii: "0") } }
}

func isHexadecimal(_ text: some StringProtocol) -> Bool {
    !text.isEmpty
        && text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "F"),
                UInt8(ascii: "a")...UInt8(ascii: "f"):
                true
            default: false
            }
        }
}

private func groups(of digits: Substring) -> String {
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, index.isMultiple(of: 4) { text += " " }
        text.append(digit)
    }
    return text
}
