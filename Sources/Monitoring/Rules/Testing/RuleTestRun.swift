package import Machine
internal import PromQL
internal import Settings
internal import TimeSeries

/// What one test did not find as it was expected.
package struct RuleTestFailure: Sendable {
    package enum Subject: Sendable {
        case alert(String)
        case expression(String)
        /// A rule that failed while it was evaluated.
        case rule(String)
    }

    /// The test's name; empty if it has none.
    package let test: String
    package let subject: Subject
    /// Line and column in the file of tests, where it says so.
    package let place: String?
    /// Milliseconds after the start.
    package let time: Int64
    /// The same as Prometheus writes durations.
    package var timeText: String { DurationText.text(time) }
    /// One line for each alert or series.
    package let expected: [String]
    package let got: [String]
    /// Why there is nothing to compare.
    package let error: String?
}

/// Runs the tests of a file over rules. Blocks: for a thread.
package struct RuleTestRun {
    private let file: RuleTestFile
    private let groups: [RuleGroup]
    private var failures: [RuleTestFailure] = []

    /// - Parameter groups: of the files that the test file names, in their order.
    /// - Returns: what is not as expected; nothing if all is.
    /// - Throws: `Interrupted` once `stop` was called.
    package static func failures(
        of file: RuleTestFile, _ groups: [RuleGroup], _ stop: StopSignal = StopSignal()
    ) throws -> [RuleTestFailure] {
        var run = RuleTestRun(file: file, groups: ordered(groups, file.groupOrder))
        for test in file.tests { try run.run(test, stop) }
        return run.failures
    }

    private init(file: RuleTestFile, groups: [RuleGroup]) {
        self.file = file
        self.groups = groups
    }

    /// As `promtool` has it: groups that the order does not name come with its first.
    private static func ordered(_ groups: [RuleGroup], _ order: [String]) -> [RuleGroup] {
        let keyed = groups.enumerated().map { (order.firstIndex(of: $1.name) ?? 0, $0, $1) }
        return keyed.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }

    private mutating func run(_ test: RuleTest, _ stop: StopSignal) throws {
        var options = Engine.Options()
        options.subqueryStep = file.evaluationInterval
        let store = SeriesInMemory()
        let context = RuleContext(
            store: store, engine: Engine(options: options),
            defaults: RuleDefaults(
                interval: test.interval, externalLabels: test.externalLabels, externalURL: test.externalURL))
        var states = groups.map { GroupState($0, restores: false) }
        var loaded = 0
        var pending = test.alerts.sorted { $0.time < $1.time }[...]
        for time in stride(from: 0, through: test.end, by: Int(file.evaluationInterval)) {
            try stop.check()
            load(test, through: time, &loaded, into: store)
            for index in states.indices { _ = states[index].evaluate(at: time, now: time, in: context, stop) }
            let broken = states.flatMap(\.failures)
            if !broken.isEmpty {
                for (rule, error) in broken { fail(test, .rule(rule), nil, time, error: error) }
                return
            }
            while let next = pending.first, next.time < time + file.evaluationInterval {
                compare(next, states, test)
                pending.removeFirst()
            }
        }
        for expression in test.expressions { compare(expression, context, test) }
    }

    /// Appends the values of all series up to `time`; series are as long as their own lists.
    private func load(_ test: RuleTest, through time: Int64, _ loaded: inout Int, into store: SeriesInMemory) {
        let longest = test.series.map(\.values.count).max() ?? 0
        while loaded < longest, Int64(loaded) * test.interval <= time {
            let values = test.series.compactMap { series -> (labels: Labels, value: Double)? in
                guard loaded < series.values.count, case .float(let value) = series.values[loaded] else { return nil }
                return (series.labels, value)
            }
            let now = Int64(loaded) * test.interval
            _ = store.append(values, at: now, now: now)
            loaded += 1
        }
    }

    // MARK: Comparison

    private mutating func compare(_ expected: RuleTest.AlertCase, _ states: [GroupState], _ test: RuleTest) {
        let firing = states.flatMap { $0.alerts(named: expected.name) }.filter { $0.state == .firing }
        let got = firing.map { alert in
            RuleTest.ExpectedAlert(
                labels: alert.labels.dictionary,
                annotations: Dictionary(alert.annotations.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }))
        }
        let wanted = expected.expected.map { alert in
            RuleTest.ExpectedAlert(
                labels: alert.labels.merging(["alertname": expected.name]) { $1 }, annotations: alert.annotations)
        }
        let (left, right) = (wanted.map(words).sorted(), got.map(words).sorted())
        if left != right {
            fail(test, .alert(expected.name), expected.position, expected.time, expected: left, got: right)
        }
    }

    private func words(_ alert: RuleTest.ExpectedAlert) -> String {
        let labels = words(alert.labels)
        return alert.annotations.isEmpty ? labels : "\(labels) annotations \(words(alert.annotations))"
    }

    private func words(_ pairs: [String: String]) -> String {
        let texts = GoFormat.sorted(pairs).map { "\($0.key)=\(goQuoted($0.value))" }
        return "{\(texts.joined(separator: ", "))}"
    }

    private mutating func compare(_ expected: RuleTest.ExpressionCase, _ context: RuleContext, _ test: RuleTest) {
        let subject = RuleTestFailure.Subject.expression(expected.expression)
        do {
            let query = try context.engine.parse(expected.expression)
            let got = try context.series(of: query, at: expected.time).sorted { $0.labels < $1.labels }
            let wanted = expected.expected.sorted { $0.labels < $1.labels }
            let isSame =
                got.count == wanted.count
                && zip(got, wanted).allSatisfy { $0.labels == $1.labels && areSame($0.value, $1.value) }
            if !isSame {
                fail(
                    test, subject, expected.position, expected.time, expected: wanted.map(words), got: got.map(words))
            }
        } catch {
            fail(test, subject, expected.position, expected.time, error: explain(error).what)
        }
    }

    private func areSame(_ left: Double, _ right: Double) -> Bool {
        left == right || file.comparesFuzzily && (left.nextUp == right || left.nextDown == right)
    }

    private func words(_ sample: (labels: Labels, value: Double)) -> String {
        "\(sample.labels) \(FloatText.json(sample.value))"
    }

    private mutating func fail(
        _ test: RuleTest, _ subject: RuleTestFailure.Subject, _ position: SettingsProblem.Position?, _ time: Int64,
        expected: [String] = [], got: [String] = [], error: String? = nil
    ) {
        failures.append(
            RuleTestFailure(
                test: test.name, subject: subject, place: position.map { "\(file.path):\($0)" }, time: time,
                expected: expected, got: got, error: error))
    }
}
