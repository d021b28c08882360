/// Numbers as Prometheus writes them.
package enum FloatText {
    /// Never an exponent: labels, the text of a sample. `+Inf`, `-Inf`, `NaN`.
    package static func plain(_ value: Double) -> String {
        special(value) ?? Digits(value).plain
    }

    /// For JSON: an exponent below 1e-6 and from 1e21 on.
    package static func json(_ value: Double) -> String {
        if let text = special(value) { return text }
        let size = value.magnitude
        return size != 0 && (size < 1e-6 || size >= 1e21) ? Digits(value).scientific : Digits(value).plain
    }

    /// For messages: an exponent below 1e-4 and from 1e21 on.
    package static func short(_ value: Double) -> String {
        if let text = special(value) { return text }
        let size = value.magnitude
        return size != 0 && (size < 1e-4 || size >= 1e21) ? Digits(value).scientific : Digits(value).plain
    }

    /// Always with an exponent: the value of an alert.
    package static func scientific(_ value: Double) -> String {
        special(value) ?? Digits(value).scientific
    }

    /// Reads what Prometheus writes, any case of `inf` and `nan`, and Go's other forms of a decimal number.
    package static func value(_ text: String) -> Double? {
        var rest = text.lowercased()[...]
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest = rest.dropFirst() }
        guard let first = rest.unicodeScalars.first, first != "+", first != "-" else { return nil }
        let size: Double?
        switch rest {
        case "inf", "infinity": size = .infinity
        case "nan": size = .nan
        default:
            guard first == "." || ("0"..."9").contains(first) else { return nil }
            size =
                Double(rest) ?? Double(rest.hasSuffix(".") ? rest.dropLast() : rest.hasPrefix(".") ? "0" + rest : rest)
        }
        return size.map { isNegative ? -$0 : $0 }
    }

    private static func special(_ value: Double) -> String? {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return nil
    }
}

/// The shortest decimal digits that give the same number back, and where the point stands.
private struct Digits {
    let sign: String
    /// Without leading or trailing zeros; empty for zero.
    let digits: [UInt8]
    /// The point stands after so many of the digits.
    let point: Int

    init(_ value: Double) {
        sign = value.sign == .minus ? "-" : ""
        let parts = value.magnitude.description.split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = Array(halves[0].utf8)
        var all = whole + (halves.count > 1 ? Array(halves[1].utf8) : [])
        let leading = all.prefix { $0 == UInt8(ascii: "0") }.count
        all.removeFirst(leading)
        while all.last == UInt8(ascii: "0") { all.removeLast() }
        digits = all
        point = all.isEmpty ? 0 : whole.count - leading + exponent
    }

    var plain: String {
        guard !digits.isEmpty else { return sign + "0" }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + text(digits) }
        if point >= digits.count { return sign + text(digits) + String(repeating: "0", count: point - digits.count) }
        return sign + text(digits[..<point]) + "." + text(digits[point...])
    }

    var scientific: String {
        if digits.isEmpty { return sign + "0e+00" }
        let exponent = point - 1
        let size = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
        let fraction = digits.count > 1 ? "." + text(digits[1...]) : ""
        return sign + text(digits[..<1]) + fraction + "e" + (exponent < 0 ? "-" : "+") + size
    }

    private func text(_ digits: some Sequence<UInt8>) -> String { String(decoding: Array(digits), as: UTF8.self) }
}
