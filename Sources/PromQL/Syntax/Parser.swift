package import TimeSeries

extension Expression {
    /// Reads `text`. `experimental` also admits what Prometheus 3.5 hides behind a feature flag.
    /// Throws a ``PromQLError`` of kind `.syntax` or `.tooDeep` that names the line and column.
    package static func parse(_ text: String, maximumDepth: Int = 200, experimental: Bool = false) throws -> Expression
    {
        do {
            var parser = Parser(
                tokens: try Lexer.tokens(of: text), maximumDepth: maximumDepth, experimental: experimental)
            return try parser.all()
        } catch {
            throw error.error(in: text)
        }
    }

    /// Reads what stands in a `match[]`: one selector without anything behind it. Unlike in an expression, it may be one that
    /// every series meets. Throws a ``PromQLError`` of kind `.syntax`.
    package static func matchers(of text: String) throws -> [Matcher] {
        do {
            var parser = Parser(tokens: try Lexer.tokens(of: text), maximumDepth: 1, experimental: false)
            return try parser.selectorAlone()
        } catch {
            throw error.error(in: text)
        }
    }
}

/// A recursive-descent parser; binary operators by precedence climbing.
struct Parser {
    /// An expression and how deep its tree is, so that whoever walks it later cannot run out of stack.
    struct Node {
        let expression: Expression
        let depth: Int

        init(_ expression: Expression, depth: Int = 1) {
            self.expression = expression
            self.depth = depth
        }
    }

    private let tokens: [Token]
    private var index = 0
    private var nesting = 0
    private let maximumDepth: Int
    let experimental: Bool

    init(tokens: [Token], maximumDepth: Int, experimental: Bool) {
        self.tokens = tokens
        self.maximumDepth = maximumDepth
        self.experimental = experimental
    }

    mutating func all() throws(SyntaxError) -> Expression {
        if token.kind == .end { throw SyntaxError("no expression found in input", at: 0) }
        let node = try expression()
        guard token.kind == .end else { throw unexpected("after the expression") }
        return node.expression
    }

    // MARK: Operators

    /// An expression whose operators all bind at least as tightly as `precedence`.
    mutating func expression(precedence: Int = 1) throws(SyntaxError) -> Node {
        try nested { parser throws(SyntaxError) in try parser.climb(from: precedence) }
    }

    private mutating func climb(from precedence: Int) throws(SyntaxError) -> Node {
        var left = try unary()
        while let operation = binaryOperator(), operation.precedence >= precedence {
            let place = advance().range
            let modifiers = try modifiers(of: operation, at: place)
            // Only the power is right-associative.
            let right = try expression(precedence: operation.precedence + (operation == .power ? 0 : 1))
            let made = BinaryOperation(
                operation: operation, left: left.expression, right: right.expression,
                returnsBool: modifiers.returnsBool, matching: modifiers.matching)
            try check(made, modifiers: modifiers, at: place)
            left = try deeper(.binary(made), than: [left, right])
        }
        return left
    }

    private mutating func unary() throws(SyntaxError) -> Node {
        guard token.isSign("-") || token.isSign("+") else { return try postfix() }
        let isMinus = token.isSign("-")
        let start = advance().range
        let operand = try expression(precedence: BinaryOperator.power.precedence)
        let range = start.through(operand.expression.range)
        if case .number(let value, _) = operand.expression { return Node(.number(isMinus ? -value : value, range)) }
        let type = operand.expression.type
        guard type == .scalar || type == .instantVector else {
            throw SyntaxError(
                "a sign only fits a scalar or an instant vector, not a \(type.rawValue)", at: start.start)
        }
        return try deeper(
            isMinus ? .negation(operand.expression, range) : .plus(operand.expression, range), than: [operand])
    }

    private func binaryOperator() -> BinaryOperator? {
        switch token.kind {
        case .sign(let sign): BinaryOperator(rawValue: sign)
        case .identifier:
            switch token.word {
            case "and": .and
            case "or": .or
            case "unless": .unless
            case "atan2": .atan2
            default: nil
            }
        default: nil
        }
    }

    // MARK: Primaries

    private mutating func postfix() throws(SyntaxError) -> Node {
        var node = try primary()
        while true {
            if token.isSign("[") {
                node = try bracket(after: node)
            } else if token.word == "offset" {
                node = try offset(after: node)
            } else if token.isSign("@") {
                node = try at(after: node)
            } else {
                return node
            }
        }
    }

    private mutating func primary() throws(SyntaxError) -> Node {
        let first = token
        switch first.kind {
        case .number(let value):
            advance()
            return Node(.number(value, first.range))
        case .duration(let milliseconds):
            advance()
            return Node(.number(Double(milliseconds) / 1000, first.range))
        case .string(let text):
            advance()
            return Node(.string(text, first.range))
        case .sign("("):
            advance()
            let inner = try expression()
            let end = try expect(")", "in parentheses").range
            return try deeper(.parentheses(inner.expression, first.range.through(end)), than: [inner])
        case .sign("{"):
            return Node(.selector(try selector(name: nil)))
        case .identifier(let name):
            return try named(name)
        case .sign, .end:
            throw unexpected("where an expression should be")
        }
    }

    private mutating func named(_ name: String) throws(SyntaxError) -> Node {
        let word = name.lowercased()
        if word == "inf" || word == "nan" {
            return Node(.number(word == "inf" ? .infinity : .nan, advance().range))
        }
        if let operation = Aggregator(rawValue: word), startsAggregation {
            return try aggregation(operation)
        }
        guard !["on", "ignoring", "group_left", "group_right", "bool"].contains(word) else {
            throw unexpected("where an expression should be")
        }
        if next.isSign("(") {
            guard let function = Function(rawValue: name) else {
                throw SyntaxError("unknown function with name “\(name)”", at: token.range.start)
            }
            return try call(function)
        }
        return Node(.selector(try selector(name: name)))
    }

    private var startsAggregation: Bool { next.isSign("(") || next.word == "by" || next.word == "without" }

    // MARK: Tokens

    var token: Token { tokens[index] }
    var next: Token { tokens[min(index + 1, tokens.count - 1)] }
    /// Where the last token that was taken ended.
    var previousEnd: Int { index == 0 ? 0 : tokens[index - 1].range.end }

    @discardableResult mutating func advance() -> Token {
        defer { if index < tokens.count - 1 { index += 1 } }
        return tokens[index]
    }

    /// Takes the sign if it is there.
    mutating func take(_ sign: String) -> Bool {
        guard token.isSign(sign) else { return false }
        advance()
        return true
    }

    @discardableResult mutating func expect(_ sign: String, _ context: String) throws(SyntaxError) -> Token {
        guard token.isSign(sign) else { throw unexpected("\(context), expected “\(sign)”") }
        return advance()
    }

    func unexpected(_ context: String) -> SyntaxError {
        SyntaxError("unexpected \(token.description) \(context)", at: token.range.start)
    }

    /// Runs `body` one level deeper.
    mutating func nested<Result>(_ body: (inout Parser) throws(SyntaxError) -> Result) throws(SyntaxError) -> Result {
        guard nesting < maximumDepth else { throw SyntaxError(tooDeep: maximumDepth, at: token.range.start) }
        nesting += 1
        defer { nesting -= 1 }
        return try body(&self)
    }

    func deeper(_ expression: Expression, than children: [Node]) throws(SyntaxError) -> Node {
        let depth = 1 + (children.map(\.depth).max() ?? 0)
        guard depth <= maximumDepth else { throw SyntaxError(tooDeep: maximumDepth, at: expression.range.start) }
        return Node(expression, depth: depth)
    }
}
