package import Machine

/// Hands mail to a server by SMTP, through libcurl. No proxy counts.
package struct MailClient: Sendable {
    /// A name or an address; IPv6 without brackets.
    package let host: String
    package let port: UInt16
    /// How the connection is encrypted.
    package let encryption: Encryption
    /// Who we say that we are; nil: nobody.
    package let login: Login?
    /// A file of certificate authorities to trust instead of the machine's.
    package let authorities: String?
    /// From the first look-up to the last answer.
    package let timeout: Duration

    /// How a connection is encrypted.
    package enum Encryption: Sendable {
        /// From its first byte.
        case implicit
        /// By STARTTLS; without it nothing is sent.
        case startTLS
        /// Not at all; there can be no login then.
        case none
    }

    /// A user and a password.
    package struct Login: Sendable {
        package let user: String
        package let password: Redacted

        package init(user: String, password: Redacted) {
            self.user = user
            self.password = password
        }
    }

    package init(
        host: String, port: UInt16, encryption: Encryption, login: Login? = nil, authorities: String? = nil,
        timeout: Duration = .seconds(60)
    ) {
        self.host = host
        self.port = port
        self.encryption = encryption
        self.login = login
        self.authorities = authorities
        self.timeout = timeout
    }

    /// `smtp://mail.example:587`, for libcurl and for messages.
    var url: String {
        let scheme = if case .implicit = encryption { "smtps" } else { "smtp" }
        return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    /// Sends one message.
    ///
    /// - Returns: the server's own words.
    /// - Throws: ``HTTPError``, of kind `rejected` when the server refuses, with its words; ``Interrupted``, after which
    ///   nobody knows whether it was sent.
    package func send(_ mail: Mail) async throws -> String {
        if Task.isCancelled { throw Interrupted() }
        return try await onThread("mail") { signal in
            try MailTransfer(mail, through: self).run(signal)
        }
    }
}
