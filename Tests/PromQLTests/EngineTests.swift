import PromQL
import Testing
import TimeSeries

/// What the scripts cannot say: answers' shapes, options, what the store reports.
@Suite struct EngineTests {
    private let source = MemorySource()

    init() {
        source.add(
            (0..<20).map { Sample(time: Int64($0) * 60_000, value: Double($0)) },
            to: Labels(["__name__": "a_total", "job": "x"]))
        source.add(
            (0..<20).map { Sample(time: Int64($0) * 60_000, value: Double($0) * 2) },
            to: Labels(["__name__": "b_total", "job": "x"]))
    }

    private func instant(_ text: String, at time: Int64 = 600_000, _ engine: Engine = Engine()) throws -> Answer {
        try engine.instant(try engine.parse(text), at: time, from: source)
    }

    @Test func aRangeVectorIsItsSamples() throws {
        guard case .matrix(let series) = try instant("a_total[2m] offset 1m").value else {
            Issue.record("no matrix")
            return
        }
        #expect(series.map(\.labels) == [Labels(["__name__": "a_total", "job": "x"])])
        #expect(series[0].floats == [Sample(time: 480_000, value: 8), Sample(time: 540_000, value: 9)])
    }

    @Test func aSubqueryIsItsPoints() throws {
        guard case .matrix(let series) = try instant("(a_total * 2)[3m:1m]").value else {
            Issue.record("no matrix")
            return
        }
        #expect(series.map(\.labels) == [Labels(["job": "x"])])
        #expect(series[0].floats.map(\.value) == [16, 18, 20])
    }

    @Test func stringsAndScalars() throws {
        guard case .string("text", 600_000) = try instant("(\"text\")").value else {
            Issue.record("no string")
            return
        }
        guard case .scalar(let sample) = try instant("time() * 2").value else {
            Issue.record("no scalar")
            return
        }
        #expect(sample == Sample(time: 600_000, value: 1200))
    }

    @Test func startAndEndAreThoseOfTheQuery() throws {
        let engine = Engine()
        for (text, expected) in [
            ("a_total @ start()", [2.0, 2, 2]), ("a_total @ end()", [4, 4, 4]),
            ("sum_over_time(a_total[2m:1m] @ end())", [7, 7, 7]),
            ("sum_over_time((a_total @ end())[2m:1m])", [8, 8, 8]),
        ] {
            let answer = try engine.range(
                try engine.parse(text), over: 120_000...240_000, step: 60_000, from: source)
            guard case .matrix(let series) = answer.value else { continue }
            #expect(series.map { $0.floats.map(\.value) } == [expected], "\(text)")
        }
    }

    /// Prometheus's default drops the name in each function, its feature flag at the end.
    @Test func namesFallEarlyOrLate() throws {
        let text = "label_replace(rate(a_total[5m]), \"name\", \"$1\", \"__name__\", \"(.*)\")"
        func labels(_ engine: Engine) throws -> [Labels] {
            guard case .vector(let elements) = try instant(text, engine).value else { return [] }
            return elements.map(\.labels)
        }
        #expect(try labels(Engine()) == [Labels(["job": "x"])])
        var options = Engine.Options()
        options.delaysNameRemoval = true
        #expect(try labels(Engine(options: options)) == [Labels(["job": "x", "name": "a_total"])])
    }

    @Test(arguments: [
        ("rate({__name__=~\"._total\"}[5m])", "same labelset"),
        ("{__name__=~\"._total\"} * 2", "same labelset"),
        (
            "a_total + on(job) {__name__=~\"._total\"}",
            "found duplicate series for the match group {job=\"x\"} on the right"
        ),
        ("{__name__=~\"._total\"} + on(job) a_total", "many-to-one matching must be explicit"),
        ("{__name__=~\"._total\"} * on(job) group_left a_total", "grouping labels must ensure unique matches"),
        ("topk(NaN, a_total)", "parameter value is NaN"),
        ("topk(1e30, a_total)", "overflows int64"),
        ("label_replace(a_total, \"\", \"\", \"\", \"\")", "invalid destination label name"),
        ("label_replace(a_total, \"a\", \"\", \"\", \"(\")", "invalid regular expression"),
        ("count_values(\"\", a_total)", "invalid label name"),
    ])
    func dataWithoutAnAnswer(_ text: String, _ part: String) throws {
        let error = try #require(throws: PromQLError.self) { try instant(text) }
        #expect(error.kind == .execution)
        #expect(error.what.contains(part), "\(error.what)")
    }

    @Test func annotationsSayWhere() throws {
        let answer = try instant("1 +\n quantile(7, rate(b_total[5m]) + rate(gauge[5m]))")
        #expect(answer.annotations.isEmpty)
        source.add([0, 60_000].map { Sample(time: $0, value: 1) }, to: Labels(["__name__": "gauge", "job": "x"]))
        let noted = try instant("1 +\n quantile(7, rate(b_total[5m]) + rate(gauge[5m]))", at: 120_000)
        #expect(
            noted.annotations.map(\.description) == [
                "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"gauge\" (2:39)",
                "PromQL warning: quantile value should be between 0 and 1, got 7 (2:11)",
            ])
    }

    @Test func whatTheStoreCouldNotReadIsSaid() throws {
        struct Damaged: SeriesSource {
            func select(_ matchers: [Matcher], in range: ClosedRange<Int64>, limits: SelectionLimits) -> Selection {
                Selection(
                    series: [SelectedSeries(labels: Labels(), samples: [Sample(time: 0, value: 1)])],
                    warnings: ["2026-01-01.db is damaged"])
            }
        }
        let engine = Engine()
        let answer = try engine.instant(try engine.parse("a"), at: 0, from: Damaged())
        #expect(answer.annotations.map(\.description) == ["2026-01-01.db is damaged"])
    }

    @Test func aStoreThatFailsIsNotAnEmptyAnswer() throws {
        struct Broken: SeriesSource {
            struct Failure: Error {}
            func select(_ matchers: [Matcher], in range: ClosedRange<Int64>, limits: SelectionLimits) throws
                -> Selection
            {
                throw Failure()
            }
        }
        let engine = Engine()
        let error = try #require(throws: PromQLError.self) {
            try engine.instant(try engine.parse("1 + a"), at: 0, from: Broken())
        }
        #expect(error.kind == .storage)
        #expect(error.position == SourcePlace(line: 1, column: 5))
    }

    /// A range is nothing but many instants.
    @Test(arguments: [
        "a_total", "rate(a_total[5m])", "increase(a_total[90s] offset 1m)", "sum(a_total) by (job)",
        "topk(1, {__name__=~\"._total\"})", "a_total > 5", "a_total > bool 5 or b_total", "timestamp(a_total)",
        "predict_linear(a_total[5m], 60)", "max_over_time(rate(a_total[2m])[5m:30s])", "absent(a_total > 5)",
        "minute()", "scalar(a_total)", "a_total @ 300", "predict_linear(a_total[5m] @ 600, 60)",
        "b_total - on(job) group_left a_total", "quantile_over_time(0.3, b_total[4m])", "count_values(\"v\", a_total)",
        "a_total and on(job) b_total > 10", "a_total unless b_total > 10", "deriv(a_total[3m])", "time() % 7",
    ])
    func stepsAreInstants(_ text: String) throws {
        let engine = Engine()
        let query = try engine.parse(text)
        let step: Int64 = 45_000
        var byTime: [Int64: [Labels: UInt64]] = [:]
        guard
            case .matrix(let series) = try engine.range(query, over: 0...1_440_000, step: step, from: source).value
        else { return }
        for one in series {
            for sample in one.floats { byTime[sample.time, default: [:]][one.labels] = sample.value.bitPattern }
        }
        for time in stride(from: Int64(0), through: 1_440_000, by: Int64.Stride(step)) {
            var single: [Labels: UInt64] = [:]
            switch try engine.instant(query, at: time, from: source).value {
            case .vector(let elements): for one in elements { single[one.labels] = one.sample.value.bitPattern }
            case .scalar(let sample): single[Labels()] = sample.value.bitPattern
            default: Issue.record("neither vector nor scalar")
            }
            #expect(byTime[time, default: [:]] == single, "\(text) at \(time)")
        }
    }
}
