import Machine

// Text that is built byte by byte, because it is built for every entry.

extension [UInt8] {
    mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(decimal value: some FixedWidthInteger) {
        if value < 0 { append(0x2d) }
        var rest = UInt64(value.magnitude)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
                rest /= 10
            } while rest > 0
            append(contentsOf: UnsafeBufferPointer(rebasing: digits[start..<20]))
        }
    }

    /// At least `digits` digits.
    mutating func append(octal value: UInt32, digits: Int) {
        var shift = 30
        var started = false
        while shift >= 0 {
            let digit = UInt8(value >> UInt32(shift) & 7)
            started = started || digit != 0 || shift < digits * 3
            if started { append(0x30 + digit) }
            shift -= 3
        }
    }

    /// The exact decimal number of seconds since 1970, with nine decimals: `-0.500000000` is half a second before.
    ///
    /// - Parameter trimmed: leaves out zeros at the end, and the point with them, as pax headers do.
    mutating func append(_ time: Timestamp, trimmed: Bool) {
        var seconds = time.seconds
        var nanoseconds = time.nanoseconds
        if seconds < 0 {
            append(0x2d)
            if nanoseconds > 0 {
                seconds += 1
                nanoseconds = 1_000_000_000 - nanoseconds
            }
        }
        append(decimal: seconds.magnitude)
        if trimmed, nanoseconds == 0 { return }
        append(0x2e)
        var scale: Int32 = 100_000_000
        while scale > 0, !trimmed || nanoseconds > 0 {
            append(UInt8(0x30 + nanoseconds / scale))
            nanoseconds %= scale
            scale /= 10
        }
    }

    mutating func append(base64 bytes: some Collection<UInt8>) {
        let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        var group: UInt32 = 0
        var filled = 0
        func digit(_ shift: UInt32) -> UInt8 { alphabet.utf8Start[Int(group >> shift & 63)] }
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            filled += 1
            if filled == 3 {
                append(contentsOf: [digit(18), digit(12), digit(6), digit(0)])
                group = 0
                filled = 0
            }
        }
        if filled == 1 {
            group <<= 16
            append(contentsOf: [digit(18), digit(12), 0x3d, 0x3d])
        } else if filled == 2 {
            group <<= 8
            append(contentsOf: [digit(18), digit(12), digit(6), 0x3d])
        }
    }

    mutating func append(hexadecimal bytes: [UInt8]) {
        for byte in bytes {
            append(hexDigit(byte >> 4))
            append(hexDigit(byte & 15))
        }
    }

    /// A JSON string, escaped no more than needed; the bytes have to be UTF-8.
    mutating func append(json bytes: some Collection<UInt8>) {
        append(0x22)
        for byte in bytes {
            switch byte {
            case 0x22, 0x5c:
                append(0x5c)
                append(byte)
            case 0..<0x20, 0x7f:
                append("\\u00")
                append(hexDigit(byte >> 4))
                append(hexDigit(byte & 15))
            default: append(byte)
            }
        }
        append(0x22)
    }

    private func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    /// Whether all of it is valid UTF-8.
    var isUTF8: Bool {
        if allSatisfy({ $0 < 0x80 }) { return true }
        return String(validating: self, as: UTF8.self) != nil
    }
}

/// Reads a decimal number without sign; nil for anything else or one that does not fit.
func number(_ digits: some Collection<UInt8>) -> Int64? {
    guard !digits.isEmpty, digits.count <= 19 else { return nil }
    var value: Int64 = 0
    for digit in digits {
        guard (0x30...0x39).contains(digit) else { return nil }
        let (scaled, scaleOverflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, sumOverflow) = scaled.addingReportingOverflow(Int64(digit - 0x30))
        guard !scaleOverflow, !sumOverflow else { return nil }
        value = sum
    }
    return value
}

/// Reads what `append(_:trimmed:)` writes; at most nine decimals count.
func time(_ text: ArraySlice<UInt8>) -> Timestamp? {
    var rest = text
    let negative = rest.first == 0x2d
    if negative { rest = rest.dropFirst() }
    let parts = rest.split(separator: 0x2e, maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = number(parts[0]) else { return nil }
    var nanoseconds: Int32 = 0
    if parts.count == 2 {
        guard !parts[1].isEmpty, parts[1].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        var scale: Int32 = 100_000_000
        for digit in parts[1].prefix(9) {
            nanoseconds += Int32(digit - 0x30) * scale
            scale /= 10
        }
    }
    if !negative { return Timestamp(seconds: whole, nanoseconds: nanoseconds) }
    if nanoseconds == 0 { return Timestamp(seconds: -whole) }
    return Timestamp(seconds: -whole - 1, nanoseconds: 1_000_000_000 - nanoseconds)
}
