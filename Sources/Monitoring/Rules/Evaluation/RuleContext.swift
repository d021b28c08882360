internal import Machine
package import PromQL
internal import TimeSeries

/// What evaluating a rule needs besides the rule.
package struct RuleContext: Sendable {
    let store: any RuleStore
    let engine: Engine
    var defaults: RuleDefaults

    package init(store: any RuleStore, engine: Engine, defaults: RuleDefaults) {
        self.store = store
        self.engine = engine
        self.defaults = defaults
    }

    /// The series that an expression yields at `time`. Throws what the engine throws, or a ``RuleFailure``.
    func series(
        of query: Query, at time: Int64, isCancelled: @escaping () -> Bool = { false }
    ) throws -> [(labels: Labels, value: Double)] {
        let answer = try engine.instant(query, at: time, from: store, isCancelled: isCancelled)
        switch answer.value {
        case .vector(let elements): return elements.map { ($0.labels, $0.sample.value) }
        case .scalar(let sample): return [(Labels(), sample.value)]
        case .string, .matrix: throw RuleFailure("rule result is not a vector or scalar")
        }
    }

    /// What templates may call; queries look at `time`.
    func templateFunctions(at time: Int64, _ stop: StopSignal) -> TemplateFunctions {
        TemplateFunctions(externalURL: defaults.externalURL) { text in
            try series(of: engine.parse(text), at: time, isCancelled: { (try? stop.check()) == nil }).map {
                TemplateSample(labels: $0.labels.dictionary, value: $0.value)
            }
        }
    }
}
