import Foundation
import HTTPClient
import Machine
import Synchronization
import TestKit
import Testing

@Suite struct HTTPClientTests {
    @Test func wholeAnswer() async throws {
        try await withServer { connection in
            connection.answer("héllo", status: 418, headers: "X-One: a\r\nx-two:  b \r\nX-ONE: c\r\n")
        } _: { socket, server in
            let answer = try await HTTPClient(unixSocket: socket).send(.init("GET", "/a%2Fb?c=d"))
            #expect(answer.status == 418)
            #expect(answer.header("x-one") == "a")
            #expect(answer.header("X-Two") == "b")
            #expect(String(decoding: answer.body, as: UTF8.self) == "héllo")
            #expect(server.requests == ["GET /a%2Fb?c=d HTTP/1.1"])
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE"]) func sendsBodyAsItIs(method: String) async throws {
        let seen = Mutex<(head: String, body: String)>(("", ""))
        try await withServer { connection in
            seen.withLock { $0 = (connection.head, connection.body) }
            connection.answer("")
        } _: { socket, _ in
            let request = HTTPClient.Request(
                method, "/", headers: [("Content-Type", "application/json"), ("X-Empty", "")],
                body: Array(#"{"a":1}"#.utf8))
            _ = try await HTTPClient(unixSocket: socket, userAgent: "me/1").send(request)
        }
        let (head, body) = seen.withLock { $0 }
        #expect(body == #"{"a":1}"#)
        #expect(head.hasPrefix("\(method) / HTTP/1.1\r\n"))
        let lines = head.components(separatedBy: "\r\n")
        #expect(lines.contains("Content-Type: application/json"))
        #expect(lines.contains("X-Empty:"))
        #expect(lines.contains("User-Agent: me/1"))
        #expect(lines.contains("Content-Length: 7"))
        #expect(!head.contains("Expect"))
    }

    @Test(arguments: ["POST", "DELETE", "HEAD", "GET"]) func sendsNoBody(method: String) async throws {
        let seen = Mutex("")
        try await withServer { connection in
            seen.withLock { $0 = connection.head }
            connection.say("HTTP/1.1 204 No Content\r\n\r\n")
        } _: { socket, _ in
            let answer = try await HTTPClient(unixSocket: socket).send(.init(method, "/x"))
            #expect(answer.status == 204)
        }
        let head = seen.withLock { $0 }
        #expect(head.hasPrefix("\(method) /x HTTP/1.1\r\n"))
        #expect(!head.contains("Content-Type"))
    }

    @Test func bodyInPiecesAndWithoutLength() async throws {
        try await withServer { connection in
            if connection.head.contains("/chunks") {
                connection.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
                connection.say("2\r\nde\r\n0\r\n\r\n")
            } else {
                connection.say("HTTP/1.1 200 OK\r\n\r\nabc")
                connection.say("de")
            }
        } _: { socket, _ in
            for path in ["/chunks", "/close"] {
                let answer = try await HTTPClient(unixSocket: socket).send(.init("GET", path))
                #expect(answer.body == Array("abcde".utf8))
            }
        }
    }

    @Test func streamsWhatComesWhenItComes() async throws {
        let got = Mutex<[String]>([])
        try await withServer { connection in
            connection.say("HTTP/1.1 200 OK\r\n\r\none")
            for _ in 0..<500 where got.withLock({ $0.isEmpty }) { usleep(10_000) }
            connection.say("two")
        } _: { socket, _ in
            let answer = try await HTTPClient(unixSocket: socket).stream(.init("GET", "/")) { bytes in
                got.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
            }
            #expect(answer.body.isEmpty)
        }
        #expect(got.withLock { $0 } == ["one", "two"])
    }

    @Test func refusalIsNotStreamed() async throws {
        try await withServer {
            $0.answer("why", status: 500)
        } _: { socket, _ in
            let answer = try await HTTPClient(unixSocket: socket).stream(.init("GET", "/")) { _ in
                Issue.record("the body of a refusal was handed over")
            }
            #expect(answer.body == Array("why".utf8))
        }
    }

    @Test func errorOfReceiverEndsStream() async throws {
        struct Enough: Error {}
        try await withServer { connection in
            connection.say("HTTP/1.1 200 OK\r\n\r\n")
            while connection.say([UInt8](repeating: 65, count: 1 << 16)) {}
        } _: { socket, _ in
            await #expect(throws: Enough.self) {
                _ = try await HTTPClient(unixSocket: socket).stream(.init("GET", "/")) { _ in throw Enough() }
            }
        }
    }

    @Test func redirectIsNotFollowed() async throws {
        try await withServer {
            $0.answer("", status: 301, headers: "Location: /elsewhere\r\n")
        } _: { socket, server in
            let answer = try await HTTPClient(unixSocket: socket).send(.init("GET", "/"))
            #expect(answer.status == 301)
            #expect(server.requests.count == 1)
        }
    }

    @Test func cancelledAtOnce() async throws {
        try await withServer {
            $0.hang()
        } _: { socket, _ in
            let work = Task { try await HTTPClient(unixSocket: socket).send(.init("GET", "/", timeout: nil)) }
            try await Task.sleep(for: .milliseconds(200))
            let start = ContinuousClock.now
            work.cancel()
            await #expect(throws: Interrupted.self) { try await work.value }
            #expect(ContinuousClock.now - start < .seconds(20))
        }
    }

    @Test(.enabled(if: goesOutDirectly)) func tcp() async throws {
        let server = ScriptedServer(path: nil) { $0.answer($0.head) }
        defer { server.kill() }
        let answer = try await HTTPClient().send(.init("GET", "http://127.0.0.1:\(server.port)/x"))
        #expect(String(decoding: answer.body, as: UTF8.self).contains("Host: 127.0.0.1:\(server.port)"))
    }
}
