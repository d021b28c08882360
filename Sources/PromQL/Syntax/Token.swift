/// One word or sign of an expression.
struct Token: Sendable {
    enum Kind: Equatable, Sendable {
        case number(Double)
        /// Milliseconds.
        case duration(Int64)
        case string(String)
        case identifier(String)
        /// A sign: `+`, `=~`, `(` and so on.
        case sign(String)
        case end
    }

    let kind: Kind
    let range: SourceRange

    func isSign(_ sign: String) -> Bool { kind == .sign(sign) }

    /// The word in small letters, when this is a word.
    var word: String? {
        guard case .identifier(let name) = kind else { return nil }
        return name.lowercased()
    }

    /// How a message calls this token.
    var description: String {
        switch kind {
        case .number: "number"
        case .duration: "duration"
        case .string(let text): "string \(quoted(text))"
        case .identifier(let name): "“\(name)”"
        case .sign(let sign): "“\(sign)”"
        case .end: "end of expression"
        }
    }
}

/// A text as it would stand in an expression.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case "\r": result += "\\r"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
