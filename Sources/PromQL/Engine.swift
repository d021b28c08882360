package import TimeSeries

/// Answers PromQL expressions from whatever is ``SeriesSource``.
package struct Engine: Sendable {
    package struct Options: Sendable {
        /// How old a sample may be to still count as the current value. Milliseconds.
        package var lookback: Int64 = 300_000
        /// The step of a subquery that names none. Milliseconds.
        package var subqueryStep: Int64 = 60_000
        package var limits = Limits()
        /// Whether what Prometheus 3.5 hides behind feature flags is admitted.
        package var experimental = false
        /// Whether a metric's name falls away at the end of the query rather than in each function: Prometheus's feature
        /// `promql-delayed-name-removal`.
        package var delaysNameRemoval = false

        package init() {}
    }

    package let options: Options

    package init(options: Options = Options()) { self.options = options }

    /// Reads an expression under the engine's limits. Throws a ``PromQLError`` that names the line and column.
    package func parse(_ text: String) throws -> Query {
        let expression = try Expression.parse(
            text, maximumDepth: options.limits.depth, experimental: options.experimental)
        return Query(text: text, expression: expression)
    }

    /// The answer at one time, in milliseconds. Throws a ``PromQLError``.
    ///
    /// Reads from the store and computes on the caller's thread; `isCancelled` is asked now and then.
    package func instant(
        _ query: Query, at time: Int64, from source: some SeriesSource,
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Answer {
        try checkRange(time...time)
        let evaluator = try evaluator(of: query, bounds: time...time, steps: .one(time), source, isCancelled)
        return try evaluator.instantAnswer(query.expression, at: time)
    }

    /// The answers at the first time of `range`, then every `step` up to the last; milliseconds. Otherwise as `instant`.
    package func range(
        _ query: Query, over range: ClosedRange<Int64>, step: Int64, from source: some SeriesSource,
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Answer {
        let type = query.expression.type
        guard type == .scalar || type == .instantVector else {
            throw PromQLError(
                .execution,
                "invalid expression type \(quoted(type.rawValue)) for range query, must be scalar or instant vector")
        }
        guard step > 0 else { throw PromQLError(.execution, "the step must be greater than 0") }
        try checkRange(range)
        let count = Int((range.upperBound - range.lowerBound) / step) + 1
        guard count <= options.limits.values else { throw PromQLError.tooManySamples(limit: options.limits.values) }
        let steps = Steps(start: range.lowerBound, interval: step, count: count)
        let evaluator = try evaluator(of: query, bounds: range, steps: steps, source, isCancelled)
        return try evaluator.rangeAnswer(query.expression, over: steps)
    }

    /// Times far outside of every calendar would overflow once something is subtracted from them.
    private func checkRange(_ range: ClosedRange<Int64>) throws {
        let limit: Int64 = 1 << 53
        guard range.lowerBound > -limit, range.upperBound < limit else {
            throw PromQLError(.execution, "the time is out of range")
        }
        guard (1..<limit).contains(options.lookback) else {
            throw PromQLError(.execution, "the lookback is out of range")
        }
    }

    /// Selects all that the expression needs.
    private func evaluator(
        of query: Query, bounds: ClosedRange<Int64>, steps: Steps, _ source: some SeriesSource,
        _ isCancelled: @escaping () -> Bool
    ) throws -> Evaluator {
        let annotations = Annotations(text: query.text)
        let limits = SelectionLimits(series: options.limits.series)
        var selections: [Int: [SelectedSeries]] = [:]
        for demand in Demand.all(of: query.expression, over: steps, bounds: bounds, options: options) {
            let place = demand.selector.range.start
            let selection: Selection
            do {
                selection = try source.select(demand.selector.matchers, in: demand.range, limits: limits)
            } catch {
                throw PromQLError.storage(error, at: SourcePlace(offset: place, in: query.text))
            }
            guard selection.series.count <= limits.series else {
                throw PromQLError.tooManySeries(limit: limits.series, at: SourcePlace(offset: place, in: query.text))
            }
            for warning in selection.warnings { annotations.storage(warning) }
            selections[place] = selection.series
        }
        return Evaluator(
            selections: selections, bounds: bounds, options: options,
            budget: Budget(options.limits, isCancelled: isCancelled), annotations: annotations)
    }
}

/// An expression that was read.
package struct Query: Sendable {
    package let text: String
    package let expression: Expression
}
