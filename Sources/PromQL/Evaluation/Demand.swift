import TimeSeries

/// What one selector of an expression needs from the store.
struct Demand {
    let selector: Selector
    /// Milliseconds.
    let range: ClosedRange<Int64>

    /// Every selector of `expression`, with the time that it can see when evaluated over `steps`.
    static func all(
        of expression: Expression, over steps: Steps, bounds: ClosedRange<Int64>, options: Engine.Options
    ) -> [Demand] {
        func inside(_ expression: Expression) -> [Demand] {
            all(of: expression, over: steps, bounds: bounds, options: options)
        }
        switch expression {
        case .number, .string: return []
        case .selector(let selector):
            return [Demand(selector, window: options.lookback, steps, bounds)]
        case .range(let range):
            return [Demand(range.selector, window: range.duration, steps, bounds)]
        case .subquery(let subquery):
            let inner = subquery.innerSteps(of: steps, bounds: bounds, defaultStep: options.subqueryStep)
            return inner.map { all(of: subquery.expression, over: $0, bounds: bounds, options: options) } ?? []
        case .parentheses(let inner, _), .negation(let inner, _), .plus(let inner, _): return inside(inner)
        case .binary(let operation): return inside(operation.left) + inside(operation.right)
        case .aggregation(let aggregation):
            return (aggregation.parameter.map(inside) ?? []) + inside(aggregation.expression)
        case .call(let call): return call.arguments.flatMap(inside)
        }
    }

    private init(_ selector: Selector, window: Int64, _ steps: Steps, _ bounds: ClosedRange<Int64>) {
        self.selector = selector
        // The window is open on the left.
        let start = selector.shift.apply(to: steps.start, bounds: bounds) - window + 1
        range = start...selector.shift.apply(to: steps.end, bounds: bounds)
    }
}

extension Expression {
    /// Whether the answer is the same at every step: every selector is fixed by `@`, and no function asks for the time.
    var isStepInvariant: Bool {
        switch self {
        case .number, .string: true
        case .selector(let selector): selector.shift.anchor != nil
        case .range(let range): range.selector.shift.anchor != nil
        case .subquery(let subquery): subquery.shift.anchor != nil
        case .parentheses(let inner, _), .negation(let inner, _), .plus(let inner, _): inner.isStepInvariant
        case .binary(let operation): operation.left.isStepInvariant && operation.right.isStepInvariant
        case .aggregation(let aggregation):
            aggregation.expression.isStepInvariant && aggregation.parameter?.isStepInvariant ?? true
        case .call(let call):
            !call.function.dependsOnTime && call.arguments.allSatisfy(\.isStepInvariant)
        }
    }
}
