extension Settings {
    /// What `smtp://host:port` says.
    package struct MailServer: Equatable, Sendable {
        /// A name or an address, an IPv6 one without brackets.
        package var host: String
        package var port: UInt16
        /// Whether the connection is encrypted from its first byte, not by STARTTLS.
        package var isImplicitTLS: Bool

        /// Puts a server together from valid parts.
        package init(host: String, port: UInt16, isImplicitTLS: Bool) {
            self.host = host
            self.port = port
            self.isImplicitTLS = isImplicitTLS
        }

        /// Why a text is no such URL: the rest of a sentence that begins with its key. Nothing of the text stands in it, for
        /// any of it may be a password.
        struct Fault: Error, Equatable {
            let complaint: String
            let remedy: String

            init(_ complaint: String, _ remedy: String = "Write `smtp://HOST:587` or `smtps://HOST`.") {
                self.complaint = complaint
                self.remedy = remedy
            }
        }

        /// Reads a URL. Port 465 means TLS from the first byte, whatever the scheme.
        init(url text: String) throws(Fault) {
            let schemes = ["smtp://": false, "smtps://": true]
            guard let (scheme, isTLS) = schemes.first(where: { text.hasPrefix($0.key) }) else {
                throw Fault("does not begin with `smtp://` or `smtps://`.")
            }
            var place = text.dropFirst(scheme.count)
            if place.hasSuffix("/") { place = place.dropLast() }
            guard !place.contains("@") else {
                throw Fault(
                    "holds a user or a password.",
                    "Take them out of the URL: `user: …`, and `password_file: /…` with the password alone in it.")
            }
            guard !place.contains(where: { "/?#".contains($0) }) else { throw Fault("goes on after the port.") }
            let host: Substring
            let port: Substring?
            if place.hasPrefix("["), let end = place.firstIndex(of: "]") {
                host = place[place.index(after: place.startIndex)..<end]
                let rest = place[place.index(after: end)...]
                guard rest.isEmpty || rest.hasPrefix(":") else { throw Fault("goes on after the address in brackets.") }
                port = rest.isEmpty ? nil : rest.dropFirst()
            } else {
                let parts = place.split(separator: ":", omittingEmptySubsequences: false)
                guard parts.count <= 2 else {
                    throw Fault("has an address with several colons.", "Put an IPv6 address in brackets: `[::1]`.")
                }
                host = parts[0]
                port = parts.count == 2 ? parts[1] : nil
            }
            let fits = host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".:-_%".contains($0)) }
            guard fits, !host.isEmpty, host.utf8.count <= 253 else { throw Fault("has a host that can be none.") }
            if let port {
                guard let number = UInt16(port), number > 0 else {
                    throw Fault("has a port that is no number from 1 to 65535.")
                }
                self.port = number
            } else {
                self.port = isTLS ? 465 : 587
            }
            self.host = String(host)
            isImplicitTLS = isTLS || self.port == 465
        }
    }
}
