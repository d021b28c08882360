/// One word or sign of a template.
struct TemplateToken {
    enum Kind: Equatable {
        case text, leftDelimiter, rightDelimiter, space, end, error
        case identifier, field, variable, dot, boolean, number, complex, character, string, rawString
        /// `=`, `:=`, `|`, `(`, `)`.
        case assign, declare, pipe, leftParenthesis, rightParenthesis
        /// Any other printable sign, a comma among them.
        case sign
        case nothing
        case keyword(Keyword)
    }

    enum Keyword: String {
        case block, `break`, `continue`, define, `else`, end, `if`, range, template, with
    }

    let kind: Kind
    /// Where it begins, in bytes.
    let position: Int
    let line: Int
    /// The text itself, or what is wrong.
    let text: String

    /// How Go's messages call it.
    var description: String {
        switch kind {
        case .end: return "EOF"
        case .error: return text
        case .keyword, .nothing, .dot: return "<\(text)>"
        default:
            let start = goQuoted(String(text.prefix(10)))
            return text.count > 10 ? "\(start)..." : start
        }
    }
}

/// Cuts a template into tokens, as Go's `text/template` does.
struct TemplateLexer {
    private let bytes: [UInt8]
    private var position = 0
    private var start = 0
    private var line = 1
    private var startLine = 1
    private var depth = 0
    private var tokens: [TemplateToken] = []

    private init(_ text: String) { bytes = Array(text.utf8) }

    /// All tokens; the last one is `.end`, or `.error` where the text cannot be cut any further.
    static func tokens(of text: String) -> [TemplateToken] {
        var lexer = TemplateLexer(text)
        do {
            try lexer.readText()
        } catch {
            lexer.tokens.append(
                TemplateToken(kind: .error, position: lexer.start, line: lexer.startLine, text: error.what))
        }
        return lexer.tokens
    }

    private struct Refusal: Error { let what: String }

    // MARK: Text

    private mutating func readText() throws(Refusal) {
        while true {
            guard let opening = index(of: "{{", from: position) else {
                position = bytes.count
                if position > start { emit(.text) }
                emit(.end)
                return
            }
            var end = opening
            if trimsLeft(at: opening + 2) { while end > start, isSpace(bytes[end - 1]) { end -= 1 } }
            position = end
            if position > start { emit(.text) }
            position = opening
            ignore()
            try readAction()
        }
    }

    private mutating func readAction() throws(Refusal) {
        let marker = trimsLeft(at: position + 2) ? 2 : 0
        if hasPrefix("/*", at: position + 2 + marker) { return try skipComment(from: position + 2 + marker) }
        position += 2
        emit(.leftDelimiter)
        position += marker
        ignore()
        depth = 0
        while try readInside() {}
    }

    private mutating func skipComment(from opening: Int) throws(Refusal) {
        position = opening
        ignore()
        guard let end = index(of: "*/", from: opening + 2) else { throw Refusal(what: "unclosed comment") }
        position = end + 2
        guard let closing = rightDelimiter else { throw Refusal(what: "comment ends before closing delimiter") }
        close(closing)
        ignore()
    }

    // MARK: Inside of an action

    /// - Returns: whether the action goes on.
    private mutating func readInside() throws(Refusal) -> Bool {
        if let closing = rightDelimiter {
            guard depth == 0 else { throw Refusal(what: "unclosed left paren") }
            if closing.trims { position += 2 }
            ignore()
            position += 2
            emit(.rightDelimiter)
            if closing.trims { skipSpaces() }
            ignore()
            return false
        }
        guard let scalar = next() else { throw Refusal(what: "unclosed action") }
        switch scalar {
        case " ", "\t", "\r", "\n":
            readSpaces()
        case "=": emit(.assign)
        case ":":
            guard next() == "=" else { throw Refusal(what: "expected :=") }
            emit(.declare)
        case "|": emit(.pipe)
        case "\"": try readQuoted("\"", .string, "unterminated quoted string")
        case "'": try readQuoted("'", .character, "unterminated character constant")
        case "`":
            while let inside = next() { if inside == "`" { return emitted(.rawString) } }
            throw Refusal(what: "unterminated raw quoted string")
        case "$": try readName(.variable, alone: .variable)
        case ".":
            if let following = peek(), ("0"..."9").contains(following) {
                position = start
                try readNumber()
            } else {
                try readName(.field, alone: .dot)
            }
        case "+", "-", "0"..."9":
            position = start
            try readNumber()
        case _ where isNameScalar(scalar):
            position = start
            try readIdentifier()
        case "(":
            depth += 1
            emit(.leftParenthesis)
        case ")":
            depth -= 1
            guard depth >= 0 else { throw Refusal(what: "unexpected right paren") }
            emit(.rightParenthesis)
        case "!"..."~": emit(.sign)
        default: throw Refusal(what: "unrecognized character in action: \(goCodePoint(scalar))")
        }
        return true
    }

    private mutating func emitted(_ kind: TemplateToken.Kind) -> Bool {
        emit(kind)
        return true
    }

    /// A run of spaces, but not the one that belongs to ` -}}`.
    private mutating func readSpaces() {
        while let scalar = peek(), isSpace(scalar) { _ = next() }
        if trimsRight(at: position - 1) { position -= 1 }
        if position > start { emit(.space) }
    }

    private mutating func readQuoted(
        _ quote: Unicode.Scalar, _ kind: TemplateToken.Kind, _ complaint: String
    ) throws(Refusal) {
        while let scalar = next(), scalar != "\n" {
            if scalar == quote { return emit(kind) }
            if scalar == "\\" {
                guard let escaped = next(), escaped != "\n" else { break }
            }
        }
        throw Refusal(what: complaint)
    }

    /// What follows `.` or `$`.
    private mutating func readName(_ kind: TemplateToken.Kind, alone: TemplateToken.Kind) throws(Refusal) {
        if isAtTerminator { return emit(alone) }
        var last = skipName()
        guard isAtTerminator else {
            if last == nil { last = peek() }
            throw Refusal(what: "bad character \(last.map(goCodePoint) ?? "U+FFFFFFFFFFFFFFFF")")
        }
        emit(kind)
    }

    private mutating func readIdentifier() throws(Refusal) {
        let following = skipName()
        guard isAtTerminator else {
            throw Refusal(what: "bad character \(following.map(goCodePoint) ?? "")")
        }
        let word = text(start, position)
        if let keyword = TemplateToken.Keyword(rawValue: word) { return emit(.keyword(keyword)) }
        switch word {
        case "true", "false": emit(.boolean)
        case "nil": emit(.nothing)
        default: emit(.identifier)
        }
    }

    /// - Returns: what comes after the name.
    private mutating func skipName() -> Unicode.Scalar? {
        while let scalar = peek(), isNameScalar(scalar) { _ = next() }
        return peek()
    }

    private var isAtTerminator: Bool {
        guard let scalar = peek() else { return true }
        return isSpace(scalar) || ".,|:)(".unicodeScalars.contains(scalar) || hasPrefix("}}", at: position)
    }

    private mutating func readNumber() throws(Refusal) {
        guard scanNumber() else { throw Refusal(what: "bad number syntax: \(goQuoted(text(start, position)))") }
        if peek() == "+" || peek() == "-" {
            guard scanNumber(), bytes[position - 1] == UInt8(ascii: "i") else {
                throw Refusal(what: "bad number syntax: \(goQuoted(text(start, position)))")
            }
            return emit(.complex)
        }
        emit(.number)
    }

    private mutating func scanNumber() -> Bool {
        func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) || scalar == "_" }
        var accepts = isDigit
        var exponent = "eE"
        take("+-")
        if take("0") {
            if take("xX") {
                accepts = { $0.properties.isASCIIHexDigit || $0 == "_" }
                exponent = "pP"
            } else if take("oO") {
                accepts = { ("0"..."7").contains($0) || $0 == "_" }
                exponent = ""
            } else if take("bB") {
                accepts = { $0 == "0" || $0 == "1" || $0 == "_" }
                exponent = ""
            }
        }
        while let scalar = peek(), accepts(scalar) { _ = next() }
        if take(".") { while let scalar = peek(), accepts(scalar) { _ = next() } }
        if !exponent.isEmpty, take(exponent) {
            take("+-")
            while let scalar = peek(), isDigit(scalar) { _ = next() }
        }
        take("i")
        guard let following = peek(), isNameScalar(following) else { return true }
        _ = next()
        return false
    }

    @discardableResult
    private mutating func take(_ signs: String) -> Bool {
        guard let scalar = peek(), signs.unicodeScalars.contains(scalar) else { return false }
        _ = next()
        return true
    }

    // MARK: Delimiters

    private var rightDelimiter: (trims: Bool, length: Int)? {
        if trimsRight(at: position) { return (true, 4) }
        return hasPrefix("}}", at: position) ? (false, 2) : nil
    }

    private mutating func close(_ delimiter: (trims: Bool, length: Int)) {
        ignore()
        position += delimiter.length
        if delimiter.trims { skipSpaces() }
    }

    private mutating func skipSpaces() { while position < bytes.count, isSpace(bytes[position]) { position += 1 } }

    /// `- ` after an opening delimiter.
    private func trimsLeft(at index: Int) -> Bool {
        index + 1 < bytes.count && bytes[index] == UInt8(ascii: "-") && isSpace(bytes[index + 1])
    }

    /// ` -}}`
    private func trimsRight(at index: Int) -> Bool {
        index >= 0 && index + 1 < bytes.count && isSpace(bytes[index]) && hasPrefix("-}}", at: index + 1)
    }

    // MARK: Bytes

    private mutating func emit(_ kind: TemplateToken.Kind) {
        tokens.append(TemplateToken(kind: kind, position: start, line: startLine, text: text(start, position)))
        ignore()
    }

    private mutating func ignore() {
        line = startLine + bytes[start..<position].count { $0 == UInt8(ascii: "\n") }
        start = position
        startLine = line
    }

    private func peek() -> Unicode.Scalar? {
        guard position < bytes.count else { return nil }
        var decoder = UTF8()
        var rest = bytes[position..<min(position + 4, bytes.count)].makeIterator()
        if case .scalarValue(let scalar) = decoder.decode(&rest) { return scalar }
        return "\u{FFFD}"
    }

    private mutating func next() -> Unicode.Scalar? {
        guard let scalar = peek() else { return nil }
        position += UTF8.width(scalar)
        return scalar
    }

    private func text(_ start: Int, _ end: Int) -> String { String(decoding: bytes[start..<end], as: UTF8.self) }

    private func hasPrefix(_ prefix: String, at index: Int) -> Bool {
        index <= bytes.count && bytes[index...].starts(with: prefix.utf8)
    }

    private func index(of pattern: StaticString, from index: Int) -> Int? {
        let (first, second) = (pattern.utf8Start[0], pattern.utf8Start[1])
        var index = index
        while index + 1 < bytes.count {
            if bytes[index] == first, bytes[index + 1] == second { return index }
            index += 1
        }
        return nil
    }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a }

private func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.isASCII && isSpace(UInt8(scalar.value)) }

private func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "_" { return true }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber:
        return true
    default: return false
    }
}
