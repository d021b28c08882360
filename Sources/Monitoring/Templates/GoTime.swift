internal import Machine

/// A moment in UTC as Go shows it.
struct GoTime: Sendable {
    /// Since 1970.
    let nanoseconds: Int64

    /// Nil when `seconds` is no moment that Go's nanoseconds can hold.
    init?(seconds: Double) {
        let scaled = seconds * 1e9
        guard scaled.isFinite, scaled <= 0x1p63, scaled >= -0x1p63 else { return nil }
        // Prometheus counts milliseconds; 2⁶³ itself becomes what Go's conversion makes of it.
        let whole = Int64(exactly: scaled.rounded(.towardZero)) ?? .min
        nanoseconds = whole / 1_000_000 * 1_000_000
    }

    private var seconds: Int64 { (nanoseconds - fraction) / 1_000_000_000 }

    private var fraction: Int64 {
        let rest = nanoseconds % 1_000_000_000
        return rest < 0 ? rest + 1_000_000_000 : rest
    }

    private func number(_ pattern: String) -> Int64 { Int64(Timestamp(seconds: seconds).format(pattern)) ?? 0 }

    /// `2026-11-26 00:12:07.25 +0000 UTC`
    var description: String {
        var digits = String(1_000_000_000 + fraction).dropFirst()
        while digits.last == "0" { digits = digits.dropLast() }
        let tail = digits.isEmpty ? "" : "." + digits
        return Timestamp(seconds: seconds).format("%Y-%m-%d %H:%M:%S") + tail + " +0000 UTC"
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// The value of one of Go's methods without arguments; nil: there is none of that name here.
    func method(_ name: String) -> TemplateValue? {
        func named(_ type: String, _ value: Int64, _ texts: [String], first: Int64) -> TemplateValue {
            .named(value, type: type, text: texts[Int(value - first)])
        }
        switch name {
        case "Unix": return .named(seconds, type: "int64", text: "\(seconds)")
        case "UnixMilli": return .named(nanoseconds / 1_000_000, type: "int64", text: "\(nanoseconds / 1_000_000)")
        case "UnixNano": return .named(nanoseconds, type: "int64", text: "\(nanoseconds)")
        case "Year": return .int(number("%Y"))
        case "Month": return named("time.Month", number("%m"), Self.months, first: 1)
        case "Day": return .int(number("%d"))
        case "YearDay": return .int(number("%j"))
        case "Weekday": return named("time.Weekday", number("%w"), Self.weekdays, first: 0)
        case "Hour": return .int(number("%H"))
        case "Minute": return .int(number("%M"))
        case "Second": return .int(number("%S"))
        case "Nanosecond": return .int(fraction)
        case "UTC", "Local": return .time(self)
        case "String": return .string(description)
        default: return nil
        }
    }

    /// As Go's `Time.Format` with a layout of the usual elements.
    func formatted(_ layout: String) -> String {
        let time = Timestamp(seconds: seconds)
        let elements: [(layout: String, pattern: String)] = [
            ("January", "%B"), ("Jan", "%b"), ("Monday", "%A"), ("Mon", "%a"), ("MST", "UTC"), ("2006", "%Y"),
            ("-07:00", "+00:00"), ("-0700", "+0000"), ("Z07:00", "Z"), ("Z0700", "Z"), ("002", "%j"), ("01", "%m"),
            ("02", "%d"), ("03", "%I"), ("04", "%M"), ("05", "%S"), ("06", "%y"), ("15", "%H"), ("PM", "%p"),
            ("_2", "%e"),
        ]
        var result = ""
        var rest = layout[...]
        while let first = rest.first {
            if let element = elements.first(where: { rest.hasPrefix($0.layout) }) {
                result += time.format(element.pattern)
                rest = rest.dropFirst(element.layout.count)
            } else if let digits = fractionDigits(of: rest) {
                result += "\(first)" + String(1_000_000_000 + fraction).dropFirst().prefix(digits)
                rest = rest.dropFirst(digits + 1)
            } else if let short = ["1": "%m", "2": "%d", "3": "%I", "4": "%M", "5": "%S"][first] {
                let text = time.format(short)
                result += text.hasPrefix("0") ? String(text.dropFirst()) : text
                rest = rest.dropFirst()
            } else {
                result.append(first)
                rest = rest.dropFirst()
            }
        }
        return result
    }

    /// How many zeros follow a point or comma: a fraction of a second.
    private func fractionDigits(of layout: Substring) -> Int? {
        guard layout.first == "." || layout.first == "," else { return nil }
        let digits = layout.dropFirst().prefix { $0 == "0" }.count
        return digits > 0 && digits <= 9 ? digits : nil
    }
}
