import Alerting
import FoundationEssentials
import Machine
import Settings
import TestKit
import Testing

/// Mail through a real server, read by somebody else's parser.
@Suite(.enabled(if: MailServer.isAvailable, Comment(rawValue: MailServer.howToGetOne)))
struct EmailTests {
    @Test func isWellFormedAndSaysItTwice() async throws {
        try await withMailServer { server in
            let sent = notice {
                $0.title =
                    "Sicherung fehlgeschlagen: 1 von 4 – „n8n“, und der Rest dieser Zeile ist mit Absicht sehr, sehr lang"
                $0.wrong[0].text =
                    "<b>tar</b>: Größe & 'Ende' = \"0\"\n.\n..\nFrom here   \n\u{1F9E8}\u{301}<\u{301}script>"
            }
            let answer = try await channel(server).attempt(sent)
            #expect(answer == .delivered("250 2.0.0 kept as 1"))
            let mail = try await server.message(1)
            #expect(mail["defects"].all == [], "\(mail)")
            #expect(mail["kinds"].all.map(\.string) == ["multipart/alternative", "text/plain", "text/html"])
            #expect(mail["ascii"].bool == true && mail["bare"].int == 0 && (mail["longest"].int ?? 999) <= 78)
            let headers = mail["headers"]
            #expect(headers["subject"].string == sent.title)
            #expect(headers["from"].string == "Holdfast on inlock <watch@tests.example>")
            #expect(headers["to"].string == "admin@inlock.ai")
            #expect(headers["date"].string == "Sun, 22 Nov 2026 02:00:00 +0000")
            #expect(headers["auto-submitted"].string == "auto-generated")
            #expect(headers["message-id"].string?.hasSuffix("@inlock>") == true)
            let text = try #require(mail["text"].string)
            for line in sent.wrong[0].text.split(separator: "\n") { #expect(text.contains(line), "\(line)") }
            for words in [sent.summary, "holdfast backup volumes n8n_data", "2026-11-21 01:00 UTC", "volume.web_data"] {
                #expect(text.contains(words) && mail["html"].string?.contains(words) == true, "\(words)")
            }
            let html = try #require(mail["html"].string)
            #expect(html.contains("&lt;b&gt;tar&lt;/b&gt;: Größe &amp; &#39;Ende&#39; = &quot;0&quot;"))
            #expect(!html.unicodeScalars.contains("<" as Unicode.Scalar, before: "\u{301}"))
            let envelope = try #require(try server.envelopes().first)
            #expect(envelope["tls"].bool == true && envelope["authenticated"].bool == true)
            #expect(envelope["from"].string == "watch@tests.example")
            #expect(envelope["to"].all.map(\.string) == ["admin@inlock.ai"])
        }
    }

    @Test func aHugeOneArrivesWhole() async throws {
        try await withMailServer { server in
            _ = try await channel(server).attempt(hugeNotice())
            let mail = try await server.message(1)
            #expect(mail["defects"].all == [])
            #expect((mail["longest"].int ?? 999) <= 78)
            #expect(mail["text"].string?.contains("volume.59") == true)
        }
    }

    @Test func theSameNoticeIsTheSameMail() async throws {
        try await withMailServer { server in
            for _ in 0..<2 { _ = try await channel(server).attempt(notice()) }
            #expect(contents(of: "\(server.folder)/1.eml") == contents(of: "\(server.folder)/2.eml"))
        }
    }

    @Test(arguments: ["PLAIN", "LOGIN", "CRAM-MD5"])
    func logsInInEveryWay(mechanism: String) async throws {
        try await withMailServer("--mechanism", mechanism) { server in
            let answer = try await channel(server).attempt(notice())
            guard case .delivered = answer else { throw TestFailure("\(answer)") }
            #expect(try server.envelopes().first?["authenticated"].bool == true)
        }
    }

    @Test func speaksTLSFromTheFirstByte() async throws {
        try await withMailServer("--implicit") { server in
            let answer = try await channel(server) { $0.server.isImplicitTLS = true }.attempt(notice())
            guard case .delivered = answer else { throw TestFailure("\(answer)") }
            #expect(try server.envelopes().first?["tls"].bool == true)
        }
    }

    @Test func aServerWithoutSTARTTLSGetsNothing() async throws {
        try await withMailServer("--plain") { server in
            let answer = try await channel(server).attempt(notice())
            guard case .later(_, let words) = answer else { throw TestFailure("\(answer)") }
            #expect(words.contains("offers no encryption") && words.contains("smtp://127.0.0.1:\(server.port)"))
            #expect(try server.envelopes() == [])
        }
    }

    @Test func withoutTLSOnlyWhereItIsToldTo() async throws {
        try await withMailServer("--plain") { server in
            let open = try channel(server) { ($0.requiresTLS, $0.user, $0.password) = (false, nil, nil) }
            #expect(try await open.attempt(notice()) == .delivered("250 2.0.0 kept as 1"))
            #expect(try server.envelopes().first?["from"].string == "holdfast@inlock")
            // Not even if somebody made such settings: a password goes nowhere without encryption.
            let answer = try await channel(server) { $0.requiresTLS = false }.attempt(notice())
            guard case .later(_, let words) = answer else { throw TestFailure("\(answer)") }
            #expect(words.contains("not sent without encryption"))
        }
    }

    @Test func aCertificateThatNobodyKnowsIsNotTrusted() async throws {
        try await withMailServer { server in
            let answer = try await channel(server) { $0.authorities = nil }.attempt(notice())
            guard case .later(_, let words) = answer else { throw TestFailure("\(answer)") }
            #expect(words.contains("not trusted") && words.contains("smtp://127.0.0.1:\(server.port)"))
            #expect(try server.envelopes() == [])
        }
    }

    @Test func aWrongPasswordIsSaidInTheServersWords() async throws {
        try await withMailServer { server in
            let answer = try await channel(server, password: "wrong-4711").attempt(notice())
            guard case .refused(let words) = answer else { throw TestFailure("\(answer)") }
            #expect(words.contains("535") && words.contains("user and password") && !words.contains("wrong-4711"))
        }
    }

    @Test func greylistingMeansLaterAndThenItArrives() async throws {
        try await withMailServer("--answer", "451 4.7.1 greylisted, come back") { server in
            let channel = try channel(server)
            let answer = try await channel.attempt(notice())
            guard case .later(nil, let words) = answer else { throw TestFailure("\(answer)") }
            #expect(words.contains("451 4.7.1 greylisted, come back"))
            #expect(try await channel.attempt(notice()) == .delivered("250 2.0.0 kept as 1"))
        }
    }

    @Test func anUnknownAddressMeansNever() async throws {
        try await withMailServer("--answer", "550 5.1.1 no such user here") { server in
            let answer = try await channel(server).attempt(notice())
            guard case .refused(let words) = answer else { throw TestFailure("\(answer)") }
            #expect(words.contains("550 5.1.1 no such user here") && words.contains("smtp://127.0.0.1:\(server.port)"))
        }
    }

    /// What a server says is shown on one line, acts on no terminal, and never holds the password.
    @Test func aServersWordsAreHarmless() async throws {
        let wire = Data("\0\(MailServer.user)\0\(MailServer.password)".utf8).base64EncodedString()
        try await withMailServer(
            "--answer", "550 5.7.1 \u{1B}[31mred; \(MailServer.password) \(wire)", "--answer",
            "550 " + String(repeating: "x", count: 450) + "\r\n550 " + String(repeating: "y", count: 450)
        ) { server in
            let channel = try channel(server)
            let answer = try await channel.attempt(notice())
            guard case .refused(let words) = answer else { throw TestFailure("\(answer)") }
            #expect(words.contains("\\x1b[31mred") && !words.contains("\u{1B}"), "\(words)")
            #expect(!words.contains(MailServer.password) && !words.contains(wire))
            #expect(try await channel.attempt(notice()).words.utf8.count < 700)
        }
    }

    @Test func nobodyThereMeansLater() async throws {
        let email = Settings.Email(
            addresses: ["a@b.example"], server: .init(host: "127.0.0.1", port: 9, isImplicitTLS: false))
        let answer = try await AlertingTests.channel(.email(email)).attempt(notice())
        guard case .later(_, let words) = answer else { throw TestFailure("\(answer)") }
        #expect(words.contains("smtp://127.0.0.1:9"))
    }

    /// What answers may be anything: a web server, or a stranger.
    @Test func anotherProtocolMeansLater() async throws {
        try await withHookServer { server in
            let email = Settings.Email(
                addresses: ["a@b.example"],
                server: .init(host: "127.0.0.1", port: UInt16(server.port), isImplicitTLS: true))
            let answer = try await AlertingTests.channel(.email(email)).attempt(notice())
            guard case .later = answer else { throw TestFailure("\(answer)") }
        }
    }

    private func channel(
        _ server: MailServer, password: String = MailServer.password,
        _ change: (inout Settings.Email) -> Void = { _ in }
    ) throws -> any Channel {
        var email = Settings.Email(
            addresses: ["admin@inlock.ai"],
            server: .init(host: "127.0.0.1", port: UInt16(server.port), isImplicitTLS: false), user: MailServer.user,
            password: .inline(Redacted(password)), from: nil, authorities: server.authority)
        email.from = "watch@tests.example"
        change(&email)
        if email.user == nil { email.from = nil }
        return try AlertingTests.channel(.email(email))
    }
}

extension String.UnicodeScalarView {
    /// Whether `one` stands right before `other` anywhere.
    fileprivate func contains(_ one: Unicode.Scalar, before other: Unicode.Scalar) -> Bool {
        zip(self, dropFirst()).contains { $0 == one && $1 == other }
    }
}
