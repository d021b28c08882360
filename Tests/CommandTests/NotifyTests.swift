import Alerting
import Glibc
import Machine
import TestKit
import Testing

/// `holdfast notify`, as a person or a timer runs it.
@Suite struct NotifyTests {
    private static let token = "T000-B000-XXXXsecretXXXX"

    @Test func testSaysForEachChannelWhatCameOfIt() async throws {
        try await withHookServer { server in
            try await withDemoHost { host in
                try configure(host, server)
                let all = try await host.holdfast("notify", "test")
                #expect(all.status == 0, "\(all)")
                for words in ["slack ops: sent: ok", "webhook app: sent", "heartbeat hc: told of a success: OK"] {
                    #expect(all.output.contains(words), "\(all)")
                }
                #expect(
                    try server.requests().map { $0["path"].string } == [
                        "/slack/\(Self.token)", "/hook", "/ping/u-u-i-d",
                    ])
                try server.plan(#"{"status": 404, "body": "no_service: /slack/\#(Self.token)"}"#)
                let failed = try await host.holdfast("notify", "test", "ops", "--json")
                #expect(failed.status == 1)
                let line = try failed.json()[0]
                #expect(line["delivered"].bool == false && line["channel"].string == "slack ops")
                #expect(line["words"].string == "http://127.0.0.1:\(server.port) answered 404: no_service: •••")
                #expect(!host.has("state/outbox"))
            }
        }
    }

    @Test func anUnknownChannelIsRefused() async throws {
        try await withHookServer { server in
            try await withDemoHost { host in
                try configure(host, server)
                let outcome = try await host.holdfast("notify", "test", "opps", "--json")
                try expectFailure(outcome, 4, "alerting.no-channel", says: "opps", "ops, app, hc")
                #expect(try server.requests() == [])
            }
        }
    }

    @Test func withoutChannelsItSaysSo() async throws {
        try await withDemoHost { host in
            for (command, words) in [
                ("test", "names no channel"), ("list", "Nothing waits"), ("send", "Nothing was due"),
            ] {
                let outcome = try await host.holdfast("notify", command)
                #expect(outcome.status == 0 && outcome.output.contains(words), "\(outcome)")
            }
        }
    }

    @Test func sendAndListSayWhatWaitsAndWhy() async throws {
        try await withHookServer { server in
            try await withDemoHost { host in
                try configure(host, server)
                try put(["one", "two"], host)
                let busy = #"{"status": 429, "headers": {"Retry-After": "1"}, "body": "slow down"}"#
                try server.plan(busy, busy)
                let first = try await host.holdfast("notify", "send", "--json")
                #expect(first.status == 1)
                #expect(try first.json().all.map { $0["result"].string } == ["waiting"])
                let list = try await host.holdfast("notify", "list", "--json")
                #expect(list.status == 0)
                let lines = try list.json()
                #expect(lines.all.map { $0["id"].string } == ["one", "two"])
                #expect(lines[0]["reason"].string?.contains("429: slow down") == true)
                #expect(lines[0]["tries"].int == 2 && lines[1]["tries"].int == 0)
                try await Task.sleep(for: .milliseconds(2100))
                try server.plan("{}", #"{"status": 400, "body": "invalid_payload"}"#)
                let second = try await host.holdfast("notify", "send")
                #expect(second.status == 1 && second.output.contains("invalid_payload"), "\(second)")
                #expect(second.output.contains("✓ webhook app: Backup failed: delivered"), "\(second)")
                let dead = try await host.holdfast("notify", "list")
                #expect(dead.output.contains("dead") && dead.output.contains("invalid_payload"), "\(dead)")
                #expect(try await host.holdfast("notify", "send").output == "Nothing was due.\n")
                #expect(try await host.holdfast("notify", "send", "--again").status == 0)
                #expect(try await host.holdfast("notify", "list", "--json").json() == .array([]))
            }
        }
    }

    /// A kill between sending and writing that down sends once more, and loses nothing.
    @Test func killedAtAnyMomentItLosesNothing() async throws {
        try await withHookServer { server in
            try await withDemoHost { host in
                try configure(host, server)
                let ids = (0..<60).map { "n\($0)" }
                try put(ids, host)
                let began = monotonicSeconds()
                #expect(try await host.holdfast("notify", "list").status == 0)
                let startUp = monotonicSeconds() - began
                try await host.kill(["notify", "send"], seed: 11, times: 12, typically: startUp + 0.3) { text in
                    let sent = Set(try self.sent(server))
                    let waiting = Set(
                        try await host.holdfast("notify", "list", "--json").json().all.map { $0["id"].string })
                    for id in ids { #expect(sent.contains(id) || waiting.contains(id), "\(id) is lost: \(text)") }
                }
                let last = try await host.holdfast("notify", "send")
                #expect(last.status == 0, "\(last)")
                let sent = try sent(server)
                #expect(Set(sent) == Set(ids))
                // Once more for each kill, at most.
                #expect(sent.count <= ids.count + 12, "\(sent.count)")
                #expect(try await host.holdfast("notify", "list", "--json").json() == .array([]))
                #expect(try host.find("state/outbox").filter { $0.hasSuffix(".partial") } == [])
            }
        }
    }

    /// In no output, no file of the state, no argument.
    @Test func secretsAreSeenNowhere() async throws {
        try await withHookServer { server in
            try await withDemoHost { plain in
                var host = plain
                try configure(host, server)
                try put(["one"], host)
                try server.plan(
                    #"{"status": 500, "body": "oops"}"#,
                    #"{"status": 404, "body": "\#(Self.token)"}"#)
                host.holdfast.wrapper = ["strace", "-f", "-e", "trace=execve", "-s", "4096", "-o", host.path("trace")]
                var said = ""
                for command in [
                    ["send"], ["list"], ["list", "--json"], ["test"], ["test", "--json"], ["send", "--json"],
                ] {
                    let outcome = try await host.holdfast.run([CommandRunner.binary, "notify"] + command)
                    said += outcome.output + outcome.errors + (try host.read("trace"))
                }
                #expect(said.contains("execve(") && said.contains("•••"))
                for text in [said, try await host.shell("cat $(find state -type f)")] {
                    #expect(!text.contains("XXXXsecretXXXX") && !text.contains("u-u-i-d"))
                }
            }
        }
    }

    // MARK: - Kit

    /// Slack by a file, a webhook by its URL, a heartbeat by a file.
    private func configure(_ host: DemoHost, _ server: HookServer) throws {
        try host.write("slack", server.url("slack/\(Self.token)\n"))
        try host.write("hc", server.url("ping/u-u-i-d\n"))
        for file in ["slack", "hc"] { #expect(chmod(host.path(file), 0o600) == 0) }
        try host.configure {
            $0.more = """
                notify:
                  - { slack: ops, url_file: \(host.path("slack")) }
                  - { webhook: app, url: "\(server.url("hook"))" }
                  - { heartbeat: hc, url_file: \(host.path("hc")) }
                """
        }
    }

    /// Puts notices for the webhook alone, as a run of holdfast would.
    private func put(_ ids: [String], _ host: DemoHost) throws {
        let outbox = Outbox(
            "\(host.state)/outbox", channels: [Named(kind: "webhook", name: "app")], clock: SystemClock())
        for id in ids {
            try outbox.put(
                Notice(
                    id: id, kind: .failed, key: id, host: "demo", moment: SystemClock().now(), title: "Backup failed",
                    summary: "It did."))
        }
    }

    /// The ids that arrived, in their order.
    private func sent(_ server: HookServer) throws -> [String] {
        try server.requests().compactMap { try JSONValue(parsing: $0["body"].string ?? "")["id"].string }
    }

    /// The name of a channel, for putting.
    private struct Named: Channel {
        let kind: String
        let name: String

        func send(_ notice: Notice) async throws -> Answer { .refused("only a name") }
    }
}
