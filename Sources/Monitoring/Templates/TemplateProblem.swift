/// Why a template cannot be read or expanded, in the words of Go's `text/template`.
struct TemplateProblem: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A text in double quotes as Go's `%q` writes it.
func goQuoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars { result += goEscaped(scalar, quote: "\"") }
    return result + "\""
}

/// A character in single quotes as Go's `%q` writes it.
func goQuoted(_ scalar: Unicode.Scalar) -> String { "'" + goEscaped(scalar, quote: "'") + "'" }

private func goEscaped(_ scalar: Unicode.Scalar, quote: Unicode.Scalar) -> String {
    switch scalar {
    case quote, "\\": "\\\(scalar)"
    case "\u{07}": "\\a"
    case "\u{08}": "\\b"
    case "\u{0C}": "\\f"
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case "\u{0B}": "\\v"
    case _ where isPrintable(scalar): String(scalar)
    case _ where scalar.value < 0x80: "\\x" + hexadecimal(scalar, digits: 2)
    case _ where scalar.value < 0x10000: "\\u" + hexadecimal(scalar, digits: 4)
    default: "\\U" + hexadecimal(scalar, digits: 8)
    }
}

/// Go's `%#U`: `U+0040 '@'`.
func goCodePoint(_ scalar: Unicode.Scalar) -> String {
    let code = "U+" + hexadecimal(scalar, digits: 4).uppercased()
    return isPrintable(scalar) ? "\(code) '\(scalar)'" : code
}

/// As Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    case .spaceSeparator: scalar == " "
    default: true
    }
}

private func hexadecimal(_ scalar: Unicode.Scalar, digits: Int) -> String {
    let text = String(scalar.value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// What a quoted text of a template means: Go's `strconv.Unquote` for `"…"`, `` `…` `` and `'…'`; nil if it means nothing.
func goUnquoted(_ text: String) -> String? {
    let inner = Array(text.unicodeScalars.dropFirst().dropLast())
    guard let quote = text.unicodeScalars.first else { return nil }
    if quote == "`" { return String(String.UnicodeScalarView(inner.filter { $0 != "\r" })) }
    var bytes: [UInt8] = []
    var index = 0
    while index < inner.count {
        let scalar = inner[index]
        index += 1
        guard scalar == "\\" else {
            bytes += Array(String(scalar).utf8)
            continue
        }
        guard let escaped = goUnescaped(inner, &index, quote: quote) else { return nil }
        bytes += escaped
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// The bytes of the escape whose backslash stands before `index`.
private func goUnescaped(_ scalars: [Unicode.Scalar], _ index: inout Int, quote: Unicode.Scalar) -> [UInt8]? {
    guard index < scalars.count else { return nil }
    let scalar = scalars[index]
    index += 1
    func code(_ digits: Int, _ radix: Int) -> UInt32? {
        guard index + digits <= scalars.count else { return nil }
        let text = String(String.UnicodeScalarView(scalars[index..<index + digits]))
        index += digits
        return text.contains("+") || text.contains("-") ? nil : UInt32(text, radix: radix)
    }
    switch scalar {
    case "a": return [7]
    case "b": return [8]
    case "f": return [12]
    case "n": return [10]
    case "r": return [13]
    case "t": return [9]
    case "v": return [11]
    case "\\", quote: return Array(String(scalar).utf8)
    case "x": return code(2, 16).map { [UInt8($0)] }
    case "u": return code(4, 16).flatMap(Unicode.Scalar.init).map { Array(String($0).utf8) }
    case "U": return code(8, 16).flatMap(Unicode.Scalar.init).map { Array(String($0).utf8) }
    case "0"..."7":
        index -= 1
        return code(3, 8).flatMap { $0 < 256 ? [UInt8($0)] : nil }
    default: return nil
    }
}
