internal import Machine

/// Milliseconds since 1970 of `2015-07-01T20:10:51.781Z` or with an offset; nil for anything else. What is finer than a
/// millisecond is cut off.
func timeOfRFC3339(_ text: String) -> Int64? {
    let pattern = "%Y-%m-%dT%H:%M:%S"
    guard text.utf8.count >= 20, let moment = Timestamp(String(text.prefix(19)), pattern: pattern) else { return nil }
    var rest = text.dropFirst(19)
    var fraction: Int64 = 0
    if rest.first == "." || rest.first == "," {
        let digits = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { return nil }
        fraction = Int64((digits + "000").prefix(3)) ?? 0
        rest = rest.dropFirst(1 + digits.count)
    }
    guard let offset = seconds(ofOffset: rest) else { return nil }
    return (moment.seconds - offset) * 1000 + fraction
}

/// `Z`, `+02:00`, `-07:30`.
private func seconds(ofOffset text: Substring) -> Int64? {
    if text == "Z" { return 0 }
    let parts = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
    guard text.first == "+" || text.first == "-", parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
        let hours = UInt8(parts[0]), let minutes = UInt8(parts[1]), hours < 24, minutes < 60
    else { return nil }
    let seconds = Int64(hours) * 3600 + Int64(minutes) * 60
    return text.first == "-" ? -seconds : seconds
}

/// RFC 3339 in UTC with as many digits as it takes; nil: never, which Prometheus writes as Go's zero time.
func rfc3339(_ milliseconds: Int64?) -> String {
    guard let milliseconds else { return "0001-01-01T00:00:00Z" }
    let (seconds, rest) = (milliseconds.flooredQuotient(1000), milliseconds - milliseconds.flooredQuotient(1000) * 1000)
    let text = Timestamp(seconds: seconds).format("%Y-%m-%dT%H:%M:%S")
    guard rest != 0 else { return text + "Z" }
    var digits = "\(1000 + rest)".dropFirst()
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(text).\(digits)Z"
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
