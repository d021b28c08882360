internal import FoundationEssentials
package import Glibc
import HTTPClient
import Machine

/// Debian's Prometheus, started for one test.
///
///     @Test(.enabled(if: RealPrometheus.isAvailable, Comment(rawValue: RealPrometheus.howToGetOne)))
package enum RealPrometheus {
    /// Whether tests that need it are to be run. Under CI always, so that one that is missing fails them.
    package static var isAvailable: Bool {
        environment("CI") == "true" || onPath("prometheus") && onPath("promtool")
    }

    /// Why tests were skipped.
    package static let howToGetOne = "needs prometheus and promtool: `Tests/Real/packages.sh metrics` installs them"

    private static func onPath(_ program: String) -> Bool {
        (environment("PATH") ?? "").split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
    }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}

/// A running Prometheus that answers on 127.0.0.1.
package struct PrometheusServer: Sendable {
    /// `http://127.0.0.1:PORT`
    package let url: String
    package let pid: pid_t
    /// What it keeps.
    package let folder: String
}

/// Runs `body` beside a Prometheus on a port and in a folder of its own, which scrapes only what `configuration` says.
package func withPrometheus<Result>(
    configuration: String = "global: {}\n", options: [String] = [], isolation: isolated (any Actor)? = #isolation,
    _ body: (PrometheusServer) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { folder in
        try Descriptor.folder(folder).publish("prometheus.yml", Array(configuration.utf8), replacing: false)
        let url = "http://127.0.0.1:\(try freePort())"
        let running = try CommandRunner(folder: folder).start(
            [
                "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                // The data of tests has times of its own.
                "--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver",
                "--web.listen-address=\(url.dropFirst("http://".count))", "--log.level=warn",
            ] + options)
        return try await cleaningUp {
            let server = PrometheusServer(url: url, pid: running.pid, folder: "\(folder)/data")
            let end = monotonicSeconds() + 60
            while !(try await server.isReady) {
                guard monotonicSeconds() < end, isRunning(running.pid) else {
                    throw TestKitError(description: "prometheus does not answer: \(try running.errorsSoFar())")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
            return try await body(server)
        } after: {
            running.signal(SIGKILL)
            _ = try await running.wait()
        }
    }
}

extension PrometheusServer {
    fileprivate var isReady: Bool {
        get async throws {
            let answer = try? await HTTPClient().send(HTTPClient.Request("GET", url + "/-/ready"))
            return answer?.succeeded ?? false
        }
    }

    /// One series: labels sorted by name, samples ascending in time, which is in milliseconds.
    package typealias Series = (labels: [(name: String, value: String)], samples: [(time: Int64, value: Double)])

    /// Puts samples in as they are, by remote write.
    ///
    /// Prometheus takes nothing that is an hour older than its newest sample: so all series go in half an hour at a time.
    package func write(_ series: [Series]) async throws {
        let times = series.flatMap { [$0.samples.first?.time, $0.samples.last?.time] }.compactMap(\.self)
        guard let first = times.min(), let last = times.max() else { return }
        for start in stride(from: first, through: last, by: 1_800_000) {
            var request = RemoteWrite()
            for one in series {
                let samples = one.samples.filter { (start..<start + 1_800_000).contains($0.time) }
                if !samples.isEmpty { request.add(labels: one.labels, samples: samples) }
            }
            if request.isEmpty { continue }
            let answer = try await HTTPClient().send(
                HTTPClient.Request(
                    "POST", url + "/api/v1/write",
                    headers: [
                        ("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy"),
                        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
                    ], body: request.body))
            guard answer.succeeded else {
                throw TestKitError(description: "remote write: \(String(decoding: answer.body, as: UTF8.self))")
            }
        }
    }

    /// `2.42.0`
    package var version: String {
        get async throws {
            let answer = try await HTTPClient().send(HTTPClient.Request("GET", url + "/api/v1/status/buildinfo"))
            let json = try JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))
            return json["data"]["version"].string ?? ""
        }
    }

    /// What it says to an expression at one time, in milliseconds.
    package func instant(_ expression: String, at time: Int64) async throws -> PrometheusAnswer {
        try await ask("query", ["query": expression, "time": seconds(time)])
    }

    /// What it says to an expression at the first time of `range`, then every `step` up to the last; milliseconds.
    package func range(_ expression: String, over range: ClosedRange<Int64>, step: Int64) async throws
        -> PrometheusAnswer
    {
        try await ask(
            "query_range",
            [
                "query": expression, "start": seconds(range.lowerBound), "end": seconds(range.upperBound),
                "step": seconds(step),
            ])
    }

    private func ask(_ endpoint: String, _ parameters: [String: String]) async throws -> PrometheusAnswer {
        let form = parameters.map { "\($0.key)=\(percentEncoded($0.value))" }.joined(separator: "&")
        let answer = try await HTTPClient().send(
            HTTPClient.Request(
                "POST", "\(url)/api/v1/\(endpoint)",
                headers: [("Content-Type", "application/x-www-form-urlencoded")], body: Array(form.utf8),
                bodyLimit: 256 << 20))
        return try JSONDecoder().decode(PrometheusAnswer.self, from: Data(answer.body))
    }
}

private func seconds(_ milliseconds: Int64) -> String {
    let fraction = "\(1_000 + milliseconds % 1_000)".dropFirst()
    return "\(milliseconds / 1_000).\(fraction)"
}

/// What Prometheus's interface says to an expression.
package struct PrometheusAnswer: Decodable, Sendable {
    package struct Series: Sendable {
        package let labels: [String: String]
        /// Times in milliseconds.
        package let samples: [(time: Int64, value: Double)]
    }

    /// `bad_data`, `execution`, …; nil: it answered.
    package let errorType: String?
    package let error: String?
    /// `vector`, `matrix`, `scalar` or `string`.
    package let resultType: String
    /// In the order of the answer; a scalar has no labels.
    package let series: [Series]

    private enum Key: String, CodingKey { case errorType, error, data, resultType, result, metric, value, values }

    package init(from decoder: any Decoder) throws {
        let answer = try decoder.container(keyedBy: Key.self)
        errorType = try answer.decodeIfPresent(String.self, forKey: .errorType)
        error = try answer.decodeIfPresent(String.self, forKey: .error)
        guard errorType == nil else {
            (resultType, series) = ("", [])
            return
        }
        let data = try answer.nestedContainer(keyedBy: Key.self, forKey: .data)
        resultType = try data.decode(String.self, forKey: .resultType)
        switch resultType {
        case "scalar": series = [Series(labels: [:], samples: [try data.decode(Point.self, forKey: .result).sample])]
        case "string": series = []
        default: series = try data.decode([Element].self, forKey: .result).map(\.series)
        }
    }

    private struct Element: Decodable {
        let series: Series

        init(from decoder: any Decoder) throws {
            let element = try decoder.container(keyedBy: Key.self)
            let points =
                try element.decodeIfPresent([Point].self, forKey: .values)
                ?? [try element.decode(Point.self, forKey: .value)]
            series = Series(
                labels: try element.decode([String: String].self, forKey: .metric), samples: points.map(\.sample))
        }
    }

    /// `[1709164800.5, "12"]`
    private struct Point: Decodable {
        let sample: (time: Int64, value: Double)

        init(from decoder: any Decoder) throws {
            var pair = try decoder.unkeyedContainer()
            let time = try pair.decode(Double.self)
            let text = try pair.decode(String.self)
            guard let value = Double(text) else {
                throw DecodingError.dataCorruptedError(in: pair, debugDescription: "no number: \(text)")
            }
            sample = (Int64((time * 1_000).rounded()), value)
        }
    }
}
