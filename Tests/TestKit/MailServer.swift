import Glibc
import Machine

/// A mail server with STARTTLS and AUTH (`Tests/Real/mail-server.py`, over Debian's aiosmtpd).
///
///     @Suite(.enabled(if: MailServer.isAvailable, Comment(rawValue: MailServer.howToGetOne)))
package struct MailServer: Sendable {
    /// Where messages lie.
    package let folder: String
    package let port: Int

    /// Its user, whose password ``password`` is.
    package static let user = "watch"
    package static let password = "correct-horse-battery-4711"

    /// Whether tests that need one are to be run. Under CI always, so that one that is missing fails them.
    package static var isAvailable: Bool {
        access("/usr/lib/python3/dist-packages/aiosmtpd", F_OK) == 0
            || getenv("CI").map { String(cString: $0) } == "true"
    }

    /// Why tests were skipped, or failed.
    package static let howToGetOne = "needs Debian's python3-aiosmtpd (Tests/Real/packages.sh test)"

    /// The authority of its certificate, which nobody else knows; and its password in a file.
    package var authority: String { "\(folder)/cert.pem" }
    package var passwordFile: String { "\(folder)/password" }

    /// What came so far: `from`, `to`, `tls`, `authenticated`.
    package func envelopes() throws -> [JSONValue] { try records(in: folder) }

    /// A message as an independent reader (Python's `email`) understands it: `headers`, `defects`, and the `text` and
    /// `html` of its parts.
    package func message(_ number: Int) async throws -> JSONValue {
        let script = """
            import email, email.policy, json, sys
            raw = open(sys.argv[1], "rb").read()
            message = email.message_from_bytes(raw, policy=email.policy.default)
            parts = {p.get_content_subtype(): p for p in message.walk() if not p.is_multipart()}
            defects = [str(d) for p in message.walk() for d in p.defects]
            defects += [str(d) for h in message.values() for d in h.defects]
            print(json.dumps({
                "headers": {k.lower(): str(v) for k, v in message.items()}, "defects": defects,
                "type": message.get_content_type(), "kinds": [p.get_content_type() for p in message.walk()],
                "text": parts["plain"].get_content(), "html": parts["html"].get_content(),
                "longest": max(len(line) for line in raw.split(b"\\r\\n")),
                "bare": raw.replace(b"\\r\\n", b"").count(b"\\n") + raw.replace(b"\\r\\n", b"").count(b"\\r"),
                "ascii": raw.isascii()}))
            """
        let outcome = try await CommandRunner().run(["/usr/bin/python3", "-c", script, "\(folder)/\(number).eml"])
        guard outcome.status == 0 else { throw TestKitError(description: "no mail: \(outcome)") }
        return try outcome.json()
    }
}

/// Runs `body` beside such a server.
///
/// - Parameter options: see the script.
package func withMailServer<Result>(
    _ options: String..., isolation: isolated (any Actor)? = #isolation, _ body: (MailServer) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { folder in
        let home = try Descriptor.folder(folder)
        try home.publish("password", Array((MailServer.password + "\n").utf8))
        let made = try await CommandRunner().run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=tests", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(folder)/key.pem", "-out",
            "\(folder)/cert.pem",
        ])
        guard made.status == 0 else { throw TestKitError(description: "no certificate: \(made)") }
        return try await withPythonServer("mail-server.py", folder, options) { port in
            try await body(MailServer(folder: folder, port: port))
        }
    }
}
