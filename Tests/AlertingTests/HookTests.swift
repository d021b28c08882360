import Alerting
import Glibc
import Machine
import Settings
import TestKit
import Testing

/// The channels over HTTP, against a server that behaves as the services document.
@Suite struct HookTests {
    private static let token = "T00000000-B00000000-XXXXsecretXXXX"
    private static let services = ["slack", "discord", "pagerduty", "webhook", "ntfy"]

    /// A message of each kind, and one that is too long in every way, are taken by every service.
    @Test(arguments: services)
    func everyServiceTakesEveryMessage(service: String) async throws {
        try await withHookServer { server in
            let channel = try channel(service, server)
            for kind in Notice.Kind.allCases {
                for notice in [notice("n", kind), hugeNotice(kind), Self.bare(kind)] {
                    let answer = try await channel.attempt(notice)
                    guard case .delivered = answer else {
                        Issue.record("\(service), \(kind): \(answer)")
                        continue
                    }
                }
            }
            #expect(try server.requests().count == Notice.Kind.allCases.count * 3)
        }
    }

    @Test func slackShowsWhatIsWrongAndInterpretsNothing() async throws {
        try await withHookServer { server in
            let message = try await body(
                server, "slack", notice { $0.wrong[0].text = "<!channel> & ``` <http://x|y>" })
            let text = message["blocks"].all.map { $0["text"]["text"].string ?? "" }.joined(separator: "\n")
            #expect(text.contains("Backup failed: 1 of 4 items") && text.contains("holdfast backup volumes n8n_data"))
            #expect(text.contains("&lt;!channel&gt; &amp; ''' &lt;http://x|y&gt;"))
            #expect(!text.contains("<!channel>"))
            #expect(message["text"].string?.contains("Backup failed") == true)
        }
    }

    @Test func discordMentionsNobody() async throws {
        try await withHookServer { server in
            let message = try await body(server, "discord", notice { $0.title = "@everyone **bold**" })
            #expect(message["allowed_mentions"]["parse"].all == [])
            #expect(message["content"].string?.contains("\\@everyone \\*\\*bold") == true)
            #expect("\(message)".contains("No space left on device"))
        }
    }

    @Test func pagerDutyResolvesWhatItTriggered() async throws {
        try await withHookServer { server in
            let failed = try await body(server, "pagerduty", notice())
            let recovered = try await body(server, "pagerduty", notice("later", .recovered))
            #expect(failed["event_action"].string == "trigger" && recovered["event_action"].string == "resolve")
            #expect(failed["dedup_key"] == recovered["dedup_key"])
            let elsewhere = try await body(server, "pagerduty", notice { $0.host = "another" })
            #expect(elsewhere["dedup_key"] != failed["dedup_key"])
            // Keys that differ only where they are too long stay apart.
            let long = try await body(server, "pagerduty", hugeNotice())
            let other = try await body(server, "pagerduty", notice { ($0.host, $0.key) = (hugeNotice().host, "x") })
            #expect(long["dedup_key"] != other["dedup_key"])
        }
    }

    @Test func aWebhookGetsTheNoticeItself() async throws {
        try await withHookServer { server in
            let sent = notice()
            _ = try await channel("webhook", server).attempt(sent)
            let request = try #require(try server.requests().first)
            #expect(request["headers"]["authorization"].string == "Bearer \(Self.token)")
            let got = Array((request["body"].string ?? "").utf8)
            #expect(try JSON.read(Notice.self, got, place: "there") == sent)
        }
    }

    @Test func ntfyGetsATitleThatAHeaderCanHold() async throws {
        try await withHookServer { server in
            _ = try await channel("ntfy", server).attempt(
                notice { $0.title = "Sicherung fehlgeschlagen – n8n\u{1F9E8}\tx" })
            let headers = try #require(try server.requests().first)["headers"]
            let words = try #require(headers["title"].string)
            let decoded = try await CommandRunner().run([
                "/usr/bin/python3", "-c",
                "import email.header, sys; print(email.header.make_header(email.header.decode_header(sys.argv[1])), end='')",
                words,
            ])
            #expect(decoded.output == "inlock: Sicherung fehlgeschlagen – n8n\u{1F9E8} x")
            #expect(headers["priority"].string == "high" && headers["tags"].string == "rotating_light")
        }
    }

    // MARK: - What answers mean

    @Test(
        arguments: [
            (#"{"status": 429, "headers": {"Retry-After": "7"}}"#, 7.0),
            (
                #"{"status": 429, "body": "{\"message\": \"limited\", \"retry_after\": 64.57, \"global\": false}"}"#,
                64.57
            ),
            (#"{"status": 503, "headers": {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}}"#, 0),
            (#"{"status": 429, "headers": {"Retry-After": "soon"}}"#, nil), (#"{"status": 500, "body": "oops"}"#, nil),
            (#"{"status": 502}"#, nil), (#"{"status": 408}"#, nil),
        ] as [(String, Double?)])
    func someAnswersMeanLater(plan: String, seconds: Double?) async throws {
        try await withHookServer { server in
            try server.plan(plan)
            let answer = try await channel("discord", server).attempt(notice())
            guard case .later(let after, let words) = answer else { throw TestFailure("\(answer)") }
            #expect(after == seconds && words.contains("127.0.0.1") && !words.contains(Self.token))
        }
    }

    @Test func aDateToComeIsObeyed() async throws {
        try await withHookServer { server in
            let moment = SystemClock().now().advanced(by: 3600)
            try server.plan(
                #"{"status": 429, "headers": {"Retry-After": "\#(moment.format("%a, %d %b %Y %H:%M:%S GMT"))"}}"#)
            let answer = try await channel("slack", server).attempt(notice())
            guard case .later(let after?, _) = answer else { throw TestFailure("\(answer)") }
            #expect((3500...3600).contains(after))
        }
    }

    @Test(arguments: [400, 401, 403, 404, 410, 413])
    func othersMeanNever(status: Int) async throws {
        try await withHookServer { server in
            try server.plan(#"{"status": \#(status), "body": "no_service"}"#)
            let answer = try await channel("slack", server).attempt(notice())
            #expect(answer == .refused("http://127.0.0.1:\(server.port) answered \(status): no_service"))
        }
    }

    @Test(arguments: [301, 302, 307, 308])
    func aRedirectIsNotFollowed(status: Int) async throws {
        try await withHookServer { server in
            try server.plan(
                #"{"status": \#(status), "headers": {"Location": "https://elsewhere.example/\#(Self.token)"}}"#)
            let answer = try await channel("webhook", server).attempt(notice())
            guard case .refused(let words) = answer else { throw TestFailure("\(answer)") }
            #expect(words.contains("redirect to https://elsewhere.example, which is not followed"))
            #expect(!words.contains(Self.token))
            #expect(try server.requests().count == 1)
        }
    }

    @Test func aLoginInTheURLIsNotShown() async throws {
        try await withHookServer { server in
            let channel = try AlertingTests.channel(
                .webhook(url: .inline(Redacted("http://bob:hunter2pw@127.0.0.1:\(server.port)/hook")), token: nil))
            try server.plan(
                #"{"status": 401, "body": "Basic Ym9iOmh1bnRlcjJwdw== is bob:hunter2pw; no hunter2pw here"}"#)
            let words = try await channel.attempt(notice()).words
            #expect(
                words.contains("401: Basic ") && !words.contains("Ym9i") && !words.contains("hunter2pw"), "\(words)")
        }
    }

    @Test func whereARedirectLeadsActsOnNoTerminal() async throws {
        try await withHookServer { server in
            try server.plan(
                #"{"status": 302, "headers": {"Location": "https://evil\u001b]0;title\u0007.example/"}}"#)
            let words = try await channel("webhook", server).attempt(notice()).words
            #expect(words.contains("evil\\x1b]0;title") && !words.contains("\u{1B}"), "\(words)")
        }
    }

    @Test func nobodyThereMeansLater() async throws {
        let channel = try AlertingTests.channel(.slack(url: .inline(Redacted("http://127.0.0.1:9/\(Self.token)"))))
        let answer = try await channel.attempt(notice())
        guard case .later(nil, let words) = answer else { throw TestFailure("\(answer)") }
        #expect(words.contains("http://127.0.0.1:9") && !words.contains(Self.token))
    }

    /// Servers like to repeat the path, or the token, that they do not know.
    @Test(arguments: services)
    func aSecretThatIsRepeatedIsNotShown(service: String) async throws {
        try await withHookServer { server in
            let whole = server.url("\(service)/\(Self.token)")
            let said = "Cannot POST /\(service)/\(Self.token) (\(whole), \(Self.key)) with \(Self.token)"
            try server.plan(#"{"status": 404, "body": "\#(said)"}"#)
            let answer = try await channel(service, server).attempt(notice())
            guard case .refused(let words) = answer else { throw TestFailure("\(answer)") }
            #expect(words.contains("Cannot POST"))
            #expect(service == "pagerduty" || !words.contains(Self.token), "\(words)")
            #expect(service != "pagerduty" || !words.contains(Self.key), "\(words)")
        }
    }

    // MARK: - Secrets

    @Test func aSecretIsReadFromAFileThatNobodyElseCanRead() async throws {
        try await withHookServer { server in
            let file = "\(server.folder)/secret"
            try Descriptor.folder(server.folder).publish("secret", Array("  \(server.url("slack/x"))  \nmore\n".utf8))
            let channel = try AlertingTests.channel(.slack(url: .file(file)))
            #expect(try await channel.attempt(notice()) == .delivered("ok"))
            #expect(chmod(file, 0o640) == 0)
            guard case .later(_, let words) = try await channel.attempt(notice()) else { throw TestFailure("sent") }
            #expect(words.contains("can be read by others") && words.contains("chmod 600 \(file)"))
            unlink(file)
            guard case .later(_, let missing) = try await channel.attempt(notice()) else { throw TestFailure("sent") }
            #expect(missing.contains(file))
            // Mended, it counts at once.
            try Descriptor.folder(server.folder).publish("secret", Array(server.url("slack/x").utf8))
            #expect(try await channel.attempt(notice()) == .delivered("ok"))
        }
    }

    @Test func aSecretIsReadFromTheEnvironment() async throws {
        try await withHookServer { server in
            let kind = Settings.Channel.Kind.slack(url: .environment("HOOK"))
            let good = try AlertingTests.channel(kind, environment: ["HOOK": server.url("slack/x")])
            #expect(try await good.attempt(notice()) == .delivered("ok"))
            guard case .later(_, let words) = try await AlertingTests.channel(kind).attempt(notice()) else {
                throw TestFailure("sent")
            }
            #expect(words.contains("There is no secret") && words.contains("$HOOK"))
        }
    }

    // MARK: - Kit

    private static let key = "R015abcdefghijklmnopqrstuvwxyz12"

    private func channel(_ service: String, _ server: HookServer) throws -> any Channel {
        let url = Settings.Secret.inline(
            Redacted(server.url("\(service == "webhook" ? "hook" : service)/\(Self.token)")))
        let token = Settings.Secret.inline(Redacted(Self.token))
        let kind: Settings.Channel.Kind =
            switch service {
            case "slack": .slack(url: url)
            case "discord": .discord(url: url)
            case "pagerduty": .pagerduty(key: .inline(Redacted(Self.key)), url: server.url("v2/enqueue"))
            case "webhook": .webhook(url: url, token: token)
            default: .ntfy(url: url, token: token)
            }
        return try AlertingTests.channel(kind)
    }

    /// What the last request held.
    private func body(_ server: HookServer, _ service: String, _ notice: Notice) async throws -> JSONValue {
        let answer = try await channel(service, server).attempt(notice)
        guard case .delivered = answer else { throw TestFailure("\(answer)") }
        return try JSONValue(parsing: try #require(try server.requests().last)["body"].string ?? "")
    }

    private static func bare(_ kind: Notice.Kind) -> Notice {
        notice("bare", kind) { ($0.summary, $0.since, $0.wrong, $0.good, $0.next) = ("", nil, [], [], nil) }
    }
}

/// Why a test cannot go on.
struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
