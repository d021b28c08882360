package import Glibc

/// A moment, to the nanosecond, since 1970 in UTC.
package struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let seconds: Int64
    /// 0…999,999,999, counted forward also before 1970.
    package let nanoseconds: Int32

    package init(seconds: Int64, nanoseconds: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package init(_ time: timespec) { self.init(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec)) }

    package var timespec: timespec { Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)) }

    /// Before all others.
    package static let distantPast = Timestamp(seconds: .min)

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// Seconds from `earlier` to this, with fractions.
    package func since(_ earlier: Timestamp) -> Double {
        // Converted first: from the distant past on, the difference is more than an integer holds.
        Double(seconds) - Double(earlier.seconds) + Double(nanoseconds - earlier.nanoseconds) / 1e9
    }

    /// Since 1970, rounded down.
    package var milliseconds: Int64 { seconds * 1000 + Int64(nanoseconds) / 1_000_000 }

    package func advanced(by more: Int64) -> Timestamp {
        Timestamp(seconds: seconds + more, nanoseconds: nanoseconds)
    }

    /// RFC 3339 in UTC, whole seconds: `2026-11-22T02:00:00Z`.
    package var description: String { format("%Y-%m-%dT%H:%M:%SZ") }

    /// `strftime` in UTC.
    package func format(_ pattern: String) -> String {
        var clock = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&clock, &parts) != nil else { return "\(seconds)" }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard strftime(buffer.baseAddress, buffer.count, pattern, &parts) > 0, let base = buffer.baseAddress else {
                return "\(seconds)"
            }
            return String(cString: base)
        }
    }

    /// Reads what ``description`` writes; nil for anything else.
    package init?(_ text: String) { self.init(text, pattern: "%Y-%m-%dT%H:%M:%SZ") }

    /// Reads a moment in UTC, written by ``format(_:)`` with the same pattern of `%Y %m %d %H %M %S`; nil for anything
    /// else, also for a 30th of February.
    package init?(_ text: String, pattern: String) {
        var parts = tm()
        var rest = Substring(text)
        var template = Substring(pattern)
        while let expected = template.popFirst() {
            guard expected == "%", let field = template.popFirst() else {
                guard rest.popFirst() == expected else { return nil }
                continue
            }
            let digits = rest.prefix(field == "Y" ? 4 : 2)
            guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let value = Int32(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            switch field {
            case "Y": parts.tm_year = value - 1900
            case "m": parts.tm_mon = value - 1
            case "d": parts.tm_mday = value
            case "H": parts.tm_hour = value
            case "M": parts.tm_min = value
            case "S": parts.tm_sec = value
            default: preconditionFailure("BUG: no field %\(field) in a time pattern")
            }
        }
        self.init(seconds: Int64(timegm(&parts)))
        guard rest.isEmpty, format(pattern) == text else { return nil }
    }
}

/// Where "now" comes from; tests bring their own.
package protocol WallClock: Sendable {
    func now() -> Timestamp
}

/// The machine's own clock.
package struct SystemClock: WallClock {
    package init() {}

    package func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(time)
    }
}

/// Seconds on a clock that nobody can set, for durations.
package func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// A duration for a person: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `9 d 4 h`.
package func durationText(_ seconds: Double) -> String {
    guard seconds >= 10, seconds < 1e15 else { return "\(seconds.fixed(1)) s" }
    let whole = Int64(seconds.rounded())
    if whole < 120 { return "\(whole) s" }
    if whole < 7200 { return "\(whole / 60) min \(whole % 60) s" }
    if whole < 172_800 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
    return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
}
