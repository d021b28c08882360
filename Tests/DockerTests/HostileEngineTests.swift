import Docker
import Foundation
import Machine
import Synchronization
import TestKit
import Testing

/// What answers at the socket is not the engine that one would wish for.
@Suite struct HostileEngineTests {
    private static let greeting =
        #"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux","Arch":"amd64"}"#

    /// An engine that introduces itself well and answers everything else with `script`.
    private func withFake<Result>(
        greeting: String = greeting, _ script: @escaping @Sendable (ScriptedServer.Connection) -> Void,
        _ body: (Engine, ScriptedServer) async throws -> Result
    ) async throws -> Result {
        try await withServer { connection in
            if connection.head.hasPrefix("GET /version ") { connection.answer(greeting) } else { script(connection) }
        } _: { socket, server in
            try await body(try await Engine.connect(socket: socket), server)
        }
    }

    private func failure(_ work: () async throws -> Void) async -> DockerError? {
        await #expect(throws: DockerError.self) { try await work() }
    }

    @Test func noEngine() async {
        let error = await failure { _ = try await Engine.connect(socket: "/tmp/hf-no-engine.sock") }
        #expect(error?.code == "docker.unreachable")
        #expect(error?.place == "/tmp/hf-no-engine.sock")
        #expect(error?.remedy?.contains("dockerd") == true)
        #expect(error?.isTransient == true)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Welcome to nginx</html>",
        "HTTP/1.1 404 Not Found\r\n\r\n<html>404</html>", "HTTP/1.1 502 Bad Gateway\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\n\r\n{}", #"HTTP/1.1 200 OK\#r\#n\#r\#n{"Version":1,"ApiVersion":"1.41"}"#,
        #"HTTP/1.1 200 OK\#r\#n\#r\#n{"Version":"1","ApiVersion":"new"}"#, "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "[", count: 100_000),
    ])
    func noDocker(answer: String) async throws {
        try await withServer {
            $0.say(answer)
        } _: { socket, _ in
            let error = await failure { _ = try await Engine.connect(socket: socket) }
            #expect(error?.code == "docker.bad-answer")
            #expect(error?.what.contains("\n") == false)
            #expect(error?.remedy?.contains("docker.socket") == true)
        }
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"Version\":"])
    func cut(answer: String) async throws {
        try await withServer {
            $0.say(answer)
        } _: { socket, _ in
            let error = await failure { _ = try await Engine.connect(socket: socket) }
            #expect(error?.code == "docker.unreachable")
        }
    }

    @Test func silent() async throws {
        try await withServer {
            $0.hang()
        } _: { socket, _ in
            let error = await failure { _ = try await Engine.connect(socket: socket, timeout: .milliseconds(200)) }
            #expect(error?.code == "docker.timeout")
        }
    }

    @Test func hundredMegabytes() async throws {
        try await withFake { connection in
            connection.say("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
            for _ in 0..<1600 where connection.say([UInt8](repeating: 32, count: 1 << 16)) {}
        } _: { engine, _ in
            let error = await failure { _ = try await engine.volumes() }
            #expect(error?.code == "docker.bad-answer")
            #expect(error?.what.contains("larger than the 32.0 MiB") == true)
        }
    }

    @Test(arguments: [("1.24", "1.12", "docker.too-old"), ("1.60", "1.50", "docker.too-new")])
    func versionsThatDoNotMeet(newest: String, oldest: String, code: String) async throws {
        let greeting = #"{"Version":"x","ApiVersion":"\#(newest)","MinAPIVersion":"\#(oldest)"}"#
        try await withServer {
            $0.answer(greeting)
        } _: { socket, _ in
            #expect(await failure { _ = try await Engine.connect(socket: socket) }?.code == code)
        }
    }

    @Test(arguments: [("1.41", "v1.41"), ("1.45", "v1.45"), ("1.52", "v1.47")])
    func newestCommonVersionIsSpoken(newest: String, spoken: String) async throws {
        let greeting = #"{"Version":"29.0.0","ApiVersion":"\#(newest)","MinAPIVersion":"1.41"}"#
        try await withFake(greeting: greeting) {
            $0.answer(#"{"Volumes":null}"#)
        } _: { engine, server in
            let volumes = try await engine.volumes()
            #expect(volumes.isEmpty)
            #expect(server.requests.last == "GET /\(spoken)/volumes HTTP/1.1")
        }
    }

    @Test func engineSaysWhatFailed() async throws {
        let message = #"{"message":"a\nb\u001b[31m \#(String(repeating: "x", count: 1000))"}"#
        try await withFake {
            $0.answer(message, status: 500)
        } _: { engine, _ in
            let error = await failure { _ = try await engine.volumes() }
            #expect(error?.code == "docker.engine-failed")
            #expect(error?.what.hasPrefix("The Docker engine failed: a b [31m xxx") == true)
            #expect(error.map { $0.what.count < 400 } == true)
        }
    }

    @Test func notFoundOfSomethingElseIsNotNil() async throws {
        try await withFake {
            $0.answer("<html>404</html>", status: 404)
        } _: { engine, _ in
            #expect(await failure { _ = try await engine.volume("data") }?.code == "docker.bad-answer")
            #expect(await failure { try await engine.removeVolume("data") }?.code == "docker.bad-answer")
        }
    }

    @Test(arguments: ["", ".", "..", "a/../b", "a//b", "/a", "a/", "a\nb", "a\0b", String(repeating: "x", count: 2000)])
    func namesThatWouldLeadElsewhere(name: String) async throws {
        try await withFake {
            $0.answer("{}")
        } _: { engine, server in
            for work in [
                { _ = try await engine.volume(name) }, { try await engine.removeVolume(name) },
                { _ = try await engine.container(name) }, { try await engine.start(name) },
            ] as [() async throws -> Void] {
                #expect(await failure(work)?.code == "docker.bad-name")
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test func namesAreEncoded() async throws {
        try await withFake {
            $0.answer(#"{"message":"no"}"#, status: 404)
        } _: { engine, server in
            let volume = try await engine.volume("nfs/a b?c#d%é")
            #expect(volume == nil)
            #expect(server.requests.last == "GET /v1.41/volumes/nfs%2Fa%20b%3Fc%23d%25%C3%A9 HTTP/1.1")
        }
    }

    @Test func nullsEverywhere() async throws {
        let inspection = #"""
            {"Id":"abc","Name":"/x","Image":"sha256:1","State":{"Status":"levitating","Health":null,"StartedAt":"0001-01-01T00:00:00Z"},
            "Config":{"Labels":null,"Env":null,"Image":null,"StopTimeout":null},"HostConfig":null,"Mounts":null,"RestartCount":null}
            """#
        try await withFake { connection in
            connection.answer(
                connection.head.contains("/containers/json") ? #"[{"Id":"abc","Mounts":null}]"# : inspection)
        } _: { engine, _ in
            let container = try #require(try await engine.containers().first)
            #expect(container.state == .unknown)
            #expect(container.state.isActive, "what is not understood may be running")
            #expect(container.health == nil)
            #expect(container.startedAt == nil)
        }
    }

    @Test func containerThatGoesWhileTheyAreListed() async throws {
        try await withFake { connection in
            if connection.head.contains("/containers/json") {
                connection.answer(#"[{"Id":"gone"},{"Id":"there"}]"#)
            } else if connection.head.contains("/gone/") {
                connection.answer(#"{"message":"No such container: gone"}"#, status: 404)
            } else {
                connection.answer(
                    #"{"Id":"there","Name":"/there","Image":"i","State":{"Status":"running"},"Config":{}}"#)
            }
        } _: { engine, _ in
            let containers = try await engine.containers()
            #expect(containers.map(\.name) == ["there"])
        }
    }

    @Test func outputThatIsNotFrames() async throws {
        try await withFake { connection in
            connection.answer(connection.head.contains("/start") ? "plain text, no frames" : #"{"Id":"e"}"#)
        } _: { engine, _ in
            #expect(await failure { _ = try await engine.exec("c", ["x"]) }?.code == "docker.bad-answer")
        }
    }

    @Test func outputCutInTheMiddleOfAFrame() async throws {
        try await withFake { connection in
            if connection.head.contains("/start") {
                connection.say([UInt8]("HTTP/1.1 200 OK\r\n\r\n".utf8) + [1, 0, 0, 0, 0, 0, 0, 9, 65])
            } else {
                connection.answer(#"{"Id":"e","Running":false,"ExitCode":0}"#)
            }
        } _: { engine, _ in
            #expect(await failure { _ = try await engine.exec("c", ["x"]) }?.code == "docker.unreachable")
        }
    }

    @Test func commandWithoutExitCodeHasNotSucceeded() async throws {
        try await withFake { connection in
            connection.answer(connection.head.contains("/start") ? "" : #"{"Id":"e","Running":false,"ExitCode":null}"#)
        } _: { engine, _ in
            #expect(await failure { _ = try await engine.exec("c", ["x"]) }?.code == "docker.exec-failed")
        }
    }

    @Test func secretsAreNotPrinted() async throws {
        let seen = Mutex("")
        try await withFake { connection in
            if connection.head.hasPrefix("POST") {
                seen.withLock { $0 = connection.body }
                connection.answer(#"{"Name":"v","Driver":"local","Options":{"o":"password=hunter2"}}"#, status: 201)
            } else {
                connection.answer(#"{"message":"no such volume"}"#, status: 404)
            }
        } _: { engine, _ in
            let volume = try await engine.createVolume("v", options: ["o": Redacted("password=hunter2")])
            #expect(seen.withLock { $0.contains("hunter2") })
            #expect(volume.options["o"]?.exposed == "password=hunter2")
            #expect(!"\(volume)".contains("hunter2"))
            #expect(!volume.isPlain)
        }
    }
}
