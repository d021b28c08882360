/// A function that templates call.
struct TemplateFunction: Sendable {
    /// Types of parameters, by their Go names.
    enum Parameter: Sendable {
        case string
        /// `interface {}` or any value at all.
        case any
        case sample
        case vector

        var name: String {
            switch self {
            case .string: "string"
            case .any: "interface {}"
            case .sample: "*template.sample"
            case .vector: "template.queryResult"
            }
        }
    }

    let parameters: [Parameter]
    /// Whether the last parameter may come any number of times.
    let isVariadic: Bool
    /// Throws a ``TemplateProblem`` in Go's words.
    let body: @Sendable ([TemplateValue]) throws -> TemplateValue

    init(
        _ parameters: Parameter..., isVariadic: Bool = false,
        _ body: @escaping @Sendable ([TemplateValue]) throws -> TemplateValue
    ) {
        self.parameters = parameters
        self.isVariadic = isVariadic
        self.body = body
    }

    /// A function from a text to a text.
    static func text(_ body: @escaping @Sendable (String) throws -> String) -> TemplateFunction {
        TemplateFunction(.string) { .string(try body($0[0].text ?? "")) }
    }

    /// A function from anything that is a number to a text.
    static func number(_ body: @escaping @Sendable (Double) throws -> String) -> TemplateFunction {
        TemplateFunction(.any) { .string(try body(try $0[0].number())) }
    }
}

extension TemplateValue {
    /// As a floating-point number: numbers, and texts that are numbers.
    func number() throws(TemplateProblem) -> Double {
        switch self {
        case .float(let value): return value
        case .int(let value), .named(let value, "int64", _): return Double(value)
        case .string(let text):
            if let value = goFloat(text) { return value }
            throw TemplateProblem("strconv.ParseFloat: parsing \(goQuoted(text)): invalid syntax")
        case .none: throw TemplateProblem("can't convert <nil> to float")
        default: throw TemplateProblem("can't convert \(typeName) to float")
        }
    }
}
