import PromQL
import Synchronization
import Testing
import TimeSeries

/// Questions that nobody asks by accident: each ends soon, in an error of its own or with an answer.
@Suite struct HostileQueryTests {
    /// So many series of one metric, each with a few samples, whatever is asked for.
    private struct Wide: SeriesSource {
        private let series: [SelectedSeries]

        init(_ count: Int) {
            series = (0..<count).map { number in
                SelectedSeries(
                    labels: Labels(["__name__": "wide", "n": "\(1_000_000 + number)"]),
                    samples: (0..<3).map { Sample(time: Int64($0) * 15_000, value: Double(number)) })
            }
        }

        func select(_ matchers: [Matcher], in range: ClosedRange<Int64>, limits: SelectionLimits) -> Selection {
            Selection(series: series)
        }
    }

    private static let wide = Wide(100_000)
    private static let narrow = Wide(3)

    private enum Outcome: Equatable {
        case answered
        case refused(PromQLError.Kind)
    }

    /// At one time, or over 11,000 steps as many as the interface admits.
    private func outcome(
        of text: String, over source: Wide = narrow, isRange: Bool = false,
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Outcome {
        let engine = Engine()
        do {
            let query = try engine.parse(text)
            if isRange {
                _ = try engine.range(query, over: 0...10_999_000, step: 1_000, from: source, isCancelled: isCancelled)
            } else {
                _ = try engine.instant(query, at: 30_000, from: source, isCancelled: isCancelled)
            }
            return .answered
        } catch let error as PromQLError {
            #expect(error.what.utf8.count < 10_000, "a complaint that is as long as the question")
            return .refused(error.kind)
        }
    }

    // MARK: Texts

    static let deep: [String] = [
        String(repeating: "(", count: 100_000) + "1" + String(repeating: ")", count: 100_000),
        String(repeating: "-", count: 100_000) + "1", String(repeating: "sum(", count: 50_000) + "x",
        String(repeating: "1+", count: 100_000) + "1", String(repeating: "1^", count: 100_000) + "1",
        "x" + String(repeating: "[5m:1m]", count: 20_000), String(repeating: "max_over_time(x[1m:1s", count: 20_000),
        String(repeating: "label_replace(", count: 50_000),
    ]

    @Test(arguments: deep.indices) func deepNesting(_ index: Int) throws {
        let outcome = try outcome(of: Self.deep[index])
        #expect(outcome == .refused(.tooDeep) || outcome == .refused(.syntax))
    }

    @Test func longTexts() throws {
        let names = (0..<20_000).map { "l\($0)" }.joined(separator: ",")
        #expect(try outcome(of: "sum by (\(names)) (x)") == .answered)
        #expect(try outcome(of: "x * on (\(names)) group_left x") == .refused(.execution))
        let matchers = (0..<5_000).map { "l\($0)!=\"v\"" }.joined(separator: ",")
        #expect(try outcome(of: "x{\(matchers)}") == .answered)
        let long = String(repeating: "a", count: 1 << 20)
        #expect(try outcome(of: "\"\(long)\"") == .answered)
        #expect(try outcome(of: "x{n=~\"\(long)\"}") == .refused(.syntax))
        #expect(try outcome(of: "\(long)(x)") == .refused(.syntax))
        #expect(try outcome(of: "x{n=\"\(long)") == .refused(.syntax))
        #expect(try outcome(of: String(repeating: " ", count: 1 << 20)) == .refused(.syntax))
    }

    /// RE2 takes time in proportion to the text, and refuses what would take too much memory.
    @Test(arguments: [
        "(a*)*b", "(a+)+$", "((((.*)*)*)*)*x", "(x+x+)+y", "[a-z]{1,1000}", "(.|1)*(.|0)*(.|1)*",
    ]) func slowExpressions(_ pattern: String) throws {
        #expect(try outcome(of: "x{n=~\"\(pattern)\"}", over: Self.wide) == .answered)
        #expect(try outcome(of: "label_replace(x, \"a\", \"$1\", \"n\", \"(\(pattern))\")") == .answered)
    }

    @Test(arguments: ["(a{1000}){1000}", "((a{100}){100}){100}", "(", "a**", "\\\\xZZ", "(?=a)", "(a)\\\\1"])
    func expressionsThatAreRefused(_ pattern: String) throws {
        #expect(try outcome(of: "x{n=~\"\(pattern)\"}") == .refused(.syntax))
        #expect(
            try outcome(of: "label_replace(x, \"a\", \"\", \"n\", \"\(pattern)\")") == .refused(.execution))
    }

    // MARK: Very many

    @Test(arguments: [
        // 10,000,000,000 pairs.
        ("wide + on () wide", PromQLError.Kind.execution), ("wide * on () group_left wide", .execution),
        ("count_values(\"v\", wide) + on () group_right wide", .execution),
    ]) func crossJoins(_ text: String, _ kind: PromQLError.Kind) throws {
        #expect(try outcome(of: text, over: Self.wide) == .refused(kind))
    }

    @Test(arguments: [
        "count_values(\"v\", wide)", "wide + wide", "wide and wide", "wide or on (n) wide", "absent(wide)",
        "absent_over_time(wide[1m])", "topk(50000, wide)", "quantile(0.5, wide)", "sort_desc(wide)",
        "label_replace(wide, \"m\", \"$1$1$1\", \"n\", \"(.*)\")", "group by (n) (wide)", "wide unless on () wide",
        "histogram_quantile(0.9, wide)", "rate(wide[1m])",
    ]) func hundredThousandAtOnce(_ text: String) throws {
        #expect(try outcome(of: text, over: Self.wide) == .answered)
    }

    @Test(arguments: [
        "wide", "count_values(\"v\", wide)", "wide + wide", "absent(wide)", "rate(wide[1m])", "topk(5, wide)",
        "quantile(0.5, wide)", "wide or wide", "label_join(wide, \"a\", \"\", \"n\")", "max_over_time(wide[1h:1s])",
    ]) func hundredThousandOverManySteps(_ text: String) throws {
        #expect(try outcome(of: text, over: Self.wide, isRange: true) == .refused(.tooManySamples))
    }

    @Test(arguments: [
        "sum_over_time(x[100y:1ms])", "max_over_time((x + x)[1y:1s])", "sum_over_time(x[10y:1s] offset 5y)",
        "max_over_time(max_over_time(x[200d:1s])[200d:1s])", "sum_over_time(vector(1)[1y:1ms] @ 0)",
        "rate(x[1d:1ms])", "absent_over_time(vector(1)[100y:1ms])",
    ]) func smallSteps(_ text: String) throws {
        #expect(try outcome(of: text) == .refused(.tooManySamples))
    }

    /// Each call makes the label eight times as long.
    @Test func labelsThatGrow() throws {
        func bomb(_ call: (String) -> String) -> String { (0..<30).reduce("x") { text, _ in call(text) } }
        let replaced = bomb { "label_replace(\($0), \"n\", \"$1$1$1$1$1$1$1$1\", \"n\", \"(.*)\")" }
        let joined = bomb { "label_join(\($0), \"n\", \"-\", \"n\", \"n\", \"n\", \"n\", \"n\", \"n\", \"n\", \"n\")" }
        #expect(try outcome(of: replaced) == .refused(.execution))
        #expect(try outcome(of: joined) == .refused(.execution))
        let long = String(repeating: "$1", count: 20_000)
        #expect(try outcome(of: "label_replace(x, \"n\", \"\(long)\", \"n\", \"(.*)\")") == .refused(.execution))
    }

    // MARK: Nobody waits any more

    /// However the time is spent: a query asks every now and then whether it is still wanted.
    @Test(arguments: [
        ("wide + on (n) wide + on (n) wide", false), ("sum_over_time(x[5000s:1ms])", false),
        ("quantile_over_time(0.5, x[10000s:10ms])", true), ("max_over_time(max_over_time(x[1h:10s])[1h:10s])", true),
        ("absent_over_time(wide[1m])", false), ("x + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1", true),
    ]) func cancelled(_ text: String, _ isRange: Bool) throws {
        let asked = Mutex(0)
        let source = text.contains("wide") ? Self.wide : Self.narrow
        let outcome = try outcome(of: text, over: source, isRange: isRange) {
            asked.withLock { asked in
                asked += 1
                return asked >= 3
            }
        }
        #expect(outcome == .refused(.cancelled))
        #expect(asked.withLock { $0 } == 3)
    }
}
