import TimeSeries

/// Aggregations, function calls, the modifiers of binary operators – and whether the types fit.
extension Parser {
    // MARK: Aggregations

    mutating func aggregation(_ operation: Aggregator) throws(SyntaxError) -> Node {
        let name = advance()
        if operation.isExperimental {
            try admitExperiment("the aggregation \(operation.rawValue)", at: name.range.start)
        }
        var grouping = try groupingClause()
        let (arguments, _) = try arguments(in: "aggregation")
        if grouping == nil { grouping = try groupingClause() }
        let range = SourceRange(name.range.start, previousEnd)
        let wanted = (operation.parameter.map { [$0] } ?? []) + [.instantVector]
        guard arguments.count == wanted.count else {
            throw SyntaxError(
                "wrong number of arguments for aggregate expression \(operation.rawValue): expected \(wanted.count), got \(arguments.count)",
                at: name.range.start)
        }
        for (argument, type) in zip(arguments, wanted) {
            try expectType(type, of: argument.expression, in: "aggregation expression")
        }
        let made = Aggregation(
            operation: operation, expression: arguments[wanted.count - 1].expression,
            parameter: wanted.count == 2 ? arguments[0].expression : nil, grouping: grouping ?? .by([]), range: range)
        return try deeper(.aggregation(made), than: arguments)
    }

    private mutating func groupingClause() throws(SyntaxError) -> Grouping? {
        guard let word = token.word, word == "by" || word == "without" else { return nil }
        advance()
        let labels = try labelList(in: "grouping")
        return word == "by" ? .by(labels) : .without(labels)
    }

    private mutating func labelList(in context: String) throws(SyntaxError) -> [String] {
        try expect("(", "in \(context)")
        var labels: [String] = []
        while !token.isSign(")") {
            switch token.kind {
            case .identifier(let name) where !name.contains(":"): labels.append(name)
            case .string(let name) where !name.isEmpty: labels.append(name)
            default: throw unexpected("in \(context), expected a label's name")
            }
            advance()
            guard take(",") else { break }
        }
        try expect(")", "in \(context)")
        return labels
    }

    // MARK: Calls

    mutating func call(_ function: Function) throws(SyntaxError) -> Node {
        let name = advance()
        if function.isExperimental { try admitExperiment("the function \(function.rawValue)", at: name.range.start) }
        let (arguments, end) = try arguments(in: "call to function \(function.rawValue)")
        try check(arguments, of: function, at: name.range.start)
        return try deeper(
            .call(
                Call(
                    function: function, arguments: arguments.map(\.expression),
                    range: SourceRange(name.range.start, end))),
            than: arguments)
    }

    private mutating func arguments(in context: String) throws(SyntaxError) -> (nodes: [Node], end: Int) {
        try expect("(", "in \(context)")
        var nodes: [Node] = []
        if !token.isSign(")") {
            repeat { nodes.append(try expression()) } while take(",")
        }
        return (nodes, try expect(")", "in \(context)").range.end)
    }

    private func check(_ arguments: [Node], of function: Function, at place: Int) throws(SyntaxError) {
        let signature = function.signature
        let most = signature.arguments.count
        let least = most - signature.optional
        let count = arguments.count
        guard count >= least, count <= most || signature.isVariadic else {
            let expected =
                least == most && !signature.isVariadic
                ? "\(least)" : count < least ? "at least \(least)" : "at most \(most)"
            throw SyntaxError(
                "expected \(expected) argument(s) in call to “\(function.rawValue)”, got \(count)", at: place)
        }
        for (index, argument) in arguments.enumerated() {
            try expectType(
                signature.arguments[min(index, most - 1)], of: argument.expression,
                in: "call to function “\(function.rawValue)”")
        }
    }

    private func expectType(_ type: ValueType, of expression: Expression, in context: String) throws(SyntaxError) {
        guard expression.type == type else {
            throw SyntaxError(
                "expected type \(type.rawValue) in \(context), got \(expression.type.rawValue)",
                at: expression.range.start)
        }
    }

    // MARK: Binary operators

    struct Modifiers {
        var returnsBool = false
        var matching = Matching()
        /// Where `on` or `ignoring` stands.
        var matchingPlace: Int?
    }

    mutating func modifiers(of operation: BinaryOperator, at place: SourceRange) throws(SyntaxError) -> Modifiers {
        var modifiers = Modifiers()
        if token.word == "bool" {
            let word = advance().range
            guard operation.isComparison else {
                throw SyntaxError("bool modifier can only be used on comparison operators", at: word.start)
            }
            modifiers.returnsBool = true
        }
        guard let word = token.word, word == "on" || word == "ignoring" else { return modifiers }
        modifiers.matchingPlace = advance().range.start
        modifiers.matching.isOn = word == "on"
        modifiers.matching.labels = try labelList(in: word)
        guard let group = token.word, group == "group_left" || group == "group_right" else { return modifiers }
        let groupPlace = advance().range.start
        guard !operation.isSetOperation else {
            throw SyntaxError("no grouping allowed for “\(operation.rawValue)” operation", at: groupPlace)
        }
        modifiers.matching.cardinality = group == "group_left" ? .manyToOne : .oneToMany
        if token.isSign("(") {
            modifiers.matching.include = try labelList(in: group)
        }
        if word == "on", let both = modifiers.matching.include.first(where: modifiers.matching.labels.contains) {
            throw SyntaxError("label \(quoted(both)) must not occur in on and \(group) at once", at: groupPlace)
        }
        return modifiers
    }

    func check(_ made: BinaryOperation, modifiers: Modifiers, at place: SourceRange) throws(SyntaxError) {
        let operation = made.operation
        for side in [made.left, made.right] where side.type != .scalar && side.type != .instantVector {
            throw SyntaxError(
                "binary expression must contain only scalar and instant vector types, got \(side.type.rawValue)",
                at: side.range.start)
        }
        let scalars = [made.left, made.right].filter { $0.type == .scalar }.count
        if operation.isComparison, !made.returnsBool, scalars == 2 {
            throw SyntaxError("comparisons between scalars must use bool modifier", at: place.start)
        }
        if operation.isSetOperation, scalars > 0 {
            throw SyntaxError(
                "set operator “\(operation.rawValue)” not allowed in binary scalar expression", at: place.start)
        }
        // `on ()` says nothing, and is let pass.
        if let matching = modifiers.matchingPlace, scalars > 0, !made.matching.labels.isEmpty {
            throw SyntaxError("vector matching only allowed between instant vectors", at: matching)
        }
    }

    // MARK: Experiments

    func admitExperiment(_ what: String, at place: Int? = nil) throws(SyntaxError) {
        guard experimental else {
            throw SyntaxError("\(what) is experimental and not enabled", at: place ?? token.range.start)
        }
    }
}
