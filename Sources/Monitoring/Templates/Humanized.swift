internal import Glibc

/// Numbers for people, as Prometheus's templates write them: four digits and a prefix.
enum Humanized {
    /// `%.4g`
    static func short(_ value: Double) -> String { GoFormat.float(value, "g", 4) }

    private static let small = ["m", "u", "n", "p", "f", "a", "z", "y"]

    static func decimal(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return short(value) }
        guard value.magnitude >= 1 else { return raised(value) }
        return lowered(value, by: 1000, ["k", "M", "G", "T", "P", "E", "Z", "Y"])
    }

    static func binary(_ value: Double) -> String {
        guard value.magnitude > 1, value.isFinite else { return short(value) }
        return lowered(value, by: 1024, ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"])
    }

    /// Seconds: `1d 2h 3m 4s`, `1.5s`, `20ms`.
    static func duration(_ value: Double) -> String {
        guard value.isFinite else { return short(value) }
        if value == 0 { return short(value) + "s" }
        guard value.magnitude >= 1 else { return raised(value) + "s" }
        let sign = value < 0 ? "-" : ""
        let whole = Int64(exactly: value.magnitude.rounded(.towardZero)) ?? .min
        let (seconds, minutes, hours) = (whole % 60, whole / 60 % 60, whole / 3600 % 24)
        let days = whole / 86_400
        if days != 0 { return "\(sign)\(days)d \(hours)h \(minutes)m \(seconds)s" }
        if hours != 0 { return "\(sign)\(hours)h \(minutes)m \(seconds)s" }
        if minutes != 0 { return "\(sign)\(minutes)m \(seconds)s" }
        return sign + short(value.magnitude) + "s"
    }

    private static func lowered(_ value: Double, by step: Double, _ prefixes: [String]) -> String {
        var (value, prefix) = (value, "")
        for next in prefixes where value.magnitude >= step {
            value /= step
            prefix = next
        }
        return short(value) + prefix
    }

    private static func raised(_ value: Double) -> String {
        var (value, prefix) = (value, "")
        for next in small where value.magnitude < 1 {
            value *= 1000
            prefix = next
        }
        return short(value) + prefix
    }
}
