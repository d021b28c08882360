import Machine

/// A notice as mail (RFC 5322, 2045–2047): the same in text and in HTML. The same notice gives the same bytes, so that one
/// that is sent twice can be recognised by its Message-ID.
struct EmailMessage {
    let sender: String
    let recipient: String
    let bytes: [UInt8]

    init(_ notice: Notice, from sender: String, to recipient: String) {
        self.sender = sender
        self.recipient = recipient
        let mark = Digest.of(Array("\(notice.host) \(notice.id) \(recipient)".utf8)).description.prefix(32)
        // `=_` stands in no text that is quoted-printable.
        let boundary = "=_holdfast_\(mark)"
        var lines = [
            "Date: \(notice.moment.format("%a, %d %b %Y %H:%M:%S +0000"))",
            "From: \(Self.phrase("Holdfast on \(notice.host)".cut(to: 100)))<\(sender)>",
            "To: <\(recipient)>",
            "Subject: \(EncodedWords.text(notice.title.cut(to: 250), separator: "\r\n ", limit: 60))",
            "Message-ID: <\(mark)@\(Self.domain(of: notice.host))>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: multipart/alternative;",
            " boundary=\"\(boundary)\"",
            "",
        ]
        for (type, body) in [("plain", "\(notice.title)\n\n\(notice.plainText)"), ("html", EmailPage.html(of: notice))]
        {
            lines += [
                "--\(boundary)",
                "Content-Type: text/\(type); charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
                "",
            ]
            lines += QuotedPrintable.lines(body)
        }
        lines += ["--\(boundary)--", ""]
        bytes = Array(lines.joined(separator: "\r\n").utf8)
    }

    /// What may stand after the `@`, made of a machine's name.
    static func domain(of host: String) -> String {
        let parts = host.split(separator: ".").map { part in
            String(part.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        }.filter { !$0.isEmpty }
        return parts.isEmpty ? "localhost" : String(parts.joined(separator: ".").prefix(40))
    }

    /// A name in front of an address, with the blank between them.
    private static func phrase(_ text: String) -> String {
        let words = EncodedWords.text(text, separator: "\r\n ", limit: 60)
        guard words == text else { return words + "\r\n " }
        let isPlain = text.utf8.allSatisfy { $0 == 32 || $0 == UInt8(ascii: "-") || isAlphanumeric($0) }
        if isPlain { return text + " " }
        let escaped = text.map { "\"\\".contains($0) ? "\\\($0)" : String($0) }.joined()
        return "\"\(escaped)\" "
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
            || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }
}
