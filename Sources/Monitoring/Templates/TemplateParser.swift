/// A template and those that it defines, by name.
struct TemplateSet: Sendable {
    /// What the first one is called in messages.
    let name: String
    let text: String
    fileprivate(set) var templates: [String: [TemplateNode]] = [:]

    /// Reads `text`. Throws in Go's words.
    init(name: String, text: String, functions: Set<String>) throws(TemplateProblem) {
        self.name = name
        self.text = text
        var parser = TemplateParser(name: name, text: text, functions: functions)
        templates = try parser.parseAll()
    }
}

/// Reads templates as Go's `text/template/parse` does.
private struct TemplateParser {
    /// How deep actions and parentheses may be nested.
    static let maximumDepth = 100

    private let name: String
    private let functions: Set<String>
    private let tokens: [TemplateToken]
    private var index = 0
    /// The last token that was looked at: its line is the one that messages name.
    private var furthest = 0
    private var variables = ["$"]
    private var rangeDepth = 0
    private var depth = 0
    private var actionLine = 0
    private var templates: [String: [TemplateNode]] = [:]

    init(name: String, text: String, functions: Set<String>) {
        self.name = name
        self.functions = functions
        tokens = TemplateLexer.tokens(of: text)
    }

    // MARK: Lists

    mutating func parseAll() throws(TemplateProblem) -> [String: [TemplateNode]] {
        var nodes: [TemplateNode] = []
        while peek().kind != .end {
            if peek().kind == .leftDelimiter {
                let start = index
                _ = next()
                if nextNonSpace().kind == .keyword(.define) {
                    try parseDefinition()
                    continue
                }
                index = start
            }
            switch try textOrAction() {
            case .node(let node): nodes.append(node)
            case .ending(let ending): throw problem("unexpected \(ending)")
            }
        }
        try add(name, nodes)
        return templates
    }

    private mutating func add(_ name: String, _ nodes: [TemplateNode]) throws(TemplateProblem) {
        if templates[name]?.allSatisfy(\.isBlank) ?? true {
            templates[name] = nodes
        } else if !nodes.allSatisfy(\.isBlank) {
            throw problem("template: multiple definition of template \(goQuoted(name))")
        }
    }

    private mutating func parseDefinition() throws(TemplateProblem) {
        let context = "define clause"
        let name = try templateName(nextNonSpace(), context)
        _ = try expect(.rightDelimiter, context)
        try parseSeparately(name, context)
    }

    /// A list with variables of its own, up to its end.
    private mutating func parseSeparately(_ name: String, _ context: String) throws(TemplateProblem) {
        let outer = (variables, rangeDepth, actionLine)
        (variables, rangeDepth, actionLine) = (["$"], 0, 0)
        let (nodes, ending) = try list()
        guard ending == .end else { throw problem("unexpected \(ending) in \(context)") }
        try add(name, nodes)
        (variables, rangeDepth, actionLine) = outer
    }

    private enum Ending: CustomStringConvertible {
        case end, `else`
        var description: String { self == .end ? "{{end}}" : "{{else}}" }
    }

    private enum Piece {
        case node(TemplateNode)
        case ending(Ending)
    }

    private mutating func list() throws(TemplateProblem) -> ([TemplateNode], Ending) {
        var nodes: [TemplateNode] = []
        while peekNonSpace().kind != .end {
            switch try textOrAction() {
            case .node(let node): nodes.append(node)
            case .ending(let ending): return (nodes, ending)
            }
        }
        throw problem("unexpected EOF")
    }

    private mutating func textOrAction() throws(TemplateProblem) -> Piece {
        let token = nextNonSpace()
        switch token.kind {
        case .text: return .node(.text(token.text))
        case .leftDelimiter:
            actionLine = token.line
            defer { actionLine = 0 }
            return try deeper { (parser) throws(TemplateProblem) in try parser.action() }
        default: throw unexpected(token, "input")
        }
    }

    private mutating func action() throws(TemplateProblem) -> Piece {
        let token = nextNonSpace()
        switch token.kind {
        case .keyword(.block): return .node(try block())
        case .keyword(.break):
            try expectLoopEnd("{{break}}")
            return .node(.leave)
        case .keyword(.continue):
            try expectLoopEnd("{{continue}}")
            return .node(.next)
        case .keyword(.else):
            let following = peekNonSpace().kind
            if following != .keyword(.if), following != .keyword(.with) { _ = try expect(.rightDelimiter, "else") }
            return .ending(.else)
        case .keyword(.end):
            _ = try expect(.rightDelimiter, "end")
            return .ending(.end)
        case .keyword(.if): return .node(.condition(try branch("if")))
        case .keyword(.range): return .node(.range(try branch("range")))
        case .keyword(.template): return .node(try call())
        case .keyword(.with): return .node(.with(try branch("with")))
        default:
            index -= 1
            return .node(.action(try pipeline("command", until: .rightDelimiter)))
        }
    }

    private mutating func expectLoopEnd(_ context: String) throws(TemplateProblem) {
        _ = try expect(.rightDelimiter, context)
        guard rangeDepth > 0 else { throw problem("\(context) outside {{range}}") }
    }

    // MARK: Control

    private mutating func branch(_ context: String) throws(TemplateProblem) -> TemplateBranch {
        let variableCount = variables.count
        defer { variables.removeSubrange(variableCount...) }
        let pipeline = try pipeline(context, until: .rightDelimiter)
        if context == "range" { rangeDepth += 1 }
        let (body, ending) = try list()
        if context == "range" { rangeDepth -= 1 }
        let otherwise = ending == .else ? try elseList(context) : nil
        return TemplateBranch(pipeline: pipeline, body: body, otherwise: otherwise, position: pipeline.position)
    }

    /// What follows `else`; `else if` and `else with` need no end of their own.
    private mutating func elseList(_ context: String) throws(TemplateProblem) -> [TemplateNode] {
        if context == "if", peek().kind == .keyword(.if) {
            _ = next()
            return [.condition(try deeper { (parser) throws(TemplateProblem) in try parser.branch("if") })]
        }
        if context == "with", peek().kind == .keyword(.with) {
            _ = next()
            return [.with(try deeper { (parser) throws(TemplateProblem) in try parser.branch("with") })]
        }
        let (nodes, ending) = try list()
        guard ending == .end else { throw problem("expected end; found \(ending)") }
        return nodes
    }

    private mutating func block() throws(TemplateProblem) -> TemplateNode {
        let context = "block clause"
        let token = nextNonSpace()
        let name = try templateName(token, context)
        let pipeline = try pipeline(context, until: .rightDelimiter)
        try parseSeparately(name, context)
        return .call(name: name, pipeline, position: token.position)
    }

    private mutating func call() throws(TemplateProblem) -> TemplateNode {
        let context = "template clause"
        let token = nextNonSpace()
        let name = try templateName(token, context)
        if nextNonSpace().kind == .rightDelimiter { return .call(name: name, nil, position: token.position) }
        index -= 1
        let pipeline = try pipeline(context, until: .rightDelimiter)
        return .call(name: name, pipeline, position: token.position)
    }

    private mutating func templateName(_ token: TemplateToken, _ context: String) throws(TemplateProblem) -> String {
        guard token.kind == .string || token.kind == .rawString else { throw unexpected(token, context) }
        return try unquoted(token)
    }

    // MARK: Pipelines

    private mutating func pipeline(
        _ context: String, until end: TemplateToken.Kind
    ) throws(TemplateProblem) -> TemplatePipeline {
        var pipeline = TemplatePipeline(position: peekNonSpace().position)
        try declarations(of: &pipeline, context)
        while true {
            let token = nextNonSpace()
            switch token.kind {
            case end:
                try check(pipeline, context)
                return pipeline
            case .boolean, .character, .complex, .dot, .field, .identifier, .number, .nothing, .rawString, .string,
                .variable, .leftParenthesis:
                index -= 1
                pipeline.commands.append(try command())
            default: throw unexpected(token, context)
            }
        }
    }

    /// `$x :=`, `$x =`, and with `range` also `$i, $x :=`.
    private mutating func declarations(
        of pipeline: inout TemplatePipeline, _ context: String
    ) throws(TemplateProblem) {
        while peekNonSpace().kind == .variable {
            let start = index
            let variable = nextNonSpace()
            // Looked at, as Go does, so that the line of messages is the same.
            _ = peek()
            let following = peekNonSpace()
            if following.kind == .assign || following.kind == .declare {
                _ = nextNonSpace()
                pipeline.isAssignment = following.kind == .assign
                declare(variable.text, in: &pipeline)
                return
            }
            guard following.kind == .sign, following.text == "," else {
                index = start
                return
            }
            _ = nextNonSpace()
            declare(variable.text, in: &pipeline)
            guard context == "range", pipeline.declared.count < 2 else {
                throw problem("too many declarations in \(context)")
            }
            switch peekNonSpace().kind {
            case .variable, .rightDelimiter, .rightParenthesis: continue
            default: throw problem("range can only initialize variables")
            }
        }
    }

    private mutating func declare(_ name: String, in pipeline: inout TemplatePipeline) {
        pipeline.declared.append(name)
        variables.append(name)
    }

    private func check(_ pipeline: TemplatePipeline, _ context: String) throws(TemplateProblem) {
        if pipeline.commands.isEmpty { throw problem("missing value for \(context)") }
        for (stage, command) in pipeline.commands.enumerated().dropFirst() where command.operands[0].isConstant {
            throw problem("non executable command in pipeline stage \(stage + 1)")
        }
    }

    private mutating func command() throws(TemplateProblem) -> TemplateCommand {
        var operands: [TemplateOperand] = []
        while true {
            _ = peekNonSpace()
            if let operand = try operand() { operands.append(operand) }
            let token = next()
            switch token.kind {
            case .space: continue
            case .rightDelimiter, .rightParenthesis: index -= 1
            case .pipe: break
            default: throw unexpected(token, "operand")
            }
            break
        }
        guard !operands.isEmpty else { throw problem("empty command") }
        return TemplateCommand(operands: operands)
    }

    private mutating func operand() throws(TemplateProblem) -> TemplateOperand? {
        guard let term = try term() else { return nil }
        guard peek().kind == .field else { return term }
        let position = peek().position
        var names: [String] = []
        while peek().kind == .field { names.append(String(next().text.dropFirst())) }
        switch term {
        case .field(let first, _): return .field(first + names, position: position)
        case .variable(let first, _): return .variable(first + names, position: position)
        case .boolean, .string, .number, .nothing, .dot:
            throw problem("unexpected . after term \(goQuoted(term.description))")
        default: return .chain(term, names, position: position)
        }
    }

    private mutating func term() throws(TemplateProblem) -> TemplateOperand? {
        let token = nextNonSpace()
        let position = token.position
        switch token.kind {
        case .identifier:
            guard functions.contains(token.text) else {
                throw problem("function \(goQuoted(token.text)) not defined")
            }
            return .function(token.text, position: position)
        case .dot: return .dot(position: position)
        case .nothing: return .nothing(position: position)
        case .variable:
            guard variables.contains(token.text) else { throw problem("undefined variable \(goQuoted(token.text))") }
            return .variable([token.text], position: position)
        case .field: return .field([String(token.text.dropFirst())], position: position)
        case .boolean: return .boolean(token.text == "true", position: position)
        case .character:
            guard let value = goUnquoted(token.text), value.unicodeScalars.count == 1,
                let scalar = value.unicodeScalars.first
            else { throw problem("malformed character constant: \(token.text)") }
            return .number(.int(Int64(scalar.value)), text: token.text, position: position)
        case .number, .complex:
            do {
                return .number(try TemplateNumber(token.text), text: token.text, position: position)
            } catch {
                throw problem(error.description)
            }
        case .leftParenthesis:
            return .pipeline(
                try deeper { (parser) throws(TemplateProblem) in
                    try parser.pipeline("parenthesized pipeline", until: .rightParenthesis)
                })
        case .string, .rawString: return .string(try unquoted(token), quoted: token.text, position: position)
        default:
            index -= 1
            return nil
        }
    }

    private func unquoted(_ token: TemplateToken) throws(TemplateProblem) -> String {
        guard let text = goUnquoted(token.text) else { throw problem("invalid syntax") }
        return text
    }

    // MARK: Tokens

    private mutating func peek() -> TemplateToken {
        furthest = max(furthest, min(index, tokens.count - 1))
        return tokens[min(index, tokens.count - 1)]
    }

    private mutating func next() -> TemplateToken {
        defer { index += 1 }
        return peek()
    }

    private mutating func nextNonSpace() -> TemplateToken {
        while peek().kind == .space { index += 1 }
        return next()
    }

    private mutating func peekNonSpace() -> TemplateToken {
        while peek().kind == .space { index += 1 }
        return peek()
    }

    private mutating func expect(
        _ kind: TemplateToken.Kind, _ context: String
    ) throws(TemplateProblem) -> TemplateToken {
        let token = nextNonSpace()
        guard token.kind == kind else { throw unexpected(token, context) }
        return token
    }

    private mutating func deeper<Result>(
        _ body: (inout TemplateParser) throws(TemplateProblem) -> Result
    ) throws(TemplateProblem) -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw problem("nested deeper than \(Self.maximumDepth) levels") }
        return try body(&self)
    }

    // MARK: Problems

    private func problem(_ what: String) -> TemplateProblem {
        TemplateProblem("template: \(name):\(tokens[furthest].line): \(what)")
    }

    private func unexpected(_ token: TemplateToken, _ context: String) -> TemplateProblem {
        guard token.kind == .error else { return problem("unexpected \(token.description) in \(context)") }
        guard actionLine != 0, actionLine != token.line else { return problem(token.text) }
        let what = token.text.hasSuffix(" action") ? token.text : token.text + " in action"
        return problem("\(what) started at \(name):\(actionLine)")
    }
}
