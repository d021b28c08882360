import Alerting
import Machine
import Settings
import TestKit
import Testing

@Suite struct HeartbeatTests {
    private static let uuid = "0123abcd-4711-4711-4711-0123456789ab"

    @Test func saysStartSuccessAndFailure() async throws {
        try await withHookServer { server in
            for path in ["ping/\(Self.uuid)", "ping/\(Self.uuid)/"] {
                let heartbeat = try heartbeat(server.url(path))
                for beat in [Heartbeat.Beat.start, .success, .failure] {
                    #expect(try await heartbeat.tell(beat, saying: "words") == .delivered("OK"))
                }
            }
            let once = ["/start", "", "/fail"].map { "/ping/\(Self.uuid)\($0)" }
            #expect(try server.requests().map { $0["path"].string } == once + once)
            #expect(try server.requests().first?["body"].string == "words")
            _ = try await heartbeat(server.url("ping/\(Self.uuid)?create=1")).tell(.failure)
            #expect(try server.requests().last?["path"].string == "/ping/\(Self.uuid)/fail?create=1")
        }
    }

    @Test func triesAgainAndOnlySaysThatItFailed() async throws {
        try await withHookServer { server in
            try server.plan(#"{"status": 500}"#, #"{"status": 503}"#, "{}")
            #expect(try await heartbeat(server.url("ping/\(Self.uuid)")).tell(.success) == .delivered("OK"))
            #expect(try server.requests().count == 3)
            try server.plan(#"{"status": 404, "body": "\#(Self.uuid) not found"}"#)
            let answer = try await heartbeat(server.url("ping/\(Self.uuid)")).tell(.success)
            #expect(answer == .refused("http://127.0.0.1:\(server.port) answered 404: ••• not found"))
        }
    }

    @Test func neverShowsItsURL() async throws {
        let answer = try await heartbeat("http://127.0.0.1:9/ping/\(Self.uuid)").tell(.start)
        #expect(answer.words.contains("127.0.0.1:9") && !answer.words.contains(Self.uuid))
        guard case .later = answer else { throw TestFailure("\(answer)") }
    }

    private func heartbeat(_ url: String) throws -> Heartbeat {
        let entry = Settings.Channel(name: "hc", kind: .heartbeat(url: .inline(Redacted(url))))
        return try #require(Destinations([entry], environment: [:]).heartbeats.first)
    }
}
