import Machine
import Settings
import Testing

@Suite struct NotifySettingsTests {
    private func parse(_ entries: String...) throws -> [Settings.Channel] {
        let list = entries.map { "  - \($0)\n" }.joined()
        return try Settings.parse("backup: { directory: /b }\nnotify:\n" + list, file: "h.yml").notify
    }

    @Test func readsEveryKind() throws {
        let channels = try parse(
            "{ email: [admin@inlock.ai, b@c.example], smtp: \"smtp://mail.example:587\", user: me, password_file: /etc/pw, "
                + "from: h@inlock.ai, ca_file: /etc/ca.pem }",
            "{ email: d@e.example, smtp: \"smtps://[::1]\", tls: required }",
            "{ email: f@g.example, smtp: \"smtp://localhost:25\", tls: none }",
            "{ slack: ops, url_file: /etc/slack }", "{ discord: chat, url_env: DISCORD }",
            "{ pagerduty: on-call, key_file: /etc/pd }",
            "{ pagerduty: eu, key_env: PD, url: \"https://events.eu.pagerduty.com/v2/enqueue\" }",
            "{ webhook: app, url: \"https://app.example/hook\", token_file: /etc/token }",
            "{ ntfy: phone, url_file: /etc/ntfy, token_env: NTFY }", "{ heartbeat: \"https://hc.example/ping/1\" }",
            "{ heartbeat: second, url_file: /etc/hc }")
        let expected: [Settings.Channel] = [
            .init(
                name: "admin@inlock.ai, b@c.example",
                kind: .email(
                    .init(
                        addresses: ["admin@inlock.ai", "b@c.example"],
                        server: .init(host: "mail.example", port: 587, isImplicitTLS: false), user: "me",
                        password: .file("/etc/pw"), from: "h@inlock.ai", authorities: "/etc/ca.pem"))),
            .init(
                name: "d@e.example",
                kind: .email(
                    .init(addresses: ["d@e.example"], server: .init(host: "::1", port: 465, isImplicitTLS: true)))),
            .init(
                name: "f@g.example",
                kind: .email(
                    .init(
                        addresses: ["f@g.example"], server: .init(host: "localhost", port: 25, isImplicitTLS: false),
                        requiresTLS: false))),
            .init(name: "ops", kind: .slack(url: .file("/etc/slack"))),
            .init(name: "chat", kind: .discord(url: .environment("DISCORD"))),
            .init(name: "on-call", kind: .pagerduty(key: .file("/etc/pd"), url: nil)),
            .init(
                name: "eu",
                kind: .pagerduty(key: .environment("PD"), url: "https://events.eu.pagerduty.com/v2/enqueue")),
            .init(
                name: "app",
                kind: .webhook(url: .inline(Redacted("https://app.example/hook")), token: .file("/etc/token"))),
            .init(name: "phone", kind: .ntfy(url: .file("/etc/ntfy"), token: .environment("NTFY"))),
            .init(name: "heartbeat", kind: .heartbeat(url: .inline(Redacted("https://hc.example/ping/1")))),
            .init(name: "second", kind: .heartbeat(url: .file("/etc/hc"))),
        ]
        #expect(channels == expected)
        #expect(!"\(channels)".contains("app.example/hook") && !"\(channels)".contains("ping/1"))
    }

    @Test(
        arguments: [
            ("smtp://h", 587, false), ("smtp://h:25", 25, false), ("smtp://h:465", 465, true), ("smtps://h", 465, true),
            ("smtps://h:2465", 2465, true), ("smtp://[fe80::1]:26/", 26, false),
        ] as [(String, UInt16, Bool)])
    func port465MeansTLS(url: String, port: UInt16, isTLS: Bool) throws {
        let channel = try #require(try parse("{ email: a@b.c, smtp: \"\(url)\" }").first)
        guard case .email(let email) = channel.kind else { return }
        #expect(email.server.port == port && email.server.isImplicitTLS == isTLS)
    }

    @Test(arguments: entries)
    func saysWhatIsWrong(entry: BadEntry) throws {
        let error = #expect(throws: SettingsError.self) { try parse(entry.text) }
        #expect(error?.problems.count == 1, "\(String(describing: error))")
        #expect(error?.code == "settings.\(entry.code)")
        #expect(error?.place?.hasPrefix("h.yml:3:") == true && error?.remedy?.isEmpty == false)
        #expect(error?.description.contains(entry.words) == true, "\(String(describing: error))")
        for secret in ["SECRET", "hunter2"] { #expect(error?.description.contains(secret) == false) }
    }

    @Test(arguments: [
        ["{ slack: a, url_file: /a }", "{ discord: a, url_file: /a }"],
        ["{ heartbeat: \"https://a/1\" }", "{ heartbeat: \"https://a/2\" }"],
        ["{ email: a@b.c, smtp: \"smtp://h\" }", "{ email: [d@e.f, a@b.c], smtp: \"smtp://h\" }"],
    ])
    func noNameTwice(entries: [String]) throws {
        let error = #expect(throws: SettingsError.self) { try parse(entries[0], entries[1]) }
        #expect(error?.description.contains("is already the name of another channel, in line 3") == true)
    }

    struct BadEntry: Sendable, CustomTestStringConvertible {
        let text: String
        let code: String
        let words: String

        init(_ text: String, _ code: String, _ words: String) {
            (self.text, self.code, self.words) = (text, code, words)
        }

        var testDescription: String { text }
    }

    static let entries = [
        BadEntry("{}", "missing-key", "does not say how to tell anybody"),
        BadEntry("{ slack: , url_file: /a }", "missing-key", "leaves the name empty"),
        BadEntry("{ slack: ops }", "missing-key", "does not say where its URL is"),
        BadEntry("{ slack: ops, url: \"https://hooks/SECRET\" }", "conflict", "whoever knows it can speak"),
        BadEntry("{ slack: \"https://hooks/SECRET\", url_file: /a }", "bad-value", "does not go into this file"),
        BadEntry("{ discord: \"a b\", url_file: /a }", "bad-value", "is not a name"),
        BadEntry("{ slack: ops, url_file: SECRET }", "bad-value", "has to be an absolute path"),
        BadEntry("{ slack: ops, url_env: \"$SECRET\" }", "bad-value", "is not the name of a variable"),
        BadEntry("{ slack: ops, url_file: /a, url_env: A }", "conflict", "both say where the secret is"),
        BadEntry("{ slack: ops, discord: ops, url_file: /a }", "conflict", "stand in one entry"),
        BadEntry("{ slack: ops, url_file: /a, token_file: /b }", "conflict", "does not go with `slack`"),
        BadEntry("{ pagerduty: p }", "missing-key", "does not say where its key is"),
        BadEntry("{ webhook: w, url: \"ftp://SECRET\" }", "bad-value", "is not an http or https URL"),
        BadEntry("{ webhook: w, url: \"https://a\", url_file: /a }", "conflict", "both say what the URL is"),
        BadEntry("{ heartbeat: \"https://\" }", "bad-value", "is not an http or https URL"),
        BadEntry("{ heartbeat: \"https://a/SECRET\", url_file: /a }", "conflict", "stands beside a URL"),
        BadEntry("{ heartbeat: name }", "missing-key", "does not say where its URL is"),
        BadEntry("{ email: nobody, smtp: \"smtp://h\" }", "bad-value", "is not an e-mail address"),
        BadEntry("{ email: \"ä@b.c\", smtp: \"smtp://h\" }", "bad-value", "is not an e-mail address"),
        BadEntry("{ email: [], smtp: \"smtp://h\" }", "bad-value", "names nobody"),
        BadEntry("{ email: [a@b.c, a@b.c], smtp: \"smtp://h\" }", "bad-value", "names an address twice"),
        BadEntry("{ email: a@b.c }", "missing-key", "smtp"),
        BadEntry("{ email: a@b.c, smtp: \"mail.example:25\" }", "bad-value", "does not begin with `smtp://`"),
        BadEntry("{ email: a@b.c, smtp: \"smtp://u:hunter2@h\" }", "bad-value", "holds a user or a password"),
        BadEntry("{ email: a@b.c, smtp: \"smtp://h:99999\" }", "bad-value", "has a port that is no number"),
        BadEntry("{ email: a@b.c, smtp: \"smtp://h/path\" }", "bad-value", "goes on after the port"),
        BadEntry("{ email: a@b.c, smtp: \"smtp://h\", user: u }", "missing-key", "has no password"),
        BadEntry("{ email: a@b.c, smtp: \"smtp://h\", password_file: /p }", "missing-key", "without a `user`"),
        BadEntry("{ email: a@b.c, smtp: \"smtp://h\", tls: maybe }", "bad-value", "`maybe` is not known"),
        BadEntry(
            "{ email: a@b.c, smtp: \"smtp://h\", tls: none, user: u, password_file: /p }", "conflict",
            "for everybody to read"),
        BadEntry("{ email: a@b.c, smtp: \"smtps://h\", tls: none }", "conflict", "stands beside a server with TLS"),
    ]
}
