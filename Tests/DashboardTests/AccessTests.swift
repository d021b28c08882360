import Dashboard
import Glibc
import HTTPClient
import Machine
import TestKit
import Testing

/// Who may do what.
@Suite struct AccessTests {
    private static let token = "0123456789abcdef"

    /// One row of the table: how it listens, what is asked, what comes of it.
    struct Row: Sendable, CustomTestStringConvertible {
        var listen = "127.0.0.1:0"
        var method = "GET"
        var path = "/api/v1/query?query=1"
        var host = "localhost"
        var authorization: String?
        var origin: String?
        var hasToken = true
        let status: Int

        var testDescription: String {
            "\(method) \(path) at \(listen) as \(host), \(authorization ?? "nobody"), from \(origin ?? "-"): \(status)"
        }
    }

    private static let bearer = "Bearer \(token)"
    /// `ann:correct horse`
    private static let basic = "Basic YW5uOmNvcnJlY3QgaG9yc2U="
    private static let everywhere = "0.0.0.0:0"

    private static let rows: [Row] = [
        // Reading on loopback: by name only.
        Row(status: 200), Row(host: "127.0.0.1:9470", status: 200), Row(host: "[::1]:9470", status: 200),
        Row(host: "LOCALHOST.", status: 200), Row(host: "status.example.org", status: 200),
        Row(host: "evil.example", status: 403), Row(host: "127.0.0.1.evil.example", status: 403),
        Row(host: "localhost@evil.example", status: 403), Row(host: "", status: 403), Row(host: "[::1", status: 403),
        Row(host: "localhost:x", status: 403), Row(authorization: "Bearer wrong", status: 200),
        Row(path: "/nosuch", host: "evil.example", status: 403), Row(path: "/nosuch", status: 404),
        // Changing on loopback: the token, and a name that is known.
        Row(method: "POST", path: "/-/reload", status: 401),
        Row(method: "POST", path: "/-/reload", authorization: bearer, status: 200),
        Row(method: "POST", path: "/-/reload", authorization: "bearer  \(token)", status: 200),
        Row(method: "POST", path: "/-/reload", authorization: "Bearer \(token)0", status: 401),
        Row(method: "POST", path: "/-/reload", authorization: "Bearer", status: 401),
        Row(method: "POST", path: "/-/reload", authorization: basic, status: 401),
        Row(method: "POST", path: "/-/reload", host: "evil.example", authorization: bearer, status: 403),
        Row(method: "POST", path: "/-/reload", authorization: bearer, origin: "http://evil.example", status: 403),
        Row(method: "POST", path: "/-/reload", authorization: bearer, origin: "null", status: 403),
        Row(method: "POST", path: "/-/reload", authorization: bearer, origin: "http://localhost:9470", status: 200),
        Row(method: "POST", path: "/-/reload", authorization: bearer, hasToken: false, status: 403),
        Row(path: "/-/reload", authorization: bearer, status: 405),
        Row(method: "PUT", path: "/-/reload", authorization: bearer, status: 405),
        Row(method: "POST", path: "/api/v1/import/openmetrics", status: 401),
        // Elsewhere: credentials for everything.
        Row(listen: everywhere, status: 401), Row(listen: everywhere, path: "/-/healthy", status: 401),
        Row(listen: everywhere, path: "/metrics", status: 401), Row(listen: everywhere, path: "/nosuch", status: 401),
        Row(listen: everywhere, host: "192.0.2.1", authorization: bearer, status: 200),
        Row(listen: everywhere, host: "192.0.2.1", authorization: basic, status: 200),
        // ann:wrong, bob:correct horse, ann:, no base64
        Row(listen: everywhere, authorization: "Basic YW5uOndyb25n", status: 401),
        Row(listen: everywhere, authorization: "Basic Ym9iOmNvcnJlY3QgaG9yc2U=", status: 401),
        Row(listen: everywhere, authorization: "Basic YW5uOg==", status: 401),
        Row(listen: everywhere, authorization: "Basic !!!", status: 401),
        Row(
            listen: everywhere, method: "POST", path: "/-/reload", host: "192.0.2.1", authorization: bearer, status: 403
        ),
        Row(
            listen: everywhere, method: "POST", path: "/-/reload", host: "status.example.org", authorization: bearer,
            status: 200),
        Row(listen: everywhere, method: "POST", path: "/-/reload", authorization: basic, status: 401),
    ]

    @Test(arguments: rows)
    func whoMay(row: Row) async throws {
        try await withService(edit: { settings, folder in
            settings.listen = row.listen
            settings.hosts = ["Status.Example.org"]
            if row.hasToken { settings.tokenFile = try secretFile(Self.token, in: folder, "token") }
            settings.users = [.init(name: "ann", passwordFile: try secretFile("correct horse", in: folder, "ann"))]
        }) { service in
            let connection = try RawConnection(service.port)
            let fields = [
                "Host: \(row.host)", "Content-Length: 0", row.authorization.map { "Authorization: \($0)" },
                row.origin.map { "Origin: \($0)" },
            ]
            let lines = ["\(row.method) \(row.path) HTTP/1.1"] + fields.compactMap(\.self)
            try await connection.say(lines.joined(separator: "\r\n") + "\r\n\r\n")
            let answer = try await connection.answer()
            #expect(answer.hasPrefix("HTTP/1.1 \(row.status) "), "\(answer)")
            #expect(answer.contains("WWW-Authenticate: Basic") == (row.status == 401))
            #expect(!answer.contains("Access-Control"))
            #expect(!answer.contains(Self.token) && !answer.contains("/tmp/"))
            let isReloaded = row.path == "/-/reload" && row.status == 200
            #expect(service.monitor.reloads == (isReloaded ? 1 : 0))
        }
    }

    @Test func twoHosts() async throws {
        try await withService { service in
            let connection = try RawConnection(service.port)
            try await connection.say("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
            #expect(try await connection.answer().hasPrefix("HTTP/1.1 403 "))
        }
    }

    /// A picture on a page that somebody visits.
    @Test func aPageOfAnotherSite() async throws {
        try await withService { service in
            for (mode, status) in [("no-cors", 403), ("navigate", 200)] {
                let connection = try RawConnection(service.port)
                try await connection.say(
                    "GET /api/v1/query?query=1 HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n"
                        + "Sec-Fetch-Mode: \(mode)\r\n\r\n")
                #expect(try await connection.answer().hasPrefix("HTTP/1.1 \(status) "))
            }
        }
    }

    @Test func openToEverybody() async throws {
        await #expect {
            try await withService(edit: { settings, _ in settings.listen = "0.0.0.0:0" }) { _ in }
        } throws: {
            ($0 as? any Explained)?.code == "dashboard.open"
        }
    }

    @Test(arguments: ["127.0.0.1", "9470", ":9470", "127.0.0.1:99999", "::1:9470", "[::1]", "a b:c", ""])
    func addressesThatAreNone(listen: String) async throws {
        await #expect { try await withService(edit: { settings, _ in settings.listen = listen }) { _ in } } throws: {
            ($0 as? any Explained)?.code == "dashboard.address"
        }
    }

    @Test func overIPv6() async throws {
        try await withService(edit: { settings, _ in settings.listen = "[::1]:0" }) { service in
            let answer = try await HTTPClient().send(.init("GET", "http://[::1]:\(service.port)/-/healthy"))
            #expect(answer.status == 200)
        }
    }

    @Test func aPortThatIsTaken() async throws {
        try await withService { first in
            await #expect {
                try await withService(edit: { settings, _ in settings.listen = "127.0.0.1:\(first.port)" }) { _ in }
            } throws: {
                ($0 as? any Explained)?.code == "dashboard.listen"
            }
        }
    }

    @Test(arguments: [("short", 0o600), ("long enough for all", 0o644), ("", 0o600)] as [(String, mode_t)])
    func secretsThatAreNone(text: String, mode: mode_t) async throws {
        await #expect {
            try await withService(edit: { settings, folder in
                settings.tokenFile = try secretFile(text, in: folder, mode: mode)
            }) { _ in }
        } throws: {
            ($0 as? any Explained)?.code == "dashboard.secret" && (text.count < 10 || !"\($0)".contains(text))
        }
    }

    /// A reload reads the secrets again; what is wrong leaves the old ones in force.
    @Test func secretsAreReadAgain() async throws {
        try await withTemporaryFolder { folder in
            let path = try secretFile("the first token", in: folder)
            try await withService(edit: { settings, _ in settings.tokenFile = path }) { service in
                func reload(_ token: String) async throws -> Int {
                    try await service.post("/-/reload", headers: [("Authorization", "Bearer \(token)")]).status
                }
                _ = try secretFile("the second token", in: folder)
                #expect(try await reload("the first token") == 200)
                #expect(try await reload("the first token") == 401)
                _ = try secretFile("x", in: folder)
                #expect(try await reload("the second token") == 500)
                #expect(try await reload("the second token") == 500)
            }
        }
    }

    /// The words of a failed reload reach the client, places do not.
    @Test func aReloadThatFails() async throws {
        struct Failure: Explained {
            let code = "x", what = "The rules are wrong.", place: String? = "/etc/secret/place", remedy: String? = nil
        }
        var state = ScriptedMonitor.State()
        state.reloadFailure = Failure()
        try await withService(state, edit: { $0.tokenFile = try secretFile(Self.token, in: $1) }) { service in
            let answer = try await service.post("/-/reload", headers: [("Authorization", Self.bearer)])
            #expect(answer.status == 500)
            #expect(String(decoding: answer.body, as: UTF8.self) == "failed to reload config: The rules are wrong.\n")
        }
    }
}
