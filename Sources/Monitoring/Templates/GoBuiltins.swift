/// The functions that Go's templates bring along, but for `and`, `or` and `call`, which ``TemplateRun`` has itself.
enum GoBuiltins {
    static let all: [String: TemplateFunction] = [
        "not": TemplateFunction(.any) { .bool(!$0[0].isTrue) },
        "len": TemplateFunction(.any) { .int(try length($0[0])) },
        "index": TemplateFunction(.any, .any, isVariadic: true) { try $0.dropFirst().reduce($0[0], element) },
        "slice": TemplateFunction(.any, .any, isVariadic: true) { try slice($0[0], Array($0.dropFirst())) },
        "print": TemplateFunction(.any, isVariadic: true) { .string(GoFormat.joined($0)) },
        "println": TemplateFunction(.any, isVariadic: true) {
            .string($0.map(GoFormat.plain).joined(separator: " ") + "\n")
        },
        "printf": TemplateFunction(.string, .any, isVariadic: true) {
            .string(GoPrintf.text($0[0].text ?? "", Array($0.dropFirst())))
        },
        "html": TemplateFunction(.any, isVariadic: true) { .string(escapedForHTML(words($0))) },
        "js": TemplateFunction(.any, isVariadic: true) { .string(escapedForJavaScript(words($0))) },
        "urlquery": TemplateFunction(.any, isVariadic: true) { .string(queryEscaped(words($0))) },
        "eq": TemplateFunction(.any, .any, isVariadic: true) { arguments in
            guard arguments.count > 1 else { throw TemplateProblem("missing argument for comparison") }
            for other in arguments.dropFirst() where try areEqual(arguments[0], other) { return .bool(true) }
            return .bool(false)
        },
        "ne": TemplateFunction(.any, .any) { .bool(!(try areEqual($0[0], $0[1]))) },
        "lt": TemplateFunction(.any, .any) { .bool(try isLess($0[0], $0[1])) },
        "le": TemplateFunction(.any, .any) { .bool(try isLess($0[0], $0[1]) || areEqual($0[0], $0[1])) },
        "gt": TemplateFunction(.any, .any) { .bool(!(try isLess($0[0], $0[1]) || areEqual($0[0], $0[1]))) },
        "ge": TemplateFunction(.any, .any) { .bool(!(try isLess($0[0], $0[1]))) },
    ]

    // MARK: Parts

    private static func length(_ value: TemplateValue) throws -> Int64 {
        switch value {
        case .string(let text), .html(let text): return Int64(text.utf8.count)
        case .labels(let labels): return Int64(labels.count)
        case .map(let map): return Int64(map.count)
        case .vector(let samples): return Int64(samples.count)
        case .none: throw TemplateProblem("reflect: call of reflect.Value.Type on zero Value")
        case .sample(nil): throw TemplateProblem("len of nil pointer")
        case .sample: throw TemplateProblem("len of type template.sample")
        default: throw TemplateProblem("len of type \(value.typeName)")
        }
    }

    private static func element(_ value: TemplateValue, _ index: TemplateValue) throws -> TemplateValue {
        switch value {
        case .none: throw TemplateProblem("index of untyped nil")
        case .sample(nil): throw TemplateProblem("index of nil pointer")
        case .string(let text), .html(let text):
            let bytes = Array(text.utf8)
            let place = try position(index, limit: bytes.count)
            guard place < bytes.count else { throw TemplateProblem("reflect: string index out of range") }
            return .byte(bytes[place])
        case .vector(let samples):
            let place = try position(index, limit: samples.count)
            guard place < samples.count else { throw TemplateProblem("reflect: slice index out of range") }
            return .sample(samples[place])
        case .labels(let labels): return .string(labels[try key(index)] ?? "")
        case .map(let map): return map[try key(index)] ?? .none
        case .sample: throw TemplateProblem("can't index item of type template.sample")
        default: throw TemplateProblem("can't index item of type \(value.typeName)")
        }
    }

    private static func key(_ index: TemplateValue) throws -> String {
        switch index {
        case .string(let text): return text
        case .none: throw TemplateProblem("value is nil; should be of type string")
        default: throw TemplateProblem("value has type \(index.typeName); should be string")
        }
    }

    private static func position(_ index: TemplateValue, limit: Int) throws -> Int {
        let number: Int64
        switch index {
        case .int(let value), .named(let value, _, _): number = value
        case .byte(let value): number = Int64(value)
        case .none: throw TemplateProblem("cannot index slice/array with nil")
        default: throw TemplateProblem("cannot index slice/array with type \(index.typeName)")
        }
        guard (0...Int64(limit)).contains(number) else { throw TemplateProblem("index out of range: \(number)") }
        return Int(number)
    }

    private static func slice(_ value: TemplateValue, _ indexes: [TemplateValue]) throws -> TemplateValue {
        if case .none = value { throw TemplateProblem("slice of untyped nil") }
        guard indexes.count <= 3 else { throw TemplateProblem("too many slice indexes: \(indexes.count)") }
        let count: Int
        switch value {
        case .string(let text), .html(let text):
            guard indexes.count < 3 else { throw TemplateProblem("cannot 3-index slice a string") }
            count = text.utf8.count
        case .vector(let samples): count = samples.count
        default: throw TemplateProblem("can't slice item of type \(value.typeName)")
        }
        var bounds = [0, count, count]
        for (place, index) in indexes.enumerated() { bounds[place] = try position(index, limit: count) }
        for (low, high) in [(bounds[0], bounds[1]), (bounds[1], bounds[2])] where low > high {
            throw TemplateProblem("invalid slice index: \(low) > \(high)")
        }
        func part(_ text: String) -> String {
            String(decoding: Array(text.utf8)[bounds[0]..<bounds[1]], as: UTF8.self)
        }
        switch value {
        case .string(let text): return .string(part(text))
        case .html(let text): return .html(part(text))
        case .vector(let samples): return .vector(Array(samples[bounds[0]..<bounds[1]]))
        default: return .none
        }
    }

    // MARK: Comparison

    /// The kinds that can be compared with their like.
    private enum Kind: Equatable { case bool, int, uint, float, complex, string }

    private static func kind(_ value: TemplateValue) -> Kind? {
        switch value {
        case .bool: .bool
        case .int, .named: .int
        case .byte: .uint
        case .float: .float
        case .complex: .complex
        case .string, .html: .string
        default: nil
        }
    }

    private static func areEqual(_ left: TemplateValue, _ right: TemplateValue) throws -> Bool {
        switch (left, right) {
        case (.bool(let a), .bool(let b)): return a == b
        case (.complex(let a, let c), .complex(let b, let d)): return a == b && c == d
        case (.float(let a), .float(let b)): return a == b
        case (.none, .none): return true
        case (.none, _), (_, .none): return isNil(left) == isNil(right)
        default: break
        }
        if let a = left.text, let b = right.text { return a == b }
        if let a = whole(left), let b = whole(right) { return a == b }
        guard kind(left) == kind(right) else { throw TemplateProblem("incompatible types for comparison") }
        if isNil(left) || isNil(right) { return isNil(left) == isNil(right) }
        throw TemplateProblem("non-comparable type \(GoFormat.plain(left)): \(right.typeName)")
    }

    private static func isNil(_ value: TemplateValue) -> Bool {
        switch value {
        case .none, .sample(nil): true
        default: false
        }
    }

    private static func whole(_ value: TemplateValue) -> Int64? {
        switch value {
        case .int(let number), .named(let number, _, _): number
        case .byte(let number): Int64(number)
        default: nil
        }
    }

    private static func isLess(_ left: TemplateValue, _ right: TemplateValue) throws -> Bool {
        guard let leftKind = kind(left), let rightKind = kind(right) else {
            throw TemplateProblem("invalid type for comparison")
        }
        if let a = whole(left), let b = whole(right) { return a < b }
        guard leftKind == rightKind else { throw TemplateProblem("incompatible types for comparison") }
        if case .float(let a) = left, case .float(let b) = right { return a < b }
        if let a = left.text, let b = right.text { return a.utf8.lexicographicallyPrecedes(b.utf8) }
        throw TemplateProblem("invalid type for comparison")
    }

    // MARK: Escapes

    private static func words(_ arguments: [TemplateValue]) -> String {
        GoFormat.joined(
            arguments.map { argument in
                if case .none = argument { return .string("<no value>") }
                return argument
            })
    }

    private static func escapedForHTML(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\0": result += "\u{FFFD}"
            case "\"": result += "&#34;"
            case "'": result += "&#39;"
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func escapedForJavaScript(_ text: String) -> String {
        func code(_ scalar: Unicode.Scalar) -> String {
            let digits = String(scalar.value, radix: 16, uppercase: true)
            return "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "'", "\"": result += "\\\(scalar)"
            case "<", ">", "&", "=": result += code(scalar)
            case _ where isPrintable(scalar): result.unicodeScalars.append(scalar)
            default: result += code(scalar)
            }
        }
        return result
    }
}
