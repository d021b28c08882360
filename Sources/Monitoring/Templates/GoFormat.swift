internal import Glibc

/// Values as Go's `fmt` writes them.
enum GoFormat {
    /// What a width or precision may be; Go's own limit is a million.
    static let largestWidth = 10_000

    /// `%v`.
    static func plain(_ value: TemplateValue) -> String {
        switch value {
        case .none: "<nil>"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .named(_, _, let text): text
        case .byte(let value): "\(value)"
        case .float(let value): float(value, "g", nil)
        case .complex(let real, let imaginary):
            "(\(float(real, "g", nil))\(imaginary.sign == .minus ? "" : "+")\(float(imaginary, "g", nil))i)"
        case .string(let text), .html(let text): text
        case .labels(let labels): "map[\(sorted(labels).map { "\($0.key):\($0.value)" }.joined(separator: " "))]"
        case .map(let map): "map[\(sorted(map).map { "\($0.key):\(plain($0.value))" }.joined(separator: " "))]"
        case .vector(let samples): "[\(samples.map { _ in "0x0" }.joined(separator: " "))]"
        case .sample(nil): "<nil>"
        case .sample(let sample?): "&{\(plain(.labels(sample.labels))) \(plain(.float(sample.value)))}"
        case .data(let data):
            "{\(plain(.labels(data.labels))) \(plain(.labels(data.externalLabels))) \(data.externalURL) "
                + "\(plain(.float(data.value)))}"
        case .time(let time): time.description
        }
    }

    /// `fmt.Sprint`: blanks between two values neither of which is a text.
    static func joined(_ values: [TemplateValue]) -> String {
        var result = ""
        for (index, value) in values.enumerated() {
            if index > 0, value.text == nil, values[index - 1].text == nil { result += " " }
            result += plain(value)
        }
        return result
    }

    static func sorted<Value>(_ map: [String: Value]) -> [(key: String, value: Value)] {
        map.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    /// As `strconv.FormatFloat`; nil precision: as many digits as it takes to tell the number.
    static func float(_ value: Double, _ verb: Character, _ precision: Int?) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        guard let precision else { return shortest(value, verb) }
        return c("%.*\(verb)", value, precision)
    }

    private static func shortest(_ value: Double, _ verb: Character) -> String {
        let sign = value.sign == .minus ? "-" : ""
        var (digits, point) = decimal(value.magnitude)
        let exponent = digits.isEmpty ? 0 : point - 1
        let isScientific = verb == "e" || verb == "E" || verb != "f" && (exponent < -4 || exponent >= 6)
        if isScientific {
            let tail = digits.dropFirst()
            let size = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
            let mark = verb == "E" || verb == "G" ? "E" : "e"
            return sign + (digits.isEmpty ? "0" : digits.prefix(1)) + (tail.isEmpty ? "" : "." + tail) + mark
                + (exponent < 0 ? "-" : "+") + size
        }
        if digits.isEmpty { return sign + "0" }
        if point <= 0 {
            digits = String(repeating: "0", count: -point) + digits
            return sign + "0." + digits
        }
        if point >= digits.count { return sign + digits + String(repeating: "0", count: point - digits.count) }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }

    /// The shortest digits that give the number back, without zeros around them, and where the point stands.
    private static func decimal(_ value: Double) -> (digits: String, point: Int) {
        let parts = value.description.split(separator: "e")
        let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let all = String(halves[0]) + (halves.count > 1 ? halves[1] : "")
        let digits = all.drop { $0 == "0" }
        let point = halves[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) - (all.count - digits.count)
        var trimmed = digits
        while trimmed.last == "0" { trimmed.removeLast() }
        return (String(trimmed), point)
    }

    /// One number by the C library.
    static func c(_ format: String, _ value: Double, _ precision: Int) -> String {
        var buffer = [CChar](repeating: 0, count: precision + 400)
        let count = withVaList([Int32(min(precision, largestWidth)), value]) {
            vsnprintf(&buffer, buffer.count, format, $0)
        }
        return String(decoding: buffer.prefix(Int(max(0, count))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
