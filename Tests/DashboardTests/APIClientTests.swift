import Exposition
import Foundation
import Monitoring
import TestKit
import Testing
import TimeSeries

/// A client that was written for Prometheus, as it is.
@Suite struct APIClientTests {
    private var state: ScriptedMonitor.State {
        var state = ScriptedMonitor.State()
        let labels = Labels(["instance": "a", "job": "api"])
        var target = TargetStatus(
            pool: "node", discovered: labels, labels: labels, url: "http://a/metrics", interval: 15_000,
            timeout: 10_000)
        target.health = .up
        state.targets.active = [target]
        state.metadata = [(labels, MetricMetadata(family: "up", kind: .gauge, help: "Whether it is up.", unit: ""))]
        return state
    }

    /// Ten minutes, four values a minute.
    private var samples: String {
        (1...40).map { number in
            let time = 1_764_109_400 + number * 15
            return """
                up{instance="a",job="api"} 1 \(time)
                up{instance="b",job="web"} 0 \(time)
                requests_total{instance="a",job="api"} \(Double(number) * 7.5) \(time)

                """
        }.joined()
    }

    @Test func everyCall() async throws {
        try await withService(state, samples: samples) { service in
            try await withTemporaryFolder { folder in
                let passed = ProcessInfo.processInfo.environment.filter { name, _ in
                    name.hasPrefix("PIP_") || name.lowercased().hasSuffix("_proxy") || ["CI", "HOME"].contains(name)
                }
                let outcome = try await CommandRunner(environment: passed).run([
                    realScript("api-client.sh"), folder, service.url,
                ])
                if outcome.status == 77 {
                    print("skipped: \(outcome.errors)")
                } else {
                    #expect(outcome.status == 0 && outcome.output == "all was answered\n", "\(outcome)")
                }
            }
        }
    }
}
