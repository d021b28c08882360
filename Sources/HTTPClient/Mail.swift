/// One message on its way to one person.
package struct Mail: Sendable {
    /// The addresses of the envelope: `name@host` alone, ASCII.
    package let sender: String
    package let recipient: String
    /// Headers and body as RFC 5322 has them, with CRLF.
    package let message: [UInt8]

    package init(from sender: String, to recipient: String, message: [UInt8]) {
        self.sender = sender
        self.recipient = recipient
        self.message = message
    }
}
