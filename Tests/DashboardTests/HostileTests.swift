import Dashboard
import Foundation
import HTTPClient
import TestKit
import Testing

/// Clients that mean no good, or do not know better. After each of them the next one is served.
@Suite struct HostileTests {
    private static let form = "Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    private static let post = "POST /api/v1/series HTTP/1.1\r\n" + form

    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let status: Int
        /// What has to be in the answer.
        var words = ""

        var testDescription: String { name }
    }

    private static func get(_ path: String, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n"
    }

    private static func posted(_ body: String) -> String {
        post + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    }

    private static let attacks: [Attack] = [
        Attack(
            name: "a header of 1 MB", text: get("/", "X: \(String(repeating: "a", count: 1 << 20))\r\n"), status: 400),
        Attack(name: "10,000 headers", text: get("/", (0..<10_000).map { "X\($0): a\r\n" }.joined()), status: 400),
        Attack(name: "a path of 10 MB", text: get("/" + String(repeating: "a", count: 10_000_000)), status: 400),
        Attack(name: "TLS", text: "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n", status: 400),
        Attack(name: "HTTP/2", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 400),
        Attack(name: "a NUL in a header", text: get("/", "X: a\0b\r\n"), status: 400),
        Attack(name: "a NUL in the path", text: get("/a\0b"), status: 400),
        Attack(name: "a NUL in a query", text: get("/api/v1/query?query=%00"), status: 400, words: "bad_data"),
        Attack(name: "a NUL in a label's name", text: get("/api/v1/label/a%00b/values"), status: 200, words: "[]"),
        Attack(name: "a broken escape", text: get("/api/v1/query?query=%4"), status: 400, words: "invalid URL escape"),
        Attack(name: "an escape of no UTF-8", text: get("/api/v1/query?query=%ff%fe"), status: 400, words: "UTF-8"),
        Attack(
            name: "a folder too high", text: get("/api/v1/label/../../../etc/passwd/values"), status: 200, words: "[]"),
        Attack(
            name: "two lengths",
            text: post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status: 400),
        Attack(name: "a negative length", text: post + "Content-Length: -1\r\n\r\n", status: 400),
        Attack(name: "a length of terabytes", text: post + "Content-Length: 9999999999999\r\n\r\nx", status: 413),
        Attack(
            name: "a chunk of gigabytes",
            text: post + "Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n" + String(repeating: "a", count: 3_000_000),
            status: 413),
        Attack(name: "a chunk without a length", text: post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", status: 400),
        Attack(
            name: "many small chunks",
            text: post + "Transfer-Encoding: chunked\r\n\r\n"
                + "match[]=up".map { "1\r\n\($0)\r\n" }.joined() + "0\r\n\r\n", status: 200, words: "[]"),
        Attack(
            name: "100,000 matchers",
            text: posted(Array(repeating: "match[]=up", count: 100_000).joined(separator: "&")), status: 413),
        Attack(
            name: "4,000 matchers", text: posted(Array(repeating: "match[]=up", count: 4000).joined(separator: "&")),
            status: 400, words: "more than 256 match[] parameters"),
        Attack(
            name: "5,000 parameters", text: posted(Array(repeating: "a=b", count: 5000).joined(separator: "&")),
            status: 400, words: "more than 4096 values"),
        Attack(
            name: "a matcher with 60,000 labels",
            text: posted("match[]={" + (0..<60_000).map { "a=\"\($0)\"" }.joined(separator: ",") + "}"), status: 200),
        Attack(
            name: "an expression of 20,000 parentheses",
            text: get("/api/v1/query?query=" + String(repeating: "(", count: 20_000)), status: 400, words: "parse error"
        ),
        Attack(
            name: "an expression of 1 MB", text: posted("query=" + String(repeating: "1%2B", count: 200_000) + "1"),
            status: 400),
        Attack(
            name: "a regular expression that explodes",
            text: posted(
                "match[]="
                    + #"{a=~"((((((a{1,100}){1,100}){1,100}){1,100})))"}"#.replacingOccurrences(of: "+", with: "%2B")),
            status: 400, words: "bad regular expression"),
        Attack(
            name: "another site's preflight",
            text: "OPTIONS /api/v1/query HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
            status: 405),
        Attack(name: "TRACE", text: "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", status: 405),
        Attack(name: "DELETE", text: "DELETE /api/v1/series HTTP/1.1\r\nHost: localhost\r\n\r\n", status: 405),
    ]

    @Test(arguments: attacks)
    func attack(_ attack: Attack) async throws {
        try await withService { service in
            let connection = try RawConnection(service.port)
            try await connection.say(attack.text)
            let answer = try await connection.hear { text in
                text.contains("\r\n\r\n") && (attack.words.isEmpty || text.contains(attack.words))
            }.text
            #expect(answer.hasPrefix("HTTP/1.1 \(attack.status) "), "\(answer.prefix(500))")
            #expect(attack.words.isEmpty || answer.contains(attack.words), "\(answer.prefix(500))")
            #expect(!answer.contains("Access-Control") && !answer.contains("/tmp/"))
            #expect(try await service.get("/-/healthy").status == 200)
        }
    }

    /// Who takes too long – for the headers, for the body, for the answer – loses the connection.
    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: lo", "",
        "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nque",
    ])
    func slowClients(beginning: String) async throws {
        var limits = DashboardLimits()
        limits.patience = 1
        try await withService(limits: limits) { service in
            let connection = try RawConnection(service.port)
            try await connection.say(beginning)
            let dripping = Task {
                for _ in 0..<200 where !Task.isCancelled {
                    try await connection.say("x")
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            defer { dripping.cancel() }
            if beginning.isEmpty { dripping.cancel() }
            #expect(try await connection.hear(60).hasEnded)
        }
    }

    @Test func aClientThatDoesNotRead() async throws {
        // More than the kernel keeps for a connection.
        let samples = (0..<20_000).map {
            "wide{number=\"\($0)\",filler=\"\(String(repeating: "x", count: 500))\"} \($0) 1764109990\n"
        }
        var limits = DashboardLimits()
        limits.patience = 1
        try await withService(samples: samples.joined(), limits: limits) { service in
            let connection = try RawConnection(service.port, receiving: 4096)
            try await connection.say("GET /api/v1/query?query=wide HTTP/1.1\r\nHost: localhost\r\n\r\n")
            let beginning = try await connection.hear(60) { $0.contains("\r\n\r\n") }.text
            #expect(beginning.hasPrefix("HTTP/1.1 200 "))
            try await Task.sleep(for: .seconds(5))
            let (text, hasEnded) = try await connection.hear(60)
            #expect(hasEnded)
            #expect(beginning.utf8.count + text.utf8.count < 10_000_000 && !text.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test func connectionsBeyondTheLimitWait() async throws {
        var limits = DashboardLimits()
        limits.connections = 3
        try await withService(limits: limits) { service in
            var idle: [RawConnection] = try (0..<3).map { _ in try RawConnection(service.port) }
            try await Task.sleep(for: .milliseconds(200))
            let waiting = try RawConnection(service.port)
            try await waiting.say("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await waiting.hear(1).text.isEmpty)
            idle.removeAll()
            #expect(try await waiting.answer().hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func oneRequestBehindTheOther() async throws {
        try await withService { service in
            let connection = try RawConnection(service.port)
            try await connection.say(String(repeating: "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 3))
            let answers = try await connection.hear { $0.components(separatedBy: "is healthy").count == 4 }.text
            #expect(answers.components(separatedBy: "HTTP/1.1 200 OK").count == 4)
        }
    }

    @Test func whoWantsToBeAskedForTheBody() async throws {
        try await withService { service in
            let connection = try RawConnection(service.port)
            try await connection.say(
                "POST /api/v1/query HTTP/1.1\r\n\(Self.form)Expect: 100-continue\r\nContent-Length: 7\r\n\r\n")
            #expect(try await connection.hear { $0.contains("\r\n\r\n") }.text.hasPrefix("HTTP/1.1 100 "))
            try await connection.say("query=1")
            #expect(try await connection.answer().hasPrefix("HTTP/1.1 200 "))
        }
    }
}
