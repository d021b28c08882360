import Foundation
import HTTPClient
import TestKit
import Testing

/// The same data here and in a real Prometheus: the same answers, and the same refusals. What came after Debian's version
/// (`limit`, `lookback_delta`, pages of rules) is in the other suites.
@Suite struct RealPrometheusTests {
    /// An hour of some series, a value every 15 s.
    private let samples: String = {
        var lines: [String] = []
        for (name, factor) in [("requests_total", 1.25), ("heat_celsius", -0.001)] {
            for job in ["api", "web"] {
                for number in 0..<240 {
                    let labels = "instance=\"a\",job=\"\(job)\",path=\"/\\\"\\\\é\""
                    lines.append("\(name){\(labels)} \(Double(number) * factor) \(1_764_106_400 + number * 15).250")
                }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }()

    private static let range = "start=1764106400&end=1764110000&step=60"
    private static let times = "start=1764106400&end=1764110000"

    /// Of each the whole answer is compared.
    private static let answered: [String] = [
        "query?query=1%2B1&time=4", "query?query=%22a%5Cn%3C%C3%A9%3E%22&time=4.5",
        "query?query=requests_total&time=1764109000.123", "query?query=heat_celsius%5B2m%5D&time=1764109007",
        "query?query=sum%20by(job)(rate(requests_total%5B5m%5D))&time=2025-11-25T22:16:47.5Z",
        "query?query=vector(1)/0&time=1", "query?query=-vector(1)/0&time=1", "query?query=vector(1e-7)&time=1",
        "query?query=vector(1e21)&time=1", "query?query=vector(NaN)&time=-1.5", "query?query=nosuch&time=1764109000",
        "query?query=scalar(heat_celsius)&time=1764109000", "query?query=1&time=4&timeout=1m",
        "query_range?query=requests_total&\(range)", "query_range?query=rate(requests_total%5B5m%5D)&\(range)",
        "query_range?query=1&\(range)", "query_range?query=time()&\(range)", "query_range?query=nosuch&\(range)",
        "query_range?query=1&start=1&end=11001&step=1", "query_range?query=1&start=0&end=3&step=1m30s",
        "series?match[]=requests_total&\(times)", "series?match[]=nosuch&match[]=%7Bjob=~%22a.*%22%7D&\(times)",
        "labels?\(times)", "labels?match[]=heat_celsius&\(times)", "label/job/values?\(times)",
        "label/__name__/values?\(times)", "label/job/values?match[]=requests_total%7Bjob=%22web%22%7D&\(times)",
        "label/nosuch/values", "query_exemplars?query=up", "metadata",
        "targets/metadata", "rules", "rules?type=alert", "alerts", "alertmanagers",
    ]

    /// Of each the status and the type of the error are compared.
    private static let refused: [String] = [
        "query", "query?query=", "query?query=sum(", "query?query=a%20b", "query?query=1&time=abc",
        "query?query=1&timeout=abc", "query?query=rate(x)", "query?query=%7B%7D", "query?query=x%7Ba=~%22*%22%7D",
        "query?query=requests_total%20%2B%20on(instance)%20heat_celsius&time=1764109000", "query_range",
        "query_range?query=1&start=1&end=2&step=0", "query_range?query=1&start=2&end=1&step=1",
        "query_range?query=1&start=1&end=2&step=abc", "query_range?query=1&start=1&end=2&step=1e300",
        "query_range?query=1&start=0&end=11001&step=1", "query_range?query=%22x%22&\(range)",
        "query_range?query=x%5B5m%5D&\(range)", "series", "series?match[]=%7B%7D", "series?match[]=1%2B1",
        "series?match[]=x%5B5m%5D", "series?match[]=x&start=abc", "labels?start=abc", "labels?match[]=%7B%7D",
        "label/job/values?end=abc", "label/job/values?match[]=x%7B", "query_exemplars", "query_exemplars?query=(",
        "query_exemplars?query=up&start=2&end=1", "metadata?limit=x", "targets/metadata?limit=x",
        "targets/metadata?match_target=%7B", "rules?type=x", "nosuch",
    ]

    @Test(.enabled(if: RealPrometheus.isAvailable, Comment(rawValue: RealPrometheus.howToGetOne)))
    func sameAnswers() async throws {
        try await withService(samples: samples) { service in
            try await withPrometheus { prometheus in
                try await prometheus.write(series())
                for path in Self.answered {
                    let (ours, theirs) = try await both(path, service.url, prometheus.url)
                    #expect(ours.status == theirs.status, "\(path)")
                    #expect(ours.json == theirs.json, "\(path): \(ours.text) – \(theirs.text)")
                }
                for path in Self.refused {
                    let (ours, theirs) = try await both(path, service.url, prometheus.url)
                    #expect(
                        ours.status == theirs.status && ours.status >= 400, "\(path): \(ours.text) – \(theirs.text)")
                    let types = [ours, theirs].map { ($0.json as? [String: Any])?["errorType"] as? String }
                    #expect(types[0] == types[1], "\(path): \(ours.text) – \(theirs.text)")
                }
            }
        }
    }

    private func series() -> [PrometheusServer.Series] {
        var series: [PrometheusServer.Series] = []
        let families: [(name: String, factor: Double)] = [("requests_total", 1.25), ("heat_celsius", -0.001)]
        for family in families {
            let samples = (0..<240).map { number -> (time: Int64, value: Double) in
                (1_764_106_400_250 + Int64(number) * 15_000, Double(number) * family.factor)
            }
            for job in ["api", "web"] {
                let labels: [(name: String, value: String)] = [
                    ("__name__", family.name), ("instance", "a"), ("job", job), ("path", "/\"\\é"),
                ]
                series.append((labels: labels, samples: samples))
            }
        }
        return series
    }

    private struct Answer {
        let status: Int
        let text: String
        /// Nil when it is none.
        let json: NSObject?
    }

    private func both(_ path: String, _ ours: String, _ theirs: String) async throws -> (Answer, Answer) {
        (try await answer(ours, path), try await answer(theirs, path))
    }

    private func answer(_ url: String, _ path: String) async throws -> Answer {
        let response = try await HTTPClient().send(.init("GET", "\(url)/api/v1/\(path)"))
        return Answer(
            status: response.status, text: String(decoding: response.body.prefix(400), as: UTF8.self),
            json: try? JSONSerialization.jsonObject(with: Data(response.body)) as? NSObject)
    }
}
