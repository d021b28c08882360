package import TimeSeries

/// What an expression yields.
package enum ValueType: String, Sendable {
    case scalar
    case string
    case instantVector = "instant vector"
    case rangeVector = "range vector"
}

/// A parsed expression whose types fit.
package indirect enum Expression: Sendable {
    case number(Double, SourceRange)
    case string(String, SourceRange)
    case selector(Selector)
    case range(RangeSelector)
    case subquery(Subquery)
    case parentheses(Expression, SourceRange)
    case negation(Expression, SourceRange)
    /// A unary plus: changes nothing.
    case plus(Expression, SourceRange)
    case binary(BinaryOperation)
    case aggregation(Aggregation)
    case call(Call)

    package var range: SourceRange {
        switch self {
        case .number(_, let range), .string(_, let range), .parentheses(_, let range), .negation(_, let range),
            .plus(_, let range):
            range
        case .selector(let selector): selector.range
        case .range(let selector): selector.range
        case .subquery(let subquery): subquery.range
        case .binary(let operation): operation.range
        case .aggregation(let aggregation): aggregation.range
        case .call(let call): call.range
        }
    }

    package var type: ValueType {
        switch self {
        case .number: .scalar
        case .string: .string
        case .selector, .aggregation: .instantVector
        case .range, .subquery: .rangeVector
        case .parentheses(let inner, _), .negation(let inner, _), .plus(let inner, _): inner.type
        case .binary(let operation):
            operation.left.type == .scalar && operation.right.type == .scalar ? .scalar : .instantVector
        case .call(let call): call.function.signature.result
        }
    }

    /// The expression inside any parentheses.
    package var bare: Expression {
        if case .parentheses(let inner, _) = self { return inner.bare }
        return self
    }
}

/// When a selector or subquery looks, other than at the step's own time.
package struct TimeShift: Sendable {
    package enum Anchor: Sendable {
        /// Milliseconds since 1970.
        case time(Int64)
        case start
        case end
    }

    /// `@`.
    package var anchor: Anchor?
    /// `offset` in milliseconds: positive looks back.
    package var offset: Int64?
}

/// `name{label="value"} @ 10 offset 5m`.
package struct Selector: Sendable {
    package let matchers: [Matcher]
    package var shift = TimeShift()
    package var range: SourceRange
}

/// `selector[5m]`.
package struct RangeSelector: Sendable {
    package var selector: Selector
    /// Milliseconds.
    package let duration: Int64
    package var range: SourceRange
}

/// `expression[30m:1m]`.
package struct Subquery: Sendable {
    package let expression: Expression
    /// Milliseconds.
    package let duration: Int64
    /// Milliseconds; the engine's default when nil.
    package let step: Int64?
    package var shift = TimeShift()
    package var range: SourceRange
}

/// `left operator right`.
package struct BinaryOperation: Sendable {
    package let operation: BinaryOperator
    package let left: Expression
    package let right: Expression
    /// `bool`: a comparison that yields 0 or 1.
    package let returnsBool: Bool
    /// How the series of two vectors find each other.
    package let matching: Matching

    package var range: SourceRange { left.range.through(right.range) }
}

package struct Matching: Sendable {
    package enum Cardinality: Sendable {
        case oneToOne
        /// `group_left`: many on the left.
        case manyToOne
        /// `group_right`: many on the right.
        case oneToMany
    }

    package var cardinality = Cardinality.oneToOne
    /// `on` rather than `ignoring`.
    package var isOn = false
    package var labels: [String] = []
    /// Labels that `group_left(…)` takes over from the side that is one.
    package var include: [String] = []
}

package enum BinaryOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case modulo = "%"
    case power = "^"
    case atan2
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case and
    case or
    case unless

    package var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        default: false
        }
    }

    package var isSetOperation: Bool { self == .and || self == .or || self == .unless }

    /// A higher one binds tighter.
    var precedence: Int {
        switch self {
        case .or: 1
        case .and, .unless: 2
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: 3
        case .add, .subtract: 4
        case .multiply, .divide, .modulo, .atan2: 5
        case .power: 6
        }
    }
}

/// `sum by (job) (expression)`.
package struct Aggregation: Sendable {
    package let operation: Aggregator
    package let expression: Expression
    package let parameter: Expression?
    package let grouping: Grouping
    package let range: SourceRange
}

package enum Grouping: Sendable, Equatable {
    case by([String])
    case without([String])
}

package enum Aggregator: String, CaseIterable, Sendable {
    case sum, avg, min, max, count, group, stddev, stdvar, topk, bottomk, quantile
    case countValues = "count_values"
    case limitk
    case limitRatio = "limit_ratio"

    /// The type of the first argument of those that take two.
    var parameter: ValueType? {
        switch self {
        case .topk, .bottomk, .quantile, .limitk, .limitRatio: .scalar
        case .countValues: .string
        default: nil
        }
    }

    package var isExperimental: Bool { self == .limitk || self == .limitRatio }
}

/// `rate(expression)`.
package struct Call: Sendable {
    package let function: Function
    package let arguments: [Expression]
    package let range: SourceRange
}
