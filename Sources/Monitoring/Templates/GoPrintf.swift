/// Go's `fmt.Sprintf`.
struct GoPrintf {
    private struct Flags {
        var minus = false
        var plus = false
        /// `%+v`: names of fields.
        var names = false
        var sharp = false
        var space = false
        var zero = false
        var width: Int?
        var precision: Int?
    }

    private let arguments: [TemplateValue]
    private var format: Substring.UnicodeScalarView
    private var next = 0
    private var isReordered = false
    private var result = ""

    static func text(_ format: String, _ arguments: [TemplateValue]) -> String {
        var printf = GoPrintf(arguments: arguments, format: Substring(format).unicodeScalars)
        printf.run()
        return printf.result
    }

    private init(arguments: [TemplateValue], format: Substring.UnicodeScalarView) {
        self.arguments = arguments
        self.format = format
    }

    private mutating func run() {
        while let scalar = format.popFirst() {
            guard scalar == "%" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            directive()
            // Somebody's format must not grow without bound.
            if result.utf8.count > TemplateLimits.output { return }
        }
        guard !isReordered, next < arguments.count else { return }
        let extra = arguments[next...].map {
            if case .none = $0 { return "<nil>" }
            return "\($0.typeName)=\(GoFormat.plain($0))"
        }
        result += "%!(EXTRA \(extra.joined(separator: ", ")))"
    }

    private mutating func directive() {
        var flags = Flags()
        readFlags(&flags)
        var isIndexGood = argumentIndex()
        if take("*") {
            flags.width = integerArgument()
            if flags.width == nil { result += "%!(BADWIDTH)" }
            if let width = flags.width, width < 0 {
                flags.minus = true
                flags.zero = false
                flags.width = -width
            }
        } else {
            flags.width = number()
        }
        if take(".") {
            isIndexGood = argumentIndex() && isIndexGood
            if take("*") {
                flags.precision = integerArgument().flatMap { $0 < 0 ? nil : $0 }
                if flags.precision == nil { result += "%!(BADPREC)" }
            } else {
                flags.precision = number() ?? 0
            }
        }
        isIndexGood = argumentIndex() && isIndexGood
        guard let verb = format.popFirst() else { return result += "%!(NOVERB)" }
        if verb == "%" { return result += "%" }
        guard isIndexGood else { return result += "%!\(verb)(BADINDEX)" }
        guard next < arguments.count else { return result += "%!\(verb)(MISSING)" }
        next += 1
        if verb == "v", flags.plus { (flags.plus, flags.names) = (false, true) }
        result += text(arguments[next - 1], verb, flags)
    }

    private mutating func readFlags(_ flags: inout Flags) {
        while let scalar = format.first {
            switch scalar {
            case "-":
                flags.minus = true
                flags.zero = false
            case "+": flags.plus = true
            case "#": flags.sharp = true
            case " ": flags.space = true
            case "0": flags.zero = !flags.minus
            default: return
            }
            format.removeFirst()
        }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard format.first == scalar else { return false }
        format.removeFirst()
        return true
    }

    private mutating func number() -> Int? {
        var digits = ""
        while let scalar = format.first, ("0"..."9").contains(scalar) {
            digits.unicodeScalars.append(scalar)
            format.removeFirst()
        }
        return digits.isEmpty ? nil : min(Int(digits) ?? GoFormat.largestWidth, GoFormat.largestWidth)
    }

    /// `[3]`. False when it names no argument.
    private mutating func argumentIndex() -> Bool {
        guard format.first == "[" else { return true }
        isReordered = true
        guard let end = format.firstIndex(of: "]") else {
            format.removeFirst()
            return false
        }
        let text = String(format[format.index(after: format.startIndex)..<end])
        format = format[format.index(after: end)...]
        guard let index = Int(text), (1...max(1, arguments.count)).contains(index), !arguments.isEmpty else {
            return false
        }
        next = index - 1
        return true
    }

    private mutating func integerArgument() -> Int? {
        guard next < arguments.count else { return nil }
        next += 1
        guard case .int(let value) = arguments[next - 1], value.magnitude <= UInt64(GoFormat.largestWidth) else {
            return nil
        }
        return Int(value)
    }

    // MARK: Values

    private func text(_ value: TemplateValue, _ verb: Unicode.Scalar, _ flags: Flags) -> String {
        if verb == "T" { return padded(value.typeName == "nil" ? "<nil>" : value.typeName, flags) }
        switch value {
        case .none where verb == "v": return padded("<nil>", flags)
        case .bool(let truth) where verb == "t" || verb == "v": return padded("\(truth)", flags)
        case .named(_, let type, let text) where type != "int64" && (verb == "v" || verb == "s"):
            return padded(text, flags)
        case .int(let number), .named(let number, _, _):
            return integer(number, verb, flags) ?? bad(value, verb, flags)
        case .byte(let number): return integer(Int64(number), verb, flags) ?? bad(value, verb, flags)
        case .float(let number): return float(number, verb, flags) ?? bad(value, verb, flags)
        case .string(let text), .html(let text): return string(text, verb, flags) ?? bad(value, verb, flags)
        case .time(let time): return string(time.description, verb, flags) ?? bad(value, verb, flags)
        case .labels(let labels):
            return map(GoFormat.sorted(labels).map { ($0.key, .string($0.value)) }, verb, flags)
        case .map(let entries): return map(GoFormat.sorted(entries).map { ($0.key, $0.value) }, verb, flags)
        case .sample(let sample?):
            return "&" + structure([("Labels", .labels(sample.labels)), ("Value", .float(sample.value))], verb, flags)
        case .data(let data):
            let fields: [(name: String, value: TemplateValue)] = [
                ("Labels", .labels(data.labels)), ("ExternalLabels", .labels(data.externalLabels)),
                ("ExternalURL", .string(data.externalURL)), ("Value", .float(data.value)),
            ]
            return structure(fields, verb, flags)
        default: return verb == "v" ? padded(GoFormat.plain(value), flags) : bad(value, verb, flags)
        }
    }

    private func map(
        _ entries: [(key: String, value: TemplateValue)], _ verb: Unicode.Scalar, _ flags: Flags
    ) -> String {
        let pairs = entries.map { "\(text(.string($0.key), verb, flags)):\(text($0.value, verb, flags))" }
        return "map[\(pairs.joined(separator: " "))]"
    }

    private func structure(
        _ fields: [(name: String, value: TemplateValue)], _ verb: Unicode.Scalar, _ flags: Flags
    ) -> String {
        let texts = fields.map { (flags.names ? $0.name + ":" : "") + text($0.value, verb, flags) }
        return "{\(texts.joined(separator: " "))}"
    }

    private func bad(_ value: TemplateValue, _ verb: Unicode.Scalar, _ flags: Flags) -> String {
        if case .none = value { return "%!\(verb)(<nil>)" }
        return "%!\(verb)(\(value.typeName)=\(verb == "v" ? GoFormat.plain(value) : text(value, "v", flags)))"
    }

    private func integer(_ value: Int64, _ verb: Unicode.Scalar, _ flags: Flags) -> String? {
        let radixes: [Unicode.Scalar: (radix: Int, prefix: String)] = [
            "v": (10, ""), "d": (10, ""), "b": (2, "0b"), "o": (8, "0"), "O": (8, "0o"), "x": (16, "0x"),
            "X": (16, "0X"),
        ]
        if let (radix, prefix) = radixes[verb] {
            var digits = String(value.magnitude, radix: radix, uppercase: verb == "X")
            var flags = flags
            if let precision = flags.precision {
                digits = String(repeating: "0", count: max(0, precision - digits.count)) + digits
                if precision == 0, value == 0 { digits = "" }
                flags.zero = false
            }
            let sign = value < 0 ? "-" : flags.plus ? "+" : flags.space ? " " : ""
            return filled(digits, sign: sign + (flags.sharp || verb == "O" ? prefix : ""), flags)
        }
        let scalar = UInt32(exactly: value).flatMap(Unicode.Scalar.init) ?? "\u{FFFD}"
        switch verb {
        case "c": return padded(String(scalar), flags)
        case "q": return padded(goQuoted(scalar), flags)
        case "U":
            let digits = String(value.magnitude, radix: 16, uppercase: true)
            return padded("U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits, flags)
        default: return nil
        }
    }

    private func float(_ value: Double, _ verb: Unicode.Scalar, _ flags: Flags) -> String? {
        let format: Character
        var precision = flags.precision
        switch verb {
        case "v", "g": format = "g"
        case "G": format = "G"
        case "e", "f", "E":
            format = Character(verb)
            precision = precision ?? 6
        case "F":
            format = "f"
            precision = precision ?? 6
        default: return nil
        }
        var flags = flags
        var digits = GoFormat.float(value.magnitude, format, precision)
        if value.isNaN || value.isInfinite {
            flags.zero = false
            if digits.hasPrefix("+") { digits.removeFirst() }
        }
        let sign =
            value.sign == .minus && !value.isNaN ? "-" : flags.plus || value == .infinity ? "+" : flags.space ? " " : ""
        return filled(digits, sign: sign, flags)
    }

    private func string(_ text: String, _ verb: Unicode.Scalar, _ flags: Flags) -> String? {
        let cut = flags.precision.map { String(String.UnicodeScalarView(text.unicodeScalars.prefix($0))) } ?? text
        switch verb {
        case "v", "s": return padded(cut, flags)
        case "q":
            let isRaw = flags.sharp && !cut.unicodeScalars.contains { $0 == "`" || $0.value < 0x20 && $0 != "\t" }
            return padded(isRaw ? "`\(cut)`" : goQuoted(cut), flags)
        case "x", "X":
            let bytes = Array(text.utf8).prefix(flags.precision ?? .max)
            let words = bytes.map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: verb == "X")
            }
            return padded(words.joined(separator: flags.space ? " " : ""), flags)
        default: return nil
        }
    }

    // MARK: Widths

    private func padded(_ text: String, _ flags: Flags) -> String {
        let missing = (flags.width ?? 0) - text.unicodeScalars.count
        guard missing > 0 else { return text }
        if flags.minus { return text + String(repeating: " ", count: missing) }
        return String(repeating: flags.zero ? "0" : " ", count: missing) + text
    }

    /// A number: zeros stand between its sign and its digits.
    private func filled(_ digits: String, sign: String, _ flags: Flags) -> String {
        let missing = (flags.width ?? 0) - digits.count - sign.count
        guard flags.zero, missing > 0 else {
            var flags = flags
            flags.zero = false
            return padded(sign + digits, flags)
        }
        return sign + String(repeating: "0", count: missing) + digits
    }
}
