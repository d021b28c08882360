/// A piece of a template. `description` of each part is how Go writes it in messages.
indirect enum TemplateNode: Sendable {
    case text(String)
    case action(TemplatePipeline)
    case condition(TemplateBranch)
    case with(TemplateBranch)
    case range(TemplateBranch)
    case call(name: String, TemplatePipeline?, position: Int)
    case leave
    case next

    /// Whether there is nothing but spaces and empty definitions.
    var isBlank: Bool {
        if case .text(let text) = self { return text.unicodeScalars.allSatisfy(\.properties.isWhitespace) }
        return false
    }
}

/// `if`, `with` or `range` with its two lists.
struct TemplateBranch: Sendable {
    let pipeline: TemplatePipeline
    let body: [TemplateNode]
    let otherwise: [TemplateNode]?
    let position: Int
}

/// `$x := a | b`
struct TemplatePipeline: Sendable, CustomStringConvertible {
    let position: Int
    var declared: [String] = []
    /// `=` rather than `:=`.
    var isAssignment = false
    var commands: [TemplateCommand] = []

    var description: String {
        let names = declared.isEmpty ? "" : declared.joined(separator: ", ") + (isAssignment ? " = " : " := ")
        return names + commands.map(\.description).joined(separator: " | ")
    }
}

/// Operands, the first of which may be a function.
struct TemplateCommand: Sendable, CustomStringConvertible {
    let operands: [TemplateOperand]

    var description: String {
        operands.map { operand in
            if case .pipeline(let pipeline) = operand { return "(\(pipeline))" }
            return operand.description
        }.joined(separator: " ")
    }
}

indirect enum TemplateOperand: Sendable, CustomStringConvertible {
    case dot(position: Int)
    case nothing(position: Int)
    case boolean(Bool, position: Int)
    case number(TemplateNumber, text: String, position: Int)
    case string(String, quoted: String, position: Int)
    /// `.a.b`
    case field([String], position: Int)
    /// `$a.b`: the name with its sign, then fields.
    case variable([String], position: Int)
    case function(String, position: Int)
    /// `(a | b).c`
    case chain(TemplateOperand, [String], position: Int)
    case pipeline(TemplatePipeline)

    var position: Int {
        switch self {
        case .dot(let position), .nothing(let position), .boolean(_, let position), .number(_, _, let position),
            .string(_, _, let position), .field(_, let position), .variable(_, let position),
            .function(_, let position), .chain(_, _, let position):
            position
        case .pipeline(let pipeline): pipeline.position
        }
    }

    /// Whether it stands for itself: only the first command of a pipeline may.
    var isConstant: Bool {
        switch self {
        case .boolean, .dot, .nothing, .number, .string: true
        default: false
        }
    }

    var description: String {
        switch self {
        case .dot: "."
        case .nothing: "nil"
        case .boolean(let value, _): "\(value)"
        case .number(_, let text, _): text
        case .string(_, let quoted, _): quoted
        case .field(let names, _): names.map { "." + $0 }.joined()
        case .variable(let names, _): names.joined(separator: ".")
        case .function(let name, _): name
        case .chain(let operand, let names, _):
            (operand.isPipeline ? "(\(operand))" : "\(operand)") + names.map { "." + $0 }.joined()
        case .pipeline(let pipeline): "\(pipeline)"
        }
    }

    private var isPipeline: Bool {
        if case .pipeline = self { return true }
        return false
    }
}

/// A constant, whose type follows from how it is written.
enum TemplateNumber: Sendable {
    case int(Int64)
    case float(Double)
    case complex(Double, Double)
    /// A whole number that Go's `int` cannot hold.
    case tooLarge

    /// Reads what the lexer took for a number; the error is in Go's words.
    init(_ text: String) throws(TemplateProblem) {
        if text.hasSuffix("i") {
            self = try Self.imaginary(String(text.dropLast()), whole: text)
            return
        }
        switch Self.whole(text) {
        case .fits(let value): self = .int(value)
        case .unsigned: self = .tooLarge
        case .large: throw TemplateProblem("integer overflow: \(goQuoted(text))")
        case .no:
            guard let value = Self.float(text) else {
                throw TemplateProblem("illegal number syntax: \(goQuoted(text))")
            }
            guard text.contains(where: { ".eEpP".contains($0) }) else {
                throw TemplateProblem("integer overflow: \(goQuoted(text))")
            }
            self = .float(value)
        }
    }

    private static func imaginary(_ text: String, whole: String) throws(TemplateProblem) -> TemplateNumber {
        if let value = float(text) { return .complex(0, value) }
        let split = text.dropFirst().lastIndex { ($0 == "+" || $0 == "-") }
        guard let split, let real = float(String(text[..<split])), let other = float(String(text[split...])) else {
            throw TemplateProblem("illegal number syntax: \(goQuoted(whole))")
        }
        return .complex(real, other)
    }

    private enum Whole { case fits(Int64), unsigned, large, no }

    /// As Go's `strconv.ParseInt` with base 0.
    private static func whole(_ text: String) -> Whole {
        var digits = text[...]
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
        var radix = 10
        let bases: [(prefix: String, radix: Int)] = [("0x", 16), ("0o", 8), ("0b", 2)]
        if let base = bases.first(where: { digits.lowercased().hasPrefix($0.prefix) }) {
            radix = base.radix
            digits = digits.dropFirst(2)
            if digits.hasPrefix("_") { digits = digits.dropFirst() }
        } else if digits.count > 1, digits.hasPrefix("0") {
            radix = 8
        }
        guard !digits.isEmpty, !digits.hasSuffix("_"), !digits.hasPrefix("_"), !digits.contains("__") else {
            return .no
        }
        let plain = digits.filter { $0 != "_" }
        guard plain.allSatisfy({ $0.isASCII && $0.hexDigitValue ?? 16 < radix }) else { return .no }
        if let number = Int64((isNegative ? "-" : "") + plain, radix: radix) { return .fits(number) }
        return !isNegative && UInt64(plain, radix: radix) != nil ? .unsigned : .large
    }

    /// As Go's `strconv.ParseFloat`.
    private static func float(_ text: String) -> Double? {
        guard !text.isEmpty, !text.contains("_") else { return nil }
        var text = text[...]
        if text.hasPrefix("+") { text = text.dropFirst() }
        if text.hasSuffix(".") { text = text.dropLast() }
        if text.hasPrefix(".") { return Double("0" + text) }
        if text.hasPrefix("-.") { return Double("-0" + text.dropFirst()) }
        return Double(text.replacing(".e", with: "e").replacing(".E", with: "e"))
    }
}
