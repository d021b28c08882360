import Machine
import Monitoring
import TestKit
import Testing
import TimeSeries

/// The service that evaluates groups when they are due, with a clock that the test sets.
@Suite struct RuleEvaluatorTests {
    private static let rules = """
        groups:
          - {name: one, interval: 1m, rules: [{record: a, expr: "vector(1)"}, {alert: A, expr: "vector(2)"}]}
          - {name: two, interval: 1m, rules: [{record: b, expr: "vector(3)", labels: {l: x}}]}
        """

    /// Runs the evaluator beside `body`.
    private func running(
        _ evaluator: RuleEvaluator, _ body: () async throws -> Void
    ) async throws {
        let task = Task { try await evaluator.run() }
        do {
            try await body()
        } catch {
            task.cancel()
            throw error
        }
        task.cancel()
        await #expect(throws: Interrupted.self) { try await task.value }
    }

    /// Expects something to come true; nothing but the other threads is waited for.
    private func soon(
        sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
    ) async throws {
        for _ in 0..<3000 {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("it does not come true", sourceLocation: sourceLocation)
    }

    private func evaluations(_ evaluator: RuleEvaluator) async -> [Int] {
        await evaluator.counters().map { $0.iterations - $0.missed }
    }

    /// Sets the clock and sees to it that the evaluator looks at it.
    private func move(_ clock: SetClock, to time: Int64, _ evaluator: RuleEvaluator, _ rules: RuleSet) async {
        clock.set(time)
        await evaluator.apply(rules)
    }

    @Test func evaluatesEachGroupOnceAnInterval() async throws {
        try await withStore { store in
            let clock = SetClock(midnight)
            let sink = SinkForTests()
            let evaluator = RuleEvaluator(store: store, sink: sink, clock: clock) { _ in }
            let rules = try ruleSet(Self.rules)
            await evaluator.apply(rules)
            #expect(await evaluator.groups().map(\.name) == ["one", "two"])
            #expect(await evaluator.groups().allSatisfy { $0.lastEvaluation == nil })
            try await running(evaluator) {
                for step in 1...3 {
                    await move(clock, to: midnight + Int64(step) * minute, evaluator, rules)
                    try await soon { await evaluations(evaluator) == [step, step] }
                }
            }
            let times = try store.samples(of: "a")[Labels()]?.map(\.time) ?? []
            #expect(times.count == 3 && times[1] - times[0] == minute && times[2] - times[1] == minute)
            #expect(times.allSatisfy { $0 >= midnight && $0 <= midnight + 3 * minute })
            #expect(sink.changes.map(\.alert.state) == [.firing])
            let status = try #require(await evaluator.groups().first)
            #expect(status.rules.map(\.health) == [.ok, .ok])
            #expect(status.interval == minute && status.lastEvaluation == midnight + 3 * minute)
            guard case .alerting(_, _, _, let alerts) = status.rules[1].kind else {
                Issue.record("no alert")
                return
            }
            #expect(alerts.map(\.value) == [2])
        }
    }

    @Test func whatIsMissedIsCountedAndNotMadeUpFor() async throws {
        try await withStore { store in
            let clock = SetClock(midnight)
            let evaluator = RuleEvaluator(store: store, clock: clock) { _ in }
            let rules = try ruleSet(Self.rules)
            await evaluator.apply(rules)
            clock.set(midnight + 10 * minute)
            try await running(evaluator) {
                try await soon { await evaluations(evaluator) == [1, 1] }
            }
            #expect(await evaluator.counters().allSatisfy { $0.missed == 9 })
        }
    }

    @Test func aClockThatIsSetBackDoesNotStopTheRules() async throws {
        try await withStore { store in
            let clock = SetClock(midnight + 100 * minute)
            let evaluator = RuleEvaluator(store: store, clock: clock) { _ in }
            let rules = try ruleSet(Self.rules)
            await evaluator.apply(rules)
            try await running(evaluator) {
                var time = midnight
                try await soon {
                    time += minute
                    await move(clock, to: time, evaluator, rules)
                    return await evaluations(evaluator).allSatisfy { $0 >= 1 }
                }
            }
        }
    }

    @Test func aReloadKeepsWhatDidNotChange() async throws {
        try await withStore { store in
            let clock = SetClock(midnight)
            let evaluator = RuleEvaluator(store: store, clock: clock) { _ in }
            await evaluator.apply(try ruleSet(Self.rules))
            // Two is gone, one has one rule more and another expression.
            let changed = try ruleSet(
                """
                groups:
                  - name: one
                    interval: 1m
                    rules: [{record: c, expr: "vector(9)"}, {alert: A, expr: "vector(5)"}]
                """)
            try await running(evaluator) {
                await move(clock, to: midnight + minute, evaluator, try ruleSet(Self.rules))
                try await soon { await evaluations(evaluator) == [1, 1] }
                let active = await evaluator.groups()[0].alerts.map(\.activeAt)
                await move(clock, to: midnight + 2 * minute, evaluator, changed)
                try await soon { await evaluations(evaluator) == [2] }
                #expect(await evaluator.groups()[0].alerts.map(\.activeAt) == active)
                #expect(await evaluator.groups()[0].alerts.map(\.value) == [5])
                // The group that is gone ends its series two intervals later.
                await move(clock, to: midnight + 5 * minute, evaluator, changed)
                try await soon { try store.text("b", ["l": "x"]) == "3 s" }
            }
            let text = try store.text("a")
            #expect(text == "1 s")
        }
    }

    @Test func aRuleThatBeginsToFailIsReportedOnce() async throws {
        try await withStore { store in
            let clock = SetClock(midnight)
            let talk = Talk()
            let evaluator = RuleEvaluator(store: store, clock: clock) { talk.say($0) }
            let rules = try ruleSet("groups: [{name: g, interval: 1m, rules: [{record: a, expr: 'x[5m]'}]}]")
            await evaluator.apply(rules)
            try await running(evaluator) {
                for step in 1...2 {
                    await move(clock, to: midnight + Int64(step) * minute, evaluator, rules)
                    try await soon { await evaluations(evaluator) == [step] }
                }
            }
            #expect(talk.lines == ["! rules.yml, group g, rule a: rule result is not a vector or scalar"])
            #expect(await evaluator.counters().map(\.failures) == [2])
        }
    }
}

extension RuleGroupStatus {
    /// Of all rules.
    fileprivate var alerts: [AlertStatus] {
        rules.flatMap { rule -> [AlertStatus] in
            if case .alerting(_, _, _, let alerts) = rule.kind { return alerts }
            return []
        }
    }
}
