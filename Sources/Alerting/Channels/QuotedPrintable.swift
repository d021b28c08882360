/// Text as printable ASCII with short lines (RFC 2045, 6.7).
enum QuotedPrintable {
    /// The lines of the text, none longer than 76 bytes, to be joined by CRLF.
    static func lines(_ text: String) -> [String] {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).flatMap { encoded(Array($0.utf8)) }
    }

    private static func encoded(_ bytes: [UInt8]) -> [String] {
        let digits = Array("0123456789ABCDEF")
        var lines: [String] = []
        var line = ""
        for (index, byte) in bytes.enumerated() {
            let isBlank = byte == 32 || byte == 9
            let isPlain = (33..<127).contains(byte) && byte != UInt8(ascii: "=") || isBlank && index + 1 < bytes.count
            let sign =
                isPlain
                ? String(UnicodeScalar(byte)) : "=\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            if line.utf8.count + sign.utf8.count > 75 {
                lines.append(line + "=")
                line = ""
            }
            line += sign
        }
        return lines + [line]
    }
}
