/// Cuts an expression into tokens. White space and comments (`#` to the end of the line) fall away.
struct Lexer {
    private let bytes: [UInt8]
    private var position = 0
    private var open: [UInt8] = []

    init(_ text: String) { bytes = Array(text.utf8) }

    /// All tokens, closed by `.end`.
    static func tokens(of text: String) throws(SyntaxError) -> [Token] {
        var lexer = Lexer(text)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private mutating func next() throws(SyntaxError) -> Token {
        skipBlanks()
        guard let byte = peek() else {
            if let bracket = open.last {
                throw SyntaxError("unclosed “\(Character(UnicodeScalar(bracket)))”", at: position)
            }
            return Token(kind: .end, range: SourceRange(position, position))
        }
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return try numberOrDuration()
        case UInt8(ascii: ".") where isDigit(peek(1)): return try numberOrDuration()
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"): return try string(quote: byte)
        case UInt8(ascii: ":") where namesHaveColons: return identifier()
        case _ where isLetter(byte): return identifier()
        default: return try sign()
        }
    }

    private mutating func skipBlanks() {
        while let byte = peek() {
            if byte == UInt8(ascii: "#") {
                while let inside = peek(), inside != UInt8(ascii: "\n") { position += 1 }
            } else if byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
                position += 1
            } else {
                return
            }
        }
    }

    /// Names of metrics have colons; labels have none, and between brackets a colon stands for itself.
    private var namesHaveColons: Bool { open.last != UInt8(ascii: "{") && open.last != UInt8(ascii: "[") }

    private mutating func identifier() -> Token {
        let start = position
        while let byte = peek(), isLetter(byte) || isDigit(byte) || (namesHaveColons && byte == UInt8(ascii: ":")) {
            position += 1
        }
        return Token(kind: .identifier(text(from: start)), range: SourceRange(start, position))
    }

    private mutating func sign() throws(SyntaxError) -> Token {
        let start = position
        let two = text(from: start, to: min(start + 2, bytes.count))
        if ["==", "!=", "<=", ">=", "=~", "!~"].contains(two) {
            position += 2
            return Token(kind: .sign(two), range: SourceRange(start, position))
        }
        let byte = bytes[position]
        switch byte {
        case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): open.append(byte)
        case UInt8(ascii: ")"): try close(UInt8(ascii: "("))
        case UInt8(ascii: "]"): try close(UInt8(ascii: "["))
        case UInt8(ascii: "}"): try close(UInt8(ascii: "{"))
        case _ where "+-*/%^<>=,:@".utf8.contains(byte): break
        default: throw SyntaxError("unexpected character \(character(at: start))", at: start)
        }
        position += 1
        return Token(
            kind: .sign(String(UnicodeScalar(byte))), range: SourceRange(start, position))
    }

    private mutating func close(_ opening: UInt8) throws(SyntaxError) {
        guard open.last == opening else {
            throw SyntaxError("unexpected “\(Character(UnicodeScalar(bytes[position])))”", at: position)
        }
        open.removeLast()
    }

    // MARK: Numbers

    private mutating func numberOrDuration() throws(SyntaxError) -> Token {
        let start = position
        if let value = hexadecimal() { return try ended(.number(value), from: start) }
        skip(isDigitOrUnderscore)
        if let unit = peek(), isUnit(unit) {
            position = start
            return try duration()
        }
        if peek() == UInt8(ascii: ".") {
            position += 1
            skip(isDigitOrUnderscore)
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            position += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
            skip(isDigitOrUnderscore)
        }
        let digits = text(from: start).filter { $0 != "_" }
        guard let value = number(digits) else { throw SyntaxError("bad number “\(digits)”", at: start) }
        return try ended(.number(value), from: start)
    }

    /// As Go reads it: a whole number with a leading 0 is octal.
    private func number(_ digits: String) -> Double? {
        if digits.count > 1, digits.hasPrefix("0"), digits.utf8.allSatisfy({ isDigit($0) }),
            let value = Int64(digits, radix: 8)
        {
            return Double(value)
        }
        var digits = digits[...]
        if digits.hasSuffix(".") { digits.removeLast() }
        return Double(digits.replacing(".e", with: "e").replacing(".E", with: "e"))
    }

    private mutating func hexadecimal() -> Double? {
        guard peek() == UInt8(ascii: "0"), peek(1) == UInt8(ascii: "x") || peek(1) == UInt8(ascii: "X") else {
            return nil
        }
        let start = position
        position += 2
        skip { Self.isHex($0) || $0 == UInt8(ascii: "_") }
        let digits = text(from: start + 2).filter { $0 != "_" }
        guard let value = Int64(digits, radix: 16) else {
            position = start
            return nil
        }
        return Double(value)
    }

    private mutating func duration() throws(SyntaxError) -> Token {
        let start = position
        skip { isDigit($0) || isLetter($0) }
        let word = text(from: start)
        guard let milliseconds = DurationText.milliseconds(word) else {
            throw SyntaxError("bad number or duration “\(word)”", at: start)
        }
        return Token(kind: .duration(milliseconds), range: SourceRange(start, position))
    }

    private func ended(_ kind: Token.Kind, from start: Int) throws(SyntaxError) -> Token {
        if let byte = peek(), isLetter(byte) || isDigit(byte) {
            throw SyntaxError(
                "bad number or duration “\(text(from: start))\(character(at: position, bare: true))”", at: start)
        }
        return Token(kind: kind, range: SourceRange(start, position))
    }

    // MARK: Strings

    private mutating func string(quote: UInt8) throws(SyntaxError) -> Token {
        let start = position
        position += 1
        var content: [UInt8] = []
        while let byte = peek(), byte != quote {
            if byte == UInt8(ascii: "\n"), quote != UInt8(ascii: "`") { break }
            position += 1
            if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "`") {
                content += try escape(quote: quote)
            } else {
                content.append(byte)
            }
        }
        guard peek() == quote else { throw SyntaxError("unterminated string", at: start) }
        position += 1
        guard let text = String(validating: content, as: UTF8.self) else {
            throw SyntaxError("a string that is not UTF-8", at: start)
        }
        return Token(kind: .string(text), range: SourceRange(start, position))
    }

    private mutating func escape(quote: UInt8) throws(SyntaxError) -> [UInt8] {
        let start = position - 1
        guard let byte = peek() else { throw SyntaxError("unterminated string", at: start) }
        position += 1
        switch byte {
        case UInt8(ascii: "a"): return [7]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "v"): return [11]
        case UInt8(ascii: "\\"), quote: return [byte]
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            position -= 1
            let code = try code(digits: 3, radix: 8, from: start)
            guard code < 256 else { throw SyntaxError("bad escape", at: start) }
            return [UInt8(code)]
        case UInt8(ascii: "x"): return [UInt8(try code(digits: 2, radix: 16, from: start))]
        case UInt8(ascii: "u"): return try scalar(digits: 4, from: start)
        case UInt8(ascii: "U"): return try scalar(digits: 8, from: start)
        default: throw SyntaxError("unknown escape “\\\(character(at: position - 1, bare: true))”", at: start)
        }
    }

    private mutating func scalar(digits: Int, from start: Int) throws(SyntaxError) -> [UInt8] {
        guard let scalar = UnicodeScalar(try code(digits: digits, radix: 16, from: start)) else {
            throw SyntaxError("an escape that is no character", at: start)
        }
        return Array(String(scalar).utf8)
    }

    private mutating func code(digits: Int, radix: Int, from start: Int) throws(SyntaxError) -> UInt32 {
        let end = position + digits
        guard end <= bytes.count, bytes[position..<end].allSatisfy(Self.isHex),
            let code = UInt32(text(from: position, to: end), radix: radix)
        else { throw SyntaxError("bad escape", at: start) }
        position = end
        return code
    }

    // MARK: Bytes

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < bytes.count ? bytes[position + ahead] : nil
    }

    private mutating func skip(_ accepts: (UInt8) -> Bool) {
        while let byte = peek(), accepts(byte) { position += 1 }
    }

    private func text(from start: Int, to end: Int? = nil) -> String {
        String(decoding: bytes[start..<(end ?? position)], as: UTF8.self)
    }

    private func character(at offset: Int, bare: Bool = false) -> String {
        let character = text(from: offset, to: min(offset + 4, bytes.count)).unicodeScalars.first.map(String.init) ?? ""
        return bare ? character : quoted(character)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
}

private func isDigit(_ byte: UInt8?) -> Bool {
    guard let byte else { return false }
    return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

private func isDigitOrUnderscore(_ byte: UInt8) -> Bool { isDigit(byte) || byte == UInt8(ascii: "_") }

private func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
}

private func isUnit(_ byte: UInt8) -> Bool { "smhdwy".utf8.contains(byte) }
