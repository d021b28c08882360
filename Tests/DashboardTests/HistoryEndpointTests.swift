import Dashboard
import Foundation
import HTTPClient
import TestKit
import Testing
import TimeSeries

/// What `holdfast metrics import` and `export` ask of a service that runs.
@Suite struct HistoryEndpointTests {
    private static let token = "0123456789abcdef"

    private func withTokenService(_ samples: String = "", _ body: (Service) async throws -> Void) async throws {
        try await withService(samples: samples, edit: { $0.tokenFile = try secretFile(Self.token, in: $1) }, body)
    }

    private func send(_ text: String, to service: Service) async throws -> (status: Int, text: String) {
        let response = try await service.post(
            "/api/v1/import/openmetrics", text, headers: [("Authorization", "Bearer \(Self.token)")])
        return (response.status, String(decoding: response.body, as: UTF8.self))
    }

    @Test func thereAndBack() async throws {
        try await withTokenService { service in
            let text = """
                a{b="x\\"\\\\\\né"} 1 1764109000.000
                a{b="x\\"\\\\\\né"} NaN 1764109015.500
                a{b="y"} +Inf 1764109000.000
                b 1e-07 1764109000.000
                # EOF

                """
            let taken = try await send(text, to: service)
            #expect(taken.text == #"{"status":"success","data":{"samples":4,"tooOld":0,"tooNew":0}}"#)
            #expect(try await service.text("/api/v1/export/openmetrics") == text)
            let part = try await service.text("/api/v1/export/openmetrics?match[]=a&start=1764109010&end=1764109020")
            #expect(part.split(separator: "\n").count == 2)
            #expect(try await service.text("/api/v1/export/openmetrics?start=2&end=1") == "# EOF\n")
            let later = try await send("a{b=\"y\"} 5 1764109000\n# EOF\n", to: service)
            #expect(later.status == 200)
            #expect(
                try await service.text("/api/v1/export/openmetrics?match[]=%7Bb=%22y%22%7D").hasPrefix("a{b=\"y\"} 5 "))
        }
    }

    @Test(arguments: [
        ("a 1\n# EOF\n", "line 1, column 1: The sample has no time."),
        ("a 1 5\n", "line 2, column 1: The end is missing: # EOF."), ("a{\n# EOF\n", "line 1, column 3: "),
    ])
    func whatIsNoHistory(text: String, words: String) async throws {
        try await withTokenService { service in
            let answer = try await send(text, to: service)
            #expect(
                answer.status == 400 && answer.text.contains(#""errorType":"bad_data","error":""# + words), "\(answer)")
        }
    }

    @Test func timesThatAreNotKept() async throws {
        try await withTokenService { service in
            let answer = try await send("a 1 5\na 1 1764109000\na 1 1764110601\n# EOF\n", to: service)
            #expect(answer.text.contains(#""data":{"samples":1,"tooOld":1,"tooNew":1}"#), "\(answer)")
        }
    }

    @Test func aPieceThatIsTooLarge() async throws {
        try await withTokenService { service in
            let answer = try await send(String(repeating: "a 1 1764109000\n", count: 1_200_000), to: service)
            #expect(answer.status == 413)
        }
    }

    /// What is damaged is missing, and the answer says so at its end.
    @Test func anExportThatIsNotWhole() async throws {
        let samples = "a 1 1764109000\nb 2 1764109000\n"
        try await withTokenService(samples) { service in
            let day = "\(service.monitor.store.folder)/2025-11-25.sqlite"
            let outcome = try await CommandRunner().run([
                "sqlite3", day, "UPDATE chunk SET data = x'0102030405' WHERE key = (SELECT MIN(key) FROM chunk)",
            ])
            #expect(outcome.status == 0, "\(outcome)")
            let answer = try await service.get("/api/v1/export/openmetrics")
            #expect(String(decoding: answer.body, as: UTF8.self) == "b 2 1764109000.000\n# EOF\n")
            let damage = try #require(answer.header("X-Holdfast-Damage"))
            #expect(damage.contains("damaged") && !damage.contains("/"))
        }
    }
}
