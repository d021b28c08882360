internal import Machine

/// Expands a template, as Go's `text/template` executes one.
struct TemplateRun {
    /// Throws in Go's words.
    static func text(
        of set: TemplateSet, for data: TemplateData, _ functions: TemplateFunctions
    ) throws(TemplateProblem) -> String {
        var run = TemplateRun(set: set, functions: functions, data: data)
        guard let nodes = set.templates[set.name] else {
            throw TemplateProblem(
                "template: \(set.name): \(goQuoted(set.name)) is an incomplete or empty template")
        }
        _ = try run.walk(nodes, .data(data))
        return run.output
    }

    private enum Flow { case on, leave, next }

    private let set: TemplateSet
    private let functions: TemplateFunctions
    private let deadline = monotonicSeconds() + TemplateLimits.seconds
    /// Which one of the set is at hand.
    private var template: String
    private var variables: [(name: String, value: TemplateValue)]
    private var output = ""
    private var depth = 0
    private var steps = 0
    private var made = 0
    private var queries = 0
    /// What messages speak of.
    private var place = 0
    private var context: () -> String = { "" }

    private init(set: TemplateSet, functions: TemplateFunctions, data: TemplateData) {
        self.set = set
        self.functions = functions
        template = set.name
        variables = [("$", .data(data))]
    }

    // MARK: Nodes

    private mutating func walk(_ nodes: [TemplateNode], _ dot: TemplateValue) throws(TemplateProblem) -> Flow {
        for node in nodes {
            let flow = try walk(node, dot)
            if flow != .on { return flow }
        }
        return .on
    }

    private mutating func walk(_ node: TemplateNode, _ dot: TemplateValue) throws(TemplateProblem) -> Flow {
        switch node {
        case .text(let text): try write(text)
        case .action(let pipeline):
            let value = try evaluate(pipeline, dot)
            if pipeline.declared.isEmpty {
                at(pipeline.position) { "{{\(pipeline)}}" }
                try write(printed(value))
            }
        case .condition(let branch): return try choose(branch, dot, setsDot: false)
        case .with(let branch): return try choose(branch, dot, setsDot: true)
        case .range(let branch): return try loop(branch, dot)
        case .call(let name, let pipeline, let position): try call(name, pipeline, at: position, dot)
        case .leave: return .leave
        case .next: return .next
        }
        return .on
    }

    private func printed(_ value: TemplateValue) -> String {
        switch value {
        case .none: return "<no value>"
        // A pointer stands for what it points to.
        case .sample(_?): return String(GoFormat.plain(value).dropFirst())
        default: return GoFormat.plain(value)
        }
    }

    private mutating func write(_ text: String) throws(TemplateProblem) {
        output += text
        guard output.utf8.count <= TemplateLimits.output else {
            throw problem("the text is longer than \(TemplateLimits.output) bytes")
        }
    }

    private mutating func choose(
        _ branch: TemplateBranch, _ dot: TemplateValue, setsDot: Bool
    ) throws(TemplateProblem) -> Flow {
        let mark = variables.count
        defer { variables.removeSubrange(mark...) }
        let value = try evaluate(branch.pipeline, dot)
        if value.isTrue { return try walk(branch.body, setsDot ? value : dot) }
        return try walk(branch.otherwise ?? [], dot)
    }

    private mutating func loop(_ branch: TemplateBranch, _ dot: TemplateValue) throws(TemplateProblem) -> Flow {
        let mark = variables.count
        defer { variables.removeSubrange(mark...) }
        let value = try evaluate(branch.pipeline, dot)
        let inner = variables.count
        let elements: [(index: TemplateValue, value: TemplateValue)]
        switch value {
        case .vector(let samples): elements = samples.enumerated().map { (.int(Int64($0)), .sample($1)) }
        case .labels(let labels): elements = GoFormat.sorted(labels).map { (.string($0.key), .string($0.value)) }
        case .map(let map): elements = GoFormat.sorted(map).map { (.string($0.key), $0.value) }
        case .none, .sample(nil): elements = []
        case .int(let count), .named(let count, _, _):
            guard branch.pipeline.declared.count < 2 else {
                throw problem("can't use \(count) to iterate over more than one variable")
            }
            elements = (0..<max(0, min(count, Int64(TemplateLimits.steps)))).map { (.none, .int($0)) }
        default: throw problem("range can't iterate over \(printed(value))")
        }
        for element in elements {
            bind(branch.pipeline, element, from: inner)
            let flow = try walk(branch.body, element.value)
            variables.removeSubrange(inner...)
            if flow == .leave { return .on }
            try countStep()
        }
        return elements.isEmpty ? try walk(branch.otherwise ?? [], dot) : .on
    }

    /// Gives the loop's variables, which are the last ones below `end`, their values.
    private mutating func bind(
        _ pipeline: TemplatePipeline, _ element: (index: TemplateValue, value: TemplateValue), from end: Int
    ) {
        let names = pipeline.declared
        guard let last = names.last else { return }
        if pipeline.isAssignment {
            if names.count > 1 { assign(names[0], element.index) }
            assign(last, element.value)
        } else {
            variables[end - 1].value = element.value
            if names.count > 1 { variables[end - 2].value = element.index }
        }
    }

    private mutating func call(
        _ name: String, _ pipeline: TemplatePipeline?, at position: Int, _ dot: TemplateValue
    ) throws(TemplateProblem) {
        at(position) { "{{template \(goQuoted(name))\(pipeline.map { " \($0)" } ?? "")}}" }
        guard let nodes = set.templates[name] else { throw problem("template \(goQuoted(name)) not defined") }
        guard depth < TemplateLimits.depth else {
            throw problem("exceeded maximum template depth (\(TemplateLimits.depth))")
        }
        var inner = TemplateValue.none
        if let pipeline { inner = try evaluate(pipeline, dot) }
        let outer = (template, variables)
        (template, variables) = (name, [("$", inner)])
        depth += 1
        _ = try walk(nodes, inner)
        depth -= 1
        (template, variables) = outer
    }

    // MARK: Pipelines

    private mutating func evaluate(
        _ pipeline: TemplatePipeline, _ dot: TemplateValue
    ) throws(TemplateProblem) -> TemplateValue {
        at(pipeline.position) { "\(pipeline)" }
        var value: TemplateValue?
        for command in pipeline.commands { value = try evaluate(command, dot, last: value) }
        let result = value ?? .none
        for name in pipeline.declared {
            if pipeline.isAssignment { assign(name, result) } else { variables.append((name, result)) }
        }
        return result
    }

    /// - Parameter last: what the command before yielded, which is one more argument.
    private mutating func evaluate(
        _ command: TemplateCommand, _ dot: TemplateValue, last: TemplateValue?
    ) throws(TemplateProblem) -> TemplateValue {
        try countStep()
        let first = command.operands[0]
        let arguments = Array(command.operands.dropFirst())
        switch first {
        case .function(let name, let position):
            at(position) { name }
            return try call(name, arguments, last, dot) { "\(command)" }
        case .field(let names, let position):
            at(position) { "\(first)" }
            return try fields(names, of: dot, arguments, last, dot, first)
        case .chain(let operand, let names, let position):
            at(position) { "\(first)" }
            return try fields(names, of: try inner(operand, position, first, dot), arguments, last, dot, first)
        case .variable(let names, let position):
            at(position) { "\(first)" }
            let value = try variable(names[0])
            if names.count > 1 { return try fields(Array(names.dropFirst()), of: value, arguments, last, dot, first) }
            try refuseArguments(command, last)
            return value
        case .pipeline(let pipeline):
            try refuseArguments(command, last)
            return try evaluate(pipeline, dot)
        default:
            at(first.position) { "\(first)" }
            try refuseArguments(command, last)
            if case .nothing = first { throw problem("nil is not a command") }
            return try constant(first, dot)
        }
    }

    private func refuseArguments(_ command: TemplateCommand, _ last: TemplateValue?) throws(TemplateProblem) {
        guard command.operands.count == 1, last == nil else {
            throw problem("can't give argument to non-function \(command.operands[0])")
        }
    }

    /// What a constant or the dot is where any type will do.
    private func constant(_ operand: TemplateOperand, _ dot: TemplateValue) throws(TemplateProblem) -> TemplateValue {
        switch operand {
        case .dot: return dot
        case .boolean(let value, _): return .bool(value)
        case .string(let text, _, _): return .string(text)
        case .number(let number, let text, _):
            switch number {
            case .int(let value): return .int(value)
            case .float(let value): return .float(value)
            case .complex(let real, let imaginary): return .complex(real, imaginary)
            case .tooLarge: throw problem("\(text) overflows int")
            }
        default: return .none
        }
    }

    // MARK: Fields

    private mutating func inner(
        _ operand: TemplateOperand, _ position: Int, _ chain: TemplateOperand, _ dot: TemplateValue
    ) throws(TemplateProblem) -> TemplateValue {
        if case .nothing = operand { throw problem("indirection through explicit nil in \(chain)") }
        return try argument(operand, .any, dot)
    }

    private mutating func fields(
        _ names: [String], of value: TemplateValue, _ arguments: [TemplateOperand], _ last: TemplateValue?,
        _ dot: TemplateValue, _ operand: TemplateOperand
    ) throws(TemplateProblem) -> TemplateValue {
        var value = value
        for name in names.dropLast() { value = try field(name, of: value, [], nil, dot) }
        guard let name = names.last else { return value }
        return try field(name, of: value, arguments, last, dot)
    }

    private mutating func field(
        _ name: String, of value: TemplateValue, _ arguments: [TemplateOperand], _ last: TemplateValue?,
        _ dot: TemplateValue
    ) throws(TemplateProblem) -> TemplateValue {
        let hasArguments = !arguments.isEmpty || last != nil
        func plain(_ value: TemplateValue) throws(TemplateProblem) -> TemplateValue {
            guard !hasArguments else {
                throw problem("\(name) has arguments but cannot be invoked as function")
            }
            return value
        }
        func entry(_ value: TemplateValue) throws(TemplateProblem) -> TemplateValue {
            guard !hasArguments else { throw problem("\(name) is not a method but has arguments") }
            return value
        }
        switch value {
        case .none: return .none
        case .labels(let labels): return try entry(.string(labels[name] ?? ""))
        case .map(let map): return try entry(map[name] ?? .none)
        case .data(let data):
            switch name {
            case "Labels": return try plain(.labels(data.labels))
            case "ExternalLabels": return try plain(.labels(data.externalLabels))
            case "ExternalURL": return try plain(.string(data.externalURL))
            case "Value": return try plain(.float(data.value))
            default: break
            }
        case .sample(let sample) where name == "Labels" || name == "Value":
            guard let sample else { throw problem("nil pointer evaluating *template.sample.\(name)") }
            return try plain(name == "Labels" ? .labels(sample.labels) : .float(sample.value))
        case .time(let time): return try method(name, of: time, arguments, last, dot)
        default: break
        }
        throw problem("can't evaluate field \(name) in type \(value.typeName)")
    }

    private mutating func method(
        _ name: String, of time: GoTime, _ arguments: [TemplateOperand], _ last: TemplateValue?, _ dot: TemplateValue
    ) throws(TemplateProblem) -> TemplateValue {
        let count = arguments.count + (last == nil ? 0 : 1)
        func require(_ wanted: Int) throws(TemplateProblem) {
            guard count == wanted else {
                throw problem("wrong number of args for \(name): want \(wanted) got \(count)")
            }
        }
        if name == "Format" {
            try require(1)
            var layout = last ?? .none
            if let first = arguments.first { layout = try argument(first, .string, dot) }
            return .string(time.formatted(try checked(layout, .string).text ?? ""))
        }
        guard let value = time.method(name) else {
            throw problem("can't evaluate field \(name) in type *time.Time")
        }
        try require(0)
        return value
    }

    // MARK: Calls

    /// - Parameter whole: the command as messages about what the function itself says call it.
    private mutating func call(
        _ name: String, _ operands: [TemplateOperand], _ last: TemplateValue?, _ dot: TemplateValue,
        whole: @escaping () -> String
    ) throws(TemplateProblem) -> TemplateValue {
        let (position, count) = (place, operands.count + (last == nil ? 0 : 1))
        if name == "and" || name == "or" { return try shortCircuit(name, operands, last, dot) }
        if name == "call" { return try callValue(operands, last, dot, at: position, whole) }
        guard let function = functions.all[name] ?? GoBuiltins.all[name] else {
            throw problem("\(goQuoted(name)) is not a defined function")
        }
        let fixed = function.parameters.count - (function.isVariadic ? 1 : 0)
        guard function.isVariadic ? count >= fixed : count == fixed else {
            let want = function.isVariadic ? "at least \(fixed) got \(operands.count)" : "\(fixed) got \(count)"
            throw problem("wrong number of args for \(name): want \(want)")
        }
        var arguments: [TemplateValue] = []
        for (index, operand) in operands.enumerated() {
            arguments.append(try argument(operand, function.parameters[min(index, function.parameters.count - 1)], dot))
        }
        if let last {
            arguments.append(try checked(last, function.parameters[min(operands.count, function.parameters.count - 1)]))
        }
        if name == "query" { queries += 1 }
        do {
            guard queries <= TemplateLimits.queries else {
                throw TemplateProblem("more than \(TemplateLimits.queries) queries")
            }
            let value = try function.body(arguments)
            made += value.text?.utf8.count ?? 0
            guard made <= TemplateLimits.made else {
                throw TemplateProblem("the functions make more than \(TemplateLimits.made) bytes of text")
            }
            return value
        } catch {
            at(position, whole)
            throw problem("error calling \(name): \((error as? TemplateProblem)?.description ?? explain(error).what)")
        }
    }

    /// `and` stops at what is not true, `or` at what is.
    private mutating func shortCircuit(
        _ name: String, _ operands: [TemplateOperand], _ last: TemplateValue?, _ dot: TemplateValue
    ) throws(TemplateProblem) -> TemplateValue {
        guard !operands.isEmpty || last != nil else {
            throw problem("wrong number of args for \(name): want at least 1 got 0")
        }
        var value = TemplateValue.none
        for operand in operands {
            value = try argument(operand, .any, dot)
            if value.isTrue == (name == "or") { return value }
        }
        return last ?? value
    }

    /// Nothing that a template can hold is a function.
    private mutating func callValue(
        _ operands: [TemplateOperand], _ last: TemplateValue?, _ dot: TemplateValue, at position: Int,
        _ whole: @escaping () -> String
    ) throws(TemplateProblem) -> TemplateValue {
        var callee = last
        if let first = operands.first { callee = try argument(first, .any, dot) }
        guard let callee else { throw problem("wrong number of args for call: want at least 1 got 0") }
        at(position, whole)
        if case .none = callee { throw problem("error calling call: call of nil") }
        let name = operands.first?.description ?? GoFormat.plain(callee)
        throw problem("error calling call: non-function \(name) of type \(callee.typeName)")
    }

    /// What an operand is worth as an argument of this type.
    private mutating func argument(
        _ operand: TemplateOperand, _ type: TemplateFunction.Parameter, _ dot: TemplateValue
    ) throws(TemplateProblem) -> TemplateValue {
        at(operand.position) { "\(operand)" }
        switch operand {
        case .dot: return try checked(dot, type)
        case .nothing:
            guard case .string = type else { return try checked(.none, type) }
            throw problem("cannot assign nil to string")
        case .field, .variable, .pipeline, .function, .chain:
            // Apart from the check, whose message speaks of what was evaluated last.
            let value = try evaluate(TemplateCommand(operands: [operand]), dot, last: nil)
            return try checked(value, type)
        case .boolean, .number, .string:
            switch type {
            case .any: return try constant(operand, dot)
            case .string:
                if case .string(let text, _, _) = operand { return .string(text) }
                throw problem("expected string; found \(operand)")
            case .sample, .vector: throw problem("can't handle \(operand) for arg of type \(type.name)")
            }
        }
    }

    /// A value that fits the type.
    private func checked(
        _ value: TemplateValue, _ type: TemplateFunction.Parameter
    ) throws(TemplateProblem) -> TemplateValue {
        switch (type, value) {
        case (.any, _), (.string, .string), (.sample, .sample), (.vector, .vector): return value
        case (.sample, .none): return .sample(nil)
        case (.vector, .none): return .vector([])
        case (.string, .none): throw problem("invalid value; expected string")
        default: throw problem("wrong type for value; expected \(type.name); got \(value.typeName)")
        }
    }

    // MARK: Variables

    private func variable(_ name: String) throws(TemplateProblem) -> TemplateValue {
        guard let found = variables.last(where: { $0.name == name }) else {
            throw problem("undefined variable: \(name)")
        }
        return found.value
    }

    private mutating func assign(_ name: String, _ value: TemplateValue) {
        if let index = variables.lastIndex(where: { $0.name == name }) { variables[index].value = value }
    }

    // MARK: Problems

    private mutating func countStep() throws(TemplateProblem) {
        steps += 1
        guard steps <= TemplateLimits.steps else { throw problem("more than \(TemplateLimits.steps) steps") }
        if steps % 256 == 0, monotonicSeconds() > deadline {
            throw problem("it takes longer than \(Int(TemplateLimits.seconds)) s")
        }
    }

    private mutating func at(_ position: Int, _ context: @escaping () -> String) {
        place = position
        self.context = context
    }

    private func problem(_ what: String) -> TemplateProblem {
        let before = Array(set.text.utf8.prefix(place))
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let column = before.count - (before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
        return TemplateProblem(
            "template: \(set.name):\(line):\(column): executing \(goQuoted(template)) at <\(context())>: \(what)")
    }
}
