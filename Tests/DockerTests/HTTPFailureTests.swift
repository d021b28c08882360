import Foundation
import HTTPClient
import Machine
import TestKit
import Testing

/// Every way in which no whole answer comes.
@Suite struct HTTPFailureTests {
    private func failure(
        _ url: String = "/", socket: String? = nil, timeout: Duration = .seconds(10), limit: Int = 1 << 20
    ) async -> HTTPError? {
        await #expect(throws: HTTPError.self) {
            _ = try await HTTPClient(unixSocket: socket).send(.init("GET", url, timeout: timeout, bodyLimit: limit))
        }
    }

    @Test func noSocket() async {
        let error = await failure(socket: "/tmp/hf-nothing-here.sock")
        #expect(error?.code == "http.no-socket")
        #expect(error?.place == "/tmp/hf-nothing-here.sock")
    }

    @Test func nobodyListens() async throws {
        try await withServer { _ in
        } _: { socket, server in
            server.kill()
            let error = await failure(socket: socket)
            #expect(error?.code == "http.refused")
            #expect(error?.isTransient == true)
        }
    }

    @Test(.enabled(if: goesOutDirectly)) func nobodyListensAtPort() async {
        #expect(await failure("http://127.0.0.1:1/")?.code == "http.refused")
    }

    @Test func socketPathTooLong() async {
        #expect(await failure(socket: "/tmp/" + String(repeating: "x", count: 110))?.code == "http.bad-request")
    }

    @Test func silence() async throws {
        try await withServer {
            $0.hang()
        } _: { socket, _ in
            let error = await failure(socket: socket, timeout: .milliseconds(300))
            #expect(error?.code == "http.timeout")
            #expect(error?.what.hasPrefix("There was no whole answer within 0.") == true)
        }
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ])
    func cut(answer: String) async throws {
        try await withServer {
            $0.say(answer)
        } _: { socket, _ in
            #expect(await failure(socket: socket)?.code == "http.cut")
        }
    }

    @Test func notHTTP() async throws {
        try await withServer {
            $0.say("SSH-2.0-OpenSSH_9.2\r\n")
        } _: { socket, _ in
            #expect(await failure(socket: socket)?.code == "http.bad-answer")
        }
    }

    @Test func endlessBody() async throws {
        try await withServer { connection in
            connection.say("HTTP/1.1 200 OK\r\n\r\n")
            while connection.say([UInt8](repeating: 65, count: 1 << 16)) {}
        } _: { socket, _ in
            let error = await failure(socket: socket, limit: 1 << 20)
            #expect(error?.code == "http.too-large")
            #expect(error?.what.contains("1.00 MiB") == true)
        }
    }

    @Test func endlessHeaders() async throws {
        try await withServer { connection in
            connection.say("HTTP/1.1 200 OK\r\n")
            while connection.say("X-Filler: \(String(repeating: "x", count: 1000))\r\n") {}
        } _: { socket, _ in
            #expect(await failure(socket: socket)?.code == "http.too-large")
        }
    }

    @Test(arguments: ["file:///etc/passwd", "ftp://localhost/", "localhost/x", "http://a b/", "http://x/\r\nX: y", ""])
    func notOurKindOfURL(url: String) async {
        #expect(await failure(url)?.code == "http.bad-request")
    }

    @Test(arguments: [("X", "a\r\nY: b"), ("X\nY", "a"), ("X: y", "a"), ("", "a"), ("X", "a\0")])
    func headersCannotBeSmuggled(name: String, value: String) async throws {
        try await withServer {
            $0.answer("")
        } _: { socket, server in
            let error = await #expect(throws: HTTPError.self) {
                _ = try await HTTPClient(unixSocket: socket).send(.init("GET", "/", headers: [(name, value)]))
            }
            #expect(error?.code == "http.bad-request")
            #expect(server.requests.isEmpty)
        }
    }

    @Test func secretsInURLsAreNotShown() async {
        let error = await failure("http://user:secret@127.0.0.1:1/services/secret?token=secret#secret")
        #expect(error?.place == "http://127.0.0.1:1")
        #expect(error.map { "\($0)" }?.contains("secret") == false)
    }

    @Test(.enabled(if: goesOutDirectly)) func unknownHost() async {
        // A part of more than 63 letters: known to be unknown without asking any server.
        let error = await failure("http://\(String(repeating: "x", count: 64)).invalid/")
        #expect(error?.code == "http.unreachable")
    }

    @Test(.enabled(if: goesOutDirectly)) func noTLSThere() async {
        let server = ScriptedServer(path: nil) { $0.answer("") }
        defer { server.kill() }
        #expect(await failure("https://127.0.0.1:\(server.port)/")?.code == "http.tls")
    }

    @Test(
        .enabled(if: goesOutDirectly),
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "needs openssl"))
    func certificateThatNobodyVouchesFor() async throws {
        let folder = "/tmp/hf-tls-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let made = try await ChildProcess(
            "openssl",
            [
                "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "1", "-addext",
                "subjectAltName=IP:127.0.0.1", "-keyout", "\(folder)/key", "-out", "\(folder)/crt",
            ]
        ).run()
        try #require(made.succeeded, "\(made.errors)")
        // Takes a port of its own choice and says which.
        let server = Task {
            try await ChildProcess(
                "sh", ["-c", "exec openssl s_server -accept 127.0.0.1:0 -key key -cert crt -www >port 2>&1"],
                environment: [:]
            ).run(in: folder)
        }
        defer { server.cancel() }
        var port: Substring?
        for _ in 0..<100 where port == nil {
            try await Task.sleep(for: .milliseconds(50))
            let said = (try? String(contentsOfFile: "\(folder)/port", encoding: .utf8)) ?? ""
            port = said.split(separator: "\n").first { $0.hasPrefix("ACCEPT ") }?.split(separator: ":").last
        }
        let error = await failure("https://127.0.0.1:\(try #require(port))/secret")
        #expect(error?.code == "http.tls")
        #expect(error?.isTransient == false)
        #expect(error.map { "\($0)" }?.contains("secret") == false)
    }
}

extension ChildProcess {
    /// Runs it in a folder.
    fileprivate func run(in folder: String) async throws -> Outcome {
        try await ChildProcess("env", ["-C", folder, executable] + arguments, environment: environment).run()
    }
}
