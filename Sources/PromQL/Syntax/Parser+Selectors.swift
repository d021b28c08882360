import TimeSeries

/// Selectors, and what may follow them in brackets, after `offset` and after `@`.
extension Parser {
    /// `name{…}`, `{…}` or `name`; stands at the name or the brace.
    mutating func selector(name: String?) throws(SyntaxError) -> Selector {
        let start = token.range
        let matchers = try matchers(name: name)
        guard matchers.contains(where: { !$0.acceptsAbsence }) else {
            throw SyntaxError(
                "a selector needs at least one matcher that the empty text does not meet", at: start.start)
        }
        return Selector(matchers: matchers, range: SourceRange(start.start, previousEnd))
    }

    /// A selector and nothing else.
    mutating func selectorAlone() throws(SyntaxError) -> [Matcher] {
        var name: String?
        if case .identifier(let text) = token.kind { name = text }
        guard name != nil || token.isSign("{") else { throw unexpected("where a selector should be") }
        let matchers = try matchers(name: name)
        guard token.kind == .end else { throw unexpected("after the selector") }
        return matchers
    }

    private mutating func matchers(name: String?) throws(SyntaxError) -> [Matcher] {
        let start = token.range
        var matchers: [Matcher] = []
        if let name {
            advance()
            matchers.append(try matcher(Labels.metricName, .equal, name, at: start.start))
        }
        if token.isSign("{") {
            advance()
            try matcherList(into: &matchers, hasName: name != nil)
            try expect("}", "in label matching")
        }
        return matchers
    }

    private mutating func matcherList(into matchers: inout [Matcher], hasName: Bool) throws(SyntaxError) {
        var hasName = hasName
        while !token.isSign("}") {
            let place = token.range.start
            let matcher = try matcherItem()
            if matcher.name == Labels.metricName, matcher.operation == .equal {
                guard !hasName else { throw SyntaxError("the metric's name is set twice", at: place) }
                hasName = true
            }
            matchers.append(matcher)
            guard take(",") else { return }
        }
    }

    /// `name="value"`, or a quoted metric name alone.
    private mutating func matcherItem() throws(SyntaxError) -> Matcher {
        let first = advance()
        let name: String
        switch first.kind {
        case .identifier(let text): name = text
        case .string(let text):
            if token.isSign(",") || token.isSign("}") {
                return try matcher(Labels.metricName, .equal, text, at: first.range.start)
            }
            name = text
        default:
            throw SyntaxError(
                "unexpected \(first.description) in label matching, expected a label's name or “}”",
                at: first.range.start)
        }
        guard case .sign(let sign) = token.kind, let operation = Matcher.Operation(rawValue: sign) else {
            throw unexpected("in label matching, expected one of “=”, “!=”, “=~”, “!~”")
        }
        advance()
        guard case .string(let value) = token.kind else { throw unexpected("in label matching, expected a string") }
        return try matcher(name, operation, value, at: advance().range.start)
    }

    private func matcher(_ name: String, _ operation: Matcher.Operation, _ value: String, at offset: Int)
        throws(SyntaxError) -> Matcher
    {
        let isNegated = operation == .notEqual || operation == .doesNotMatch
        guard operation == .matches || operation == .doesNotMatch else {
            return Matcher(name, value, isNegated: isNegated)
        }
        do {
            return Matcher(name, matching: value, try RegularExpression(value), isNegated: isNegated)
        } catch {
            throw SyntaxError("bad regular expression \(quoted(value)): \(error.reason)", at: offset)
        }
    }

    // MARK: Brackets

    /// `[5m]` after a selector, `[30m:1m]` after anything that is an instant vector.
    mutating func bracket(after node: Node) throws(SyntaxError) -> Node {
        let open = advance().range
        let duration = try positiveDuration("range")
        guard take(":") else {
            try expect("]", "in a range")
            guard case .selector(let selector) = node.expression else {
                throw SyntaxError("ranges only allowed for vector selectors", at: open.start)
            }
            guard selector.shift.anchor == nil, selector.shift.offset == nil else {
                throw SyntaxError("no offset or @ modifier allowed before the range", at: open.start)
            }
            let range = SourceRange(selector.range.start, previousEnd)
            return Node(.range(RangeSelector(selector: selector, duration: duration, range: range)))
        }
        let step = token.isSign("]") ? nil : try positiveDuration("step")
        try expect("]", "in a subquery")
        guard node.expression.type == .instantVector else {
            throw SyntaxError(
                "subquery is only allowed on instant vector, got \(node.expression.type.rawValue)",
                at: node.expression.range.start)
        }
        let range = SourceRange(node.expression.range.start, previousEnd)
        return try deeper(
            .subquery(Subquery(expression: node.expression, duration: duration, step: step, range: range)),
            than: [node])
    }

    private mutating func positiveDuration(_ what: String) throws(SyntaxError) -> Int64 {
        let place = token.range.start
        let seconds = try durationExpression(in: what)
        return try milliseconds(seconds, what, at: place, positive: true)
    }

    private func milliseconds(_ seconds: Double, _ what: String, at place: Int, positive: Bool)
        throws(SyntaxError) -> Int64
    {
        let milliseconds = (seconds * 1000).rounded()
        guard milliseconds.magnitude <= Double(1 << 50) else {
            throw SyntaxError("the \(what) is too long or no number", at: place)
        }
        guard !positive || milliseconds > 0 else {
            throw SyntaxError("the \(what) must be greater than 0", at: place)
        }
        return Int64(milliseconds)
    }

    // MARK: offset and @

    mutating func offset(after node: Node) throws(SyntaxError) -> Node {
        let word = advance().range
        let place = token.range.start
        let seconds = try signedDuration(in: "offset")
        let milliseconds = try milliseconds(seconds, "offset", at: place, positive: false)
        return try shifted(node, at: word.start, "offset") { shift in
            guard shift.offset == nil else { return "offset may not be set multiple times" }
            shift.offset = milliseconds
            return nil
        }
    }

    mutating func at(after node: Node) throws(SyntaxError) -> Node {
        let sign = advance().range
        let anchor = try anchor()
        return try shifted(node, at: sign.start, "@") { shift in
            guard shift.anchor == nil else { return "@ <timestamp> may not be set multiple times" }
            shift.anchor = anchor
            return nil
        }
    }

    private mutating func anchor() throws(SyntaxError) -> TimeShift.Anchor {
        if let word = token.word, word == "start" || word == "end" {
            advance()
            try expect("(", "in @")
            try expect(")", "in @")
            return word == "start" ? .start : .end
        }
        let place = token.range.start
        return .time(try milliseconds(try signedDuration(in: "@"), "timestamp", at: place, positive: false))
    }

    /// Sets the shift of what `node` is; `set` says what is wrong with that.
    private func shifted(
        _ node: Node, at place: Int, _ modifier: String, set: (inout TimeShift) -> String?
    ) throws(SyntaxError) -> Node {
        let complaint: String?
        let expression: Expression
        switch node.expression {
        case .selector(var selector):
            complaint = set(&selector.shift)
            selector.range = SourceRange(selector.range.start, previousEnd)
            expression = .selector(selector)
        case .range(var range):
            complaint = set(&range.selector.shift)
            range.range = SourceRange(range.range.start, previousEnd)
            expression = .range(range)
        case .subquery(var subquery):
            complaint = set(&subquery.shift)
            subquery.range = SourceRange(subquery.range.start, previousEnd)
            expression = .subquery(subquery)
        default:
            throw SyntaxError(
                "the \(modifier) modifier must follow an instant vector selector, a range vector selector or a subquery",
                at: place)
        }
        if let complaint { throw SyntaxError(complaint, at: place) }
        return Node(expression, depth: node.depth)
    }

    // MARK: Durations

    /// A duration or a number of seconds, with a sign, or (experimental) an expression in parentheses.
    private mutating func signedDuration(in what: String) throws(SyntaxError) -> Double {
        let isMinus = token.isSign("-")
        if isMinus || token.isSign("+") { advance() }
        let value = try durationOperand(in: what)
        return isMinus ? -value : value
    }

    /// A duration or a number of seconds or (experimental) arithmetic with them. The result in seconds.
    private mutating func durationExpression(in what: String, precedence: Int = 4) throws(SyntaxError) -> Double {
        try nested { parser throws(SyntaxError) in try parser.climbDuration(in: what, from: precedence) }
    }

    private mutating func climbDuration(in what: String, from precedence: Int) throws(SyntaxError) -> Double {
        var left: Double
        if token.isSign("-") || token.isSign("+") {
            let isMinus = token.isSign("-")
            try admitExperiment("arithmetic in durations")
            advance()
            let operand = try durationExpression(in: what, precedence: BinaryOperator.power.precedence)
            left = isMinus ? -operand : operand
        } else {
            left = try durationOperand(in: what)
        }
        while case .sign(let sign) = token.kind, let operation = BinaryOperator(rawValue: sign),
            !operation.isComparison, operation.precedence >= precedence
        {
            try admitExperiment("arithmetic in durations")
            let place = advance().range.start
            let right = try durationExpression(
                in: what, precedence: operation.precedence + (operation == .power ? 0 : 1))
            guard right != 0 || (operation != .divide && operation != .modulo) else {
                throw SyntaxError("division by zero in a duration", at: place)
            }
            left = arithmetic(operation, left, right)
        }
        return left
    }

    private mutating func durationOperand(in what: String) throws(SyntaxError) -> Double {
        switch token.kind {
        case .number(let value):
            advance()
            return value
        case .duration(let milliseconds):
            advance()
            return Double(milliseconds) / 1000
        case .sign("("):
            try admitExperiment("arithmetic in durations")
            advance()
            let value = try durationExpression(in: what)
            try expect(")", "in a duration")
            return value
        default: throw unexpected("in \(what), expected a duration")
        }
    }
}
