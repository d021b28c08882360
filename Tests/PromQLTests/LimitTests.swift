import PromQL
import Testing
import TimeSeries

/// One query cannot take the process down: each limit stops it with an error of its own.
@Suite struct LimitTests {
    private let source = MemorySource()

    init() {
        for series in 0..<20 {
            source.add(
                (0..<100).map { Sample(time: Int64($0) * 15_000, value: Double($0)) },
                to: Labels(["__name__": "foo", "series": "\(series)"]))
        }
    }

    private func kind(of text: String, _ change: (inout Limits) -> Void) throws -> PromQLError.Kind? {
        var options = Engine.Options()
        change(&options.limits)
        let engine = Engine(options: options)
        do {
            _ = try engine.range(try engine.parse(text), over: 0...1_500_000, step: 15_000, from: source)
            return nil
        } catch let error as PromQLError {
            return error.kind
        }
    }

    @Test func tooManySamples() throws {
        #expect(try kind(of: "foo") { $0.samples = 3_000 } == .tooManySamples)
        #expect(try kind(of: "foo") { $0.samples = 10_000 } == nil)
        #expect(try kind(of: "rate(foo[5m])") { $0.samples = 3_000 } == .tooManySamples)
        #expect(try kind(of: "vector(1)[365d:1ms]") { _ in } == .execution)
        #expect(try kind(of: "sum_over_time(vector(1)[365d:1ms])") { _ in } == .tooManySamples)
        #expect(try kind(of: "sum_over_time((foo + foo)[1h:1ms])") { $0.samples = 100_000 } == .tooManySamples)
        #expect(try kind(of: "count_values(\"a\", foo)") { $0.samples = 5_000 } == .tooManySamples)
    }

    /// What is read takes memory series by series, what is made all at once.
    @Test func tooManyValues() throws {
        #expect(try kind(of: "foo + foo") { $0.values = 5_000 } == .tooManySamples)
        #expect(try kind(of: "sum(rate(foo[5m]))") { $0.values = 5_000 } == nil)
        #expect(try kind(of: "sum_over_time(foo[1h:1s])") { $0.values = 50_000 } == .tooManySamples)
    }

    @Test func tooManySteps() throws {
        let engine = Engine()
        let error = try #require(throws: PromQLError.self) {
            try engine.range(try engine.parse("1"), over: 0...4_000_000_000_000, step: 1, from: source)
        }
        #expect(error.kind == .tooManySamples)
    }

    @Test func tooManySeries() throws {
        #expect(try kind(of: "foo") { $0.series = 19 } == .tooManySeries)
        #expect(try kind(of: "foo{series=\"1\"}") { $0.series = 1 } == nil)
    }

    @Test func tooMuchTime() throws {
        #expect(try kind(of: "foo + foo + foo") { $0.time = .zero } == .timeout)
    }

    /// However few samples there are: a long window is looked at again at every step.
    @Test func tooMuchTimeInOneSeries() throws {
        source.add((0..<4_000).map { Sample(time: $0 * 10, value: 1) }, to: Labels(["__name__": "long"]))
        #expect(
            try kind(of: "quantile_over_time(0.5, long[1h]) + quantile_over_time(0.5, long[1h] offset 1ms)") {
                $0.time = .milliseconds(1)
            } == .timeout)
    }

    @Test func tooDeep() throws {
        #expect(try kind(of: "1+1+1+1+1") { $0.depth = 4 } == .tooDeep)
        #expect(try kind(of: "((((1))))") { $0.depth = 4 } == .tooDeep)
        #expect(try kind(of: "((1))") { $0.depth = 4 } == nil)
    }

    @Test func cancelled() throws {
        let engine = Engine()
        let error = try #require(throws: PromQLError.self) {
            try engine.range(
                try engine.parse("foo + foo + foo"), over: 0...1_500_000, step: 15_000, from: source,
                isCancelled: { true })
        }
        #expect(error.kind == .cancelled)
    }

    @Test(arguments: [Int64.min, .max, 1 << 60]) func timesOutOfRange(_ time: Int64) throws {
        let engine = Engine()
        for text in ["foo", "foo offset 100y", "rate(foo[100y] @ 1e12)", "foo[100y:1y]"] {
            let error = try #require(throws: PromQLError.self) {
                try engine.instant(try engine.parse(text), at: time, from: source)
            }
            #expect(error.kind == .execution)
        }
    }
}
