import Glibc
import HTTPClient
import Machine
import TestKit

/// A host on which `holdfast watch` measures.
struct MeasuredHost: Sendable {
    let folder: String
    let port: Int
    /// Where its measurements lie is below this.
    let state: String

    var url: String { "http://127.0.0.1:\(port)" }
    var holdfast: CommandRunner { CommandRunner(environment: ["HOLDFAST_CONFIG": "\(folder)/holdfast.yml"]) }

    /// Says what is scraped: jobs with their address, each so often.
    func scrape(_ jobs: [(name: String, address: String)], every interval: String = "1s") throws {
        let jobs = jobs.map {
            """
              - job_name: \($0.name)
                static_configs: [{ targets: ["\($0.address)"] }]

            """
        }
        try write(
            "prometheus.yml",
            "global: { scrape_interval: \(interval), scrape_timeout: \(interval) }\nscrape_configs:\n" + jobs.joined())
    }

    func write(_ name: String, _ text: String) throws {
        try Descriptor.folder(folder).publish(name, Array(text.utf8), replacing: true)
    }

    /// Runs `body` beside `holdfast watch`, which is killed afterwards if it has not ended.
    func watching<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Running) async throws -> Result
    ) async throws -> Result {
        let running = try holdfast.start([CommandRunner.binary, "watch"])
        do {
            try await untilTrue("it answers") {
                guard isRunning(running.pid) else { throw TestKitError(description: "it has ended") }
                return await isReady
            }
            let result = try await body(running)
            running.signal(SIGKILL)
            _ = try? await running.wait()
            return result
        } catch {
            let said = (try? running.errorsSoFar()) ?? ""
            running.signal(SIGKILL)
            _ = try? await running.wait()
            throw TestKitError(description: "\(error)\n--- it said\n\(said)")
        }
    }

    private var isReady: Bool {
        get async {
            (try? await HTTPClient().send(HTTPClient.Request("GET", url + "/-/ready")).succeeded) ?? false
        }
    }

    /// The series of an answer now; a `metric` and a `value` or `values` each.
    func ask(_ expression: String) async throws -> [JSONValue] {
        let answer = try await HTTPClient().send(
            HTTPClient.Request(
                "POST", url + "/api/v1/query", headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array("query=\(expression)".utf8)))
        let text = String(decoding: answer.body, as: UTF8.self)
        guard answer.succeeded else { throw TestKitError(description: "\(expression): \(text)") }
        return try JSONValue(parsing: text)["data"]["result"].all
    }

    /// The first value of an answer.
    func value(_ expression: String) async throws -> Double? {
        try await ask(expression).first.flatMap { $0["value"][1].string }.flatMap { Double($0) }
    }

    /// When a series has samples, in milliseconds.
    func times(_ selector: String) async throws -> [Int] {
        try await ask("\(selector)[1h]").first.map { series in
            series["values"].all.compactMap { pair in
                guard case .number(let seconds) = pair[0] else { return nil }
                return Int((seconds * 1_000).rounded())
            }
        } ?? []
    }

    /// Whether it says that samples are in memory only.
    func isUnsaved() async throws -> Bool {
        let answer = try await HTTPClient().send(HTTPClient.Request("GET", url + "/metrics"))
        return String(decoding: answer.body, as: UTF8.self).contains("\nholdfast_store_unsaved 1\n")
    }

    /// Waits until `condition` holds, longer than anything here should take.
    func untilTrue(
        _ what: String, isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
    ) async throws {
        let end = monotonicSeconds() + 90
        while !(try await condition()) {
            guard monotonicSeconds() < end else { throw TestKitError(description: "not in 90 s: \(what)") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// Such a host beside a node exporter that it scrapes every second as `node`.
///
/// - Parameter state: where it keeps things; nil: in its folder.
func withMeasuredHost(
    state: String? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (_ host: MeasuredHost, _ exporter: String) async throws -> Void
) async throws {
    try await RealExporter.running("prometheus-node-exporter") { address in
        try await withTemporaryFolder { folder in
            let host = MeasuredHost(folder: folder, port: try freePort(), state: state ?? "\(folder)/state")
            try host.write(
                "holdfast.yml",
                """
                metrics: { prometheus: \(folder)/prometheus.yml, listen: "127.0.0.1:\(host.port)" }
                docker: { socket: /nonexistent }
                state: \(host.state)

                """)
            try host.scrape([("node", address)])
            try await body(host, address)
        }
    }
}
