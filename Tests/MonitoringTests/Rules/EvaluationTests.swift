import Monitoring
import PromQL
import TestKit
import Testing
import TimeSeries

/// Groups of rules over a store, at times that the test says.
@Suite struct EvaluationTests {
    private static let recording = """
        groups:
          - name: g
            rules:
              - {record: "job:up:sum", expr: sum by (job) (up), labels: {from: rule, gone: ""}}
              - {record: "job:up:double", expr: "2 * job:up:sum"}
        """

    @Test func recordsInOrderAndEndsWhatVanishes() async throws {
        try await withStore { store in
            var state = GroupState(try group(Self.recording), restores: false)
            let context = RuleContext(store)
            for step in 0..<3 {
                let time = midnight + Int64(step) * minute
                try store.put(time, [#"up{job="a", gone="x"}"#: 1])
                if step < 2 { try store.put(time, [#"up{job="b"}"#: 2]) }
                if step == 2 { try store.put(time, [#"up{job="b"}"#: .staleMarker]) }
                _ = state.evaluate(at: time, now: time, in: context)
            }
            #expect(state.failures.isEmpty)
            #expect(try store.text("job:up:sum", ["job": "a", "from": "rule"]) == "1 1 1")
            #expect(try store.text("job:up:sum", ["job": "b", "from": "rule"]) == "2 2 s")
            #expect(try store.text("job:up:double", ["job": "a", "from": "rule"]) == "2 2 2")
            #expect(try store.text("job:up:double", ["job": "b", "from": "rule"]) == "4 4 s")
        }
    }

    @Test func aGroupLooksBackByItsOffset() async throws {
        try await withStore { store in
            let text = "groups: [{name: g, query_offset: 1m, rules: [{record: a, expr: x}]}]"
            var state = GroupState(try group(text), restores: false)
            try store.put(midnight, ["x": 1])
            try store.put(midnight + minute, ["x": 2])
            _ = state.evaluate(at: midnight + minute, now: midnight + minute, in: RuleContext(store))
            #expect(try store.samples(of: "a")[Labels()] == [Sample(time: midnight, value: 1)])
        }
    }

    @Test(arguments: [
        ("{record: a, expr: 'x[5m]'}", "rule result is not a vector or scalar"),
        (
            "{record: a, expr: x, labels: {a: same}}",
            "vector contains metrics with the same labelset after applying rule labels"
        ),
        (
            "{alert: a, expr: x, labels: {a: same}}",
            "vector contains metrics with the same labelset after applying alert labels"
        ),
        ("{alert: a, expr: x, annotations: {y: ''}}", "exceeded limit of 1 with 2 alerts"),
        ("{record: b, expr: x}", "exceeded limit of 1 with 2 series"),
        ("{record: x, expr: 'vector(5)', labels: {a: '1'}}", "duplicate sample for timestamp"),
    ])
    func aRuleThatFailsSaysSoInPrometheussWords(_ rule: String, _ words: String) async throws {
        try await withStore { store in
            var state = GroupState(
                try group("groups: [{name: g, limit: 1, rules: [\(rule), {record: fine, expr: '1'}]}]"), restores: false
            )
            try store.put(midnight, [#"x{a="1"}"#: 1, #"x{a="2"}"#: 2])
            _ = state.evaluate(at: midnight, now: midnight, in: RuleContext(store))
            #expect(state.failures.map(\.error) == [words])
            #expect(try store.text("fine") == "1")
        }
    }

    private static let alerting = """
        groups:
          - name: g
            rules:
              - alert: Down
                expr: up == 0
                for: 2m
                keep_firing_for: 2m
                labels: {severity: page}
                annotations: {summary: "{{ $labels.instance }} is {{ $value }}"}
        """

    @Test func anAlertWaitsFiresIsKeptAndEnds() async throws {
        try await withStore { store in
            var state = GroupState(try group(Self.alerting), restores: false)
            var seen: [String] = []
            for (step, up) in [1.0, 0, 0, 0, 1, 1, 1, 1].enumerated() {
                let time = midnight + Int64(step) * minute
                try store.put(time, [#"up{instance="i"}"#: up])
                let changes = state.evaluate(at: time, now: time, in: RuleContext(store)).flatMap(\.self)
                seen += changes.map { "\(step): \($0.former) → \($0.alert.state)" }
            }
            #expect(seen == ["1: inactive → pending", "3: pending → firing", "6: firing → inactive"])
            let labels = ["alertname": "Down", "instance": "i", "severity": "page"]
            #expect(
                try store.text("ALERTS", labels.merging(["alertstate": "pending"]) { $1 }) == "1 1 s")
            #expect(try store.text("ALERTS", labels.merging(["alertstate": "firing"]) { $1 }) == "1 1 1 s")
            let start = Int((midnight + minute) / 1000)
            #expect(try store.text("ALERTS_FOR_STATE", labels) == "\(start) \(start) \(start) \(start) \(start) s")
        }
    }

    @Test func whatIsTakenIsWhatTheTemplateMadeOfIt() async throws {
        try await withStore { store in
            var state = GroupState(try group(Self.alerting), restores: false)
            try store.put(midnight, [#"up{instance="i"}"#: 0])
            let changes = state.evaluate(at: midnight, now: midnight, in: RuleContext(store)).flatMap(\.self)
            let change = try #require(changes.first)
            #expect(change.alert.annotations.map(\.value) == ["i is 0"])
            #expect(change.alert.labels.description == #"{alertname="Down", instance="i", severity="page"}"#)
            #expect(change.rule == "Down" && change.group == "g" && change.expression == "up == 0")
        }
    }

    @Test func anAlertThatComesBackWhileItIsKeptGoesOn() async throws {
        try await withStore { store in
            var state = GroupState(try group(Self.alerting), restores: false)
            for (step, up) in [0.0, 0, 0, 1, 0, 1, 1].enumerated() {
                let time = midnight + Int64(step) * minute
                try store.put(time, [#"up{instance="i"}"#: up])
                _ = state.evaluate(at: time, now: time, in: RuleContext(store))
            }
            let alert = try #require(state.alerts(named: "Down").first)
            #expect(alert.state == .firing && alert.activeAt == midnight)
            #expect(alert.keepFiringSince == midnight + 5 * minute)
        }
    }

    /// What the state was is in the store alone: nothing else survives the process.
    @Test(arguments: [
        // Down for 10 minutes after 20 of 60 minutes: 40 are left, and the 10 do not count.
        (pending: 20, down: 10, left: 40),
        // 5 minutes are left: the grace period is longer.
        (pending: 55, down: 10, left: 10),
        // It had fired: it fires again at once.
        (pending: 70, down: 10, left: 0),
        // Nobody knows what was two hours ago.
        (pending: 20, down: 120, left: 60),
    ])
    func alertsGoOnWaitingAfterARestart(_ times: (pending: Int, down: Int, left: Int)) async throws {
        let text = "groups: [{name: g, rules: [{alert: A, expr: up == 0, for: 1h, labels: {l: '{{ $value }}'}}]}]"
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            var time = midnight
            func run(_ state: inout GroupState, minutes: Int, _ store: TimeSeriesStore) throws {
                for _ in 0..<minutes {
                    try store.put(time, ["up": 0])
                    _ = state.evaluate(at: time, now: time, in: RuleContext(store))
                    time += minute
                }
            }
            var store: TimeSeriesStore? = try TimeSeriesStore(path, now: time)
            var state = GroupState(try group(text), restores: false)
            try run(&state, minutes: times.pending + 1, try #require(store))
            store = nil
            // The last evaluation was one minute before `time`.
            time += Int64(times.down - 2) * minute
            let again = try TimeSeriesStore(path, now: time)
            var restored = GroupState(try group(text), restores: true)
            // The second evaluation restores; until then nothing is written that would hide what was.
            try run(&restored, minutes: 2, again)
            let restoredAt = time - minute
            let alert = try #require(restored.alerts(named: "A").first)
            let left = alert.activeAt + 60 * minute - restoredAt
            #expect(
                times.left == 0
                    ? left <= 0 : times.left == 60 ? left == 59 * minute : left == Int64(times.left) * minute)
        }
    }

    @Test func untilTheStateIsRestoredNothingIsWrittenThatWouldHideIt() async throws {
        try await withStore { store in
            let text = "groups: [{name: g, rules: [{alert: A, expr: up == 0, for: 1h}, {record: r, expr: up}]}]"
            var state = GroupState(try group(text), restores: true)
            for step in 0..<3 {
                let time = midnight + Int64(step) * minute
                try store.put(time, ["up": 0])
                _ = state.evaluate(at: time, now: time, in: RuleContext(store))
            }
            #expect(try store.text("ALERTS", ["alertname": "A", "alertstate": "pending"]) == "1")
            #expect(try store.text("r") == "0 0 0")
        }
    }
}
