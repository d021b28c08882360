import PromQL
import TestKit
import Testing
import TimeSeries

/// The same samples in our store and in a real Prometheus, and the same questions: the answers are the same.
///
/// `HOLDFAST_SEED` makes other data and other questions.
@Suite(.enabled(if: RealPrometheus.isAvailable, Comment(rawValue: RealPrometheus.howToGetOne)))
struct AgreementTests {
    private static let engine: Engine = {
        var options = Engine.Options()
        // For what was called holt_winters, and hidden later.
        options.experimental = true
        return Engine(options: options)
    }()

    @Test func generatedQueries() async throws {
        var generator = QueryGenerator(seed: Torture.seed)
        var queries: [GeneratedQuery] = []
        for feature in QueryGenerator.features {
            for number in 0..<6 { queries.append(generator.query(about: feature, isRange: number % 2 == 1)) }
        }
        try await withBoth { store, prometheus in
            let version = try await prometheus.version
            var counts = (answered: 0, refused: 0)
            for query in queries {
                let theirs = ComparedAnswer(try await prometheus.answer(to: query.text(for: version), query.time))
                let ours = ComparedAnswer(Self.engine, query, store)
                counts.answered += theirs.isEmpty ? 0 : 1
                counts.refused += theirs.isError ? 1 : 0
                if let difference = ours.difference(from: theirs, for: query) {
                    Issue.record("\(query.text) \(query.time), for \(query.feature), has \(difference)")
                }
            }
            print(
                "agreement with Prometheus \(version): \(queries.count) queries on \(QueryGenerator.features.count) features,",
                "\(counts.answered) with an answer, \(counts.refused) refused; HOLDFAST_SEED=\(Torture.seed)")
            #expect(queries.count >= 500)
            #expect(counts.answered * 10 >= queries.count * 8)
        }
    }

    /// What has no answer has none in either, for the same kind of reason.
    @Test func refusedAlike() async throws {
        try await withBoth { store, prometheus in
            for text in Self.refused {
                let query = GeneratedQuery(
                    text: text, time: .instant(SampleHost.end - 3_600_000), feature: "error", isExact: true)
                let theirs = ComparedAnswer(try await prometheus.answer(to: text, query.time))
                let ours = ComparedAnswer(Self.engine, query, store)
                #expect(theirs.isError, "\(text)")
                #expect(ours.kind == theirs.kind, "\(text): \(ours.complaint ?? "") and \(theirs.complaint ?? "")")
            }
        }
    }

    private static let refused = [
        "", "sum(", "rate(up)", "up[5m] + 1", "nofunc(up)", "up{job=\"x\"", "{}", "{job=\"\"}", "{job=~\".*\"}",
        "up offset up", "1 and 2", "up == bool", "1 == 2", "sum by (job (up)", "topk(up)", "up[5m][5m]", "rate(up[0s])",
        "label_replace(up, \"a\", \"$1\", \"job\", \"(\")", "{__name__=~\"node_load.\"} * 2",
        "rate({__name__=~\"node_network_.*\"}[5m])", "node_cpu_seconds_total * on (instance) node_load1",
        "node_load1 + on (instance) node_cpu_seconds_total",
        "http_requests_total * ignoring (code) http_requests_total",
        "node_load1 * on (instance) group_left node_cpu_seconds_total", "topk(NaN, up)", "topk(1e30, up)",
        "up and on (job) group_left up", "up{instance=~\"[\"}", "sum(up) by", "\"a\" + \"b\"", "up @ up",
        "histogram_quantile(up, up)",
        "label_join(up, \"\", \"-\", \"job\")", "up{job==\"x\"}", "1 + ", "(up", "up)", "-", "5m5", "up[5m:1m",
    ]

    /// The sample host in a store of ours and in a Prometheus.
    private func withBoth(_ body: (TimeSeriesStore, PrometheusServer) async throws -> Void) async throws {
        let host = SampleHost(seed: Torture.seed)
        try await withTemporaryFolder { folder in
            let store = try TimeSeriesStore("\(folder)/metrics", now: SampleHost.start)
            try append(host.all, to: store)
            try await withPrometheus(options: ["--enable-feature=promql-experimental-functions"]) { prometheus in
                try await prometheus.write(
                    host.all.map { labels, samples in
                        (labels.map { ($0.name, $0.value) }, samples.map { ($0.time, $0.value) })
                    })
                try await body(store, prometheus)
            }
        }
    }

    /// As scrapes come: by time.
    private func append(_ series: [SampleHost.Series], to store: TimeSeriesStore) throws {
        var byTime: [Int64: [(Labels, Double)]] = [:]
        for (labels, samples) in series {
            for sample in samples { byTime[sample.time, default: []].append((labels, sample.value)) }
        }
        for (time, samples) in byTime.sorted(by: { $0.key < $1.key }) {
            var batch = Batch(time: time)
            for (labels, value) in samples { batch.add(try store.reference(labels), value) }
            let outcome = store.append(batch, now: time)
            try #require(outcome.appended == samples.count && outcome.isDurable)
        }
    }
}

extension PrometheusServer {
    fileprivate func answer(to text: String, _ time: GeneratedQuery.Time) async throws -> PrometheusAnswer {
        switch time {
        case .instant(let time): try await instant(text, at: time)
        case .range(let range, let step): try await self.range(text, over: range, step: step)
        }
    }
}
