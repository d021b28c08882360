import PromQL
import TimeSeries

/// Runs a script against the engine.
struct ScriptRunner {
    /// What an eval needs beyond floats and stable functions; such evals are counted apart.
    enum Class: String, CaseIterable {
        case floats
        case experimental
        case histograms
    }

    struct Outcome {
        let line: Int
        let expression: String
        let `class`: Class
        /// Why it failed, or nil.
        let failure: String?
    }

    private let source = MemorySource()
    private let engine: Engine

    init() {
        var options = Engine.Options()
        options.experimental = true
        options.delaysNameRemoval = true
        engine = Engine(options: options)
    }

    func run(_ script: Script) throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for command in script.commands {
            switch command {
            case .clear: source.clear()
            case .load(let step, let series, let withNativeCopies):
                for notation in series { load(notation, every: step, withNativeCopies) }
            case .eval(let eval): outcomes.append(run(eval))
            }
        }
        return outcomes
    }

    private func load(_ notation: SeriesNotation, every step: Int64, _ withNativeCopies: Bool) {
        var samples: [Sample] = []
        var histograms: [Int64] = []
        for (index, value) in notation.values.enumerated() {
            let time = Int64(index) * step
            switch value {
            case .missing: break
            case .float(let value): samples.append(Sample(time: time, value: value))
            case .histogram: histograms.append(time)
            }
        }
        if !samples.isEmpty { source.add(samples, to: notation.labels) }
        if !histograms.isEmpty { source.addHistograms(at: histograms, to: notation.labels) }
        if withNativeCopies, let name = notation.labels.metricName, name.hasSuffix("_bucket") {
            let labels = notation.labels.setting(Labels.metricName, to: String(name.dropLast("_bucket".count)))
                .setting("le", to: "")
            source.addHistograms(at: samples.map(\.time), to: labels)
        }
    }

    // MARK: One eval

    private func run(_ eval: Script.Eval) -> Outcome {
        _ = source.takeMetHistograms()
        let failure = failure(of: eval)
        let metHistograms = source.takeMetHistograms() || eval.expectsHistograms
        let isExperimental =
            (try? Expression.parse(eval.expression)) == nil
            && (try? Expression.parse(eval.expression, experimental: true)) != nil
        return Outcome(
            line: eval.line, expression: eval.expression,
            class: metHistograms ? .histograms : isExperimental ? .experimental : .floats, failure: failure)
    }

    private func failure(of eval: Script.Eval) -> String? {
        do {
            let answer: Answer
            switch eval.mode {
            case .instant(let time):
                answer = try engine.instant(try engine.parse(eval.expression), at: time, from: source)
            case .range(let start, let end, let step):
                answer = try engine.range(
                    try engine.parse(eval.expression), over: start...end, step: step, from: source)
            }
            if eval.fail != nil { return "should have failed" }
            if let complaint = complaint(about: answer.annotations, eval) { return complaint }
            if let complaint = complaint(about: answer.value, eval) { return complaint }
            return try failureAsRange(eval)
        } catch {
            return complaint(about: error, eval)
        }
    }

    /// An instant eval has to have the same answer in the middle of a range.
    private func failureAsRange(_ eval: Script.Eval) throws -> String? {
        guard case .instant(let time) = eval.mode, !eval.isOrdered, eval.string == nil else { return nil }
        let query = try engine.parse(eval.expression)
        guard query.expression.type == .instantVector || query.expression.type == .scalar else { return nil }
        // What start() and end() mean is another thing there.
        guard !eval.expression.contains("start()"), !eval.expression.contains("end()") else { return nil }
        let answer = try engine.range(
            query, over: time - 60_000...time + 60_000, step: 60_000, from: source)
        guard case .matrix(let series) = answer.value else { return "as range: no matrix" }
        let middle = series.compactMap { series in
            series.floats.first { $0.time == time }.map { (labels: series.labels, sample: $0) }
        }
        var eval = eval
        if let scalar = eval.scalar {
            guard middle.count == 1, isSame(scalar, middle[0].sample.value) else { return "as range: \(middle)" }
            return nil
        }
        eval.isOrdered = false
        return complaint(about: middle, eval).map { "as range: " + $0 }
    }

    // MARK: Complaints

    private func complaint(about error: any Error, _ eval: Script.Eval) -> String? {
        let text = (error as? PromQLError)?.what ?? "\(error)"
        guard let expected = eval.fail else { return "failed: \(error)" }
        return accepts(expected, text) ? nil : "failed with “\(text)”, not \(expected)"
    }

    private func complaint(about annotations: [Annotation], _ eval: Script.Eval) -> String? {
        for (level, expected, none) in [
            (Annotation.Level.warning, eval.warnings, eval.noWarnings), (.info, eval.infos, eval.noInfos),
        ] {
            let given = annotations.filter { $0.level == level }.map { "\(level.rawValue): \($0.text)" }
            if none, let first = given.first { return "unexpected annotation “\(first)”" }
            for message in expected where !given.contains(where: { accepts(message, $0) }) {
                return "no annotation \(level) \(message), only \(given)"
            }
        }
        return nil
    }

    private func accepts(_ message: Script.Eval.Message, _ text: String) -> Bool {
        switch message {
        case .any: true
        case .text(let expected): expected == text
        case .pattern(let pattern): (try? RegularExpression(".*(?:\(pattern)).*").matches(text)) ?? false
        }
    }

    private func complaint(about value: Answer.Value, _ eval: Script.Eval) -> String? {
        switch value {
        case .string(let text, _): return text == eval.string ? nil : "string \(text)"
        case .scalar(let sample):
            guard let expected = eval.scalar else { return "a scalar: \(sample.value)" }
            return isSame(expected, sample.value) ? nil : "\(sample.value) instead of \(expected)"
        case .vector(let elements):
            if eval.scalar != nil { return "a vector instead of a scalar" }
            return complaint(about: elements.map { ($0.labels, $0.sample) }, eval)
        case .matrix(let series):
            return complaint(about: series, eval)
        }
    }

    private func complaint(about elements: [(labels: Labels, sample: Sample)], _ eval: Script.Eval) -> String? {
        let given = elements.map { "\($0.labels) \($0.sample.value)" }
        guard elements.count == eval.series.count else { return "\(given) instead of \(eval.series.count) elements" }
        for (index, expected) in eval.series.enumerated() {
            guard case .float(let value)? = expected.values.first else { return "a histogram is expected" }
            let found = eval.isOrdered ? elements[index] : elements.first { $0.labels == expected.labels }
            guard let found, found.labels == expected.labels, isSame(value, found.sample.value) else {
                return "\(given): no \(expected.labels) \(value)"
            }
        }
        return nil
    }

    private func complaint(about series: [Answer.Series], _ eval: Script.Eval) -> String? {
        guard case .range(let start, _, let step) = eval.mode else { return "a range vector" }
        let given = series.map { "\($0.labels) \($0.floats.map { "\($0.value)@\($0.time)" })" }
        guard series.count == eval.series.count else { return "\(given) instead of \(eval.series.count) series" }
        for expected in eval.series {
            var samples: [Sample] = []
            for (index, value) in expected.values.enumerated() {
                if case .float(let value) = value {
                    samples.append(Sample(time: start + Int64(index) * step, value: value))
                }
            }
            guard let found = series.first(where: { $0.labels == expected.labels }),
                found.floats.count == samples.count,
                zip(found.floats, samples).allSatisfy({ $0.time == $1.time && isSame($0.value, $1.value) })
            else { return "\(given): no \(expected.labels) \(samples.map(\.value))" }
        }
        return nil
    }

    private func isSame(_ expected: Double, _ given: Double) -> Bool {
        if expected.isNaN || given.isNaN { return expected.isNaN && given.isNaN }
        if expected == given { return true }
        let sum = expected.magnitude + given.magnitude
        let difference = (expected - given).magnitude
        if expected == 0 || given == 0 || sum < .leastNormalMagnitude {
            return difference < 1e-6 * .leastNormalMagnitude
        }
        return difference / min(sum, .greatestFiniteMagnitude) < 1e-6
    }
}
