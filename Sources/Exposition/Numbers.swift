internal import Glibc

/// A value as exporters write it: decimal, or `NaN`, `Inf`, `Infinity` in any case, with or without sign; nil for anything else.
func number(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    guard let first = text.first else { return nil }
    let isNegative = first == UInt8(ascii: "-")
    var position = isNegative || first == UInt8(ascii: "+") ? 1 : 0
    var digits: UInt64 = 0
    var (digitCount, fraction, significant) = (0, 0, 0)
    var hasPoint = false
    while position < text.count {
        let byte = text[position]
        if byte.isDigit {
            digitCount += 1
            if significant > 0 || byte != 48 { significant += 1 }
            if significant <= 19 { digits = digits &* 10 &+ UInt64(byte &- 48) }
            if hasPoint { fraction += 1 }
        } else if byte == UInt8(ascii: "."), !hasPoint {
            hasPoint = true
        } else {
            break
        }
        position += 1
    }
    guard digitCount > 0 else { return special(text) }
    var exponent = 0
    if position < text.count {
        guard text[position] | 0x20 == UInt8(ascii: "e"), let written = wholeNumber(rest(of: text, from: position + 1))
        else { return nil }
        exponent = Int(max(-100_000, min(written, 100_000)))
    }
    // Exact: both factors are whole numbers that a Double holds.
    let power = exponent - fraction
    if significant <= 19, digits <= 1 << 53, power.magnitude <= 22 {
        let scale = powersOfTen[Int(power.magnitude)]
        let magnitude = power < 0 ? Double(digits) / scale : Double(digits) * scale
        return isNegative ? -magnitude : magnitude
    }
    return slowNumber(text)
}

private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]

private func rest(of text: UnsafeBufferPointer<UInt8>, from start: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: text[start...])
}

/// Only for what was seen to be a decimal number.
private func slowNumber(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { buffer in
        for (index, byte) in text.enumerated() { buffer[index] = CChar(bitPattern: byte) }
        buffer[text.count] = 0
        return buffer.baseAddress.map { strtod($0, nil) }
    }
}

private func special(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    guard text.count <= 9 else { return nil }
    let word = String(decoding: text, as: UTF8.self).lowercased()
    switch word {
    case "nan": return .nan
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    default: return nil
    }
}

/// Digits with or without sign; nil for anything else, also for more than fits.
func wholeNumber(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
    guard let first = text.first else { return nil }
    let isNegative = first == UInt8(ascii: "-")
    let start = isNegative || first == UInt8(ascii: "+") ? 1 : 0
    guard start < text.count else { return nil }
    var number: Int64 = 0
    for byte in text[start...] {
        guard byte.isDigit else { return nil }
        let (tenfold, overflows) = number.multipliedReportingOverflow(by: 10)
        let digit = Int64(byte &- 48)
        let (sum, overflowsToo) = tenfold.addingReportingOverflow(isNegative ? -digit : digit)
        guard !overflows, !overflowsToo else { return nil }
        number = sum
    }
    return number
}
