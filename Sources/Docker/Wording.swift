package import Machine

/// `text` fit for a message: one line, no control characters, not endless.
func printable(_ text: String, limit: Int = 300) -> String {
    let kept = text.unicodeScalars.prefix(limit)
    var result = ""
    for scalar in kept {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: result += result.hasSuffix(" ") ? "" : " "
        case .format, .surrogate, .privateUse, .unassigned: result += "\u{FFFD}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    while result.hasSuffix(" ") { result.removeLast() }
    return kept.count < text.unicodeScalars.count ? result + "…" : result
}

/// A sentence made ready to follow a colon.
func lowerFirst(_ sentence: String) -> String { sentence.prefix(1).lowercased() + sentence.dropFirst() }

/// Sleeps.
///
/// - Throws: ``Interrupted`` when the task is cancelled.
func nap(_ duration: Duration) async throws {
    do { try await Task.sleep(for: duration) } catch { throw Interrupted() }
}

extension Duration {
    /// In seconds, with fractions.
    var inSeconds: Double { self / .seconds(1) }
}

extension Timestamp {
    /// Reads a moment as Go writes it: `2026-11-22T03:00:00.123456789+01:00`, with or without fraction, `Z` or an offset.
    /// Nil for anything else, and for Go's "never", the year 1.
    package init?(rfc3339 text: String) {
        let wall = text.prefix(19)
        guard !wall.hasPrefix("0001-"), let base = Timestamp(String(wall), pattern: "%Y-%m-%dT%H:%M:%S") else {
            return nil
        }
        var rest = text.dropFirst(19)
        var nanoseconds: Int32 = 0
        if rest.hasPrefix(".") {
            let digits = rest.dropFirst().prefix { $0.isASCII && $0.isWholeNumber }
            rest = rest.dropFirst(1 + digits.count)
            guard (1...9).contains(digits.count),
                let value = Int32(digits + String(repeating: "0", count: 9 - digits.count))
            else { return nil }
            nanoseconds = value
        }
        guard let offset = Self.offset(rest) else { return nil }
        self.init(seconds: base.seconds - offset, nanoseconds: nanoseconds)
    }

    /// `Z`, `+01:00` or `-03:30` in seconds.
    private static func offset(_ text: Substring) -> Int64? {
        if text == "Z" { return 0 }
        let parts = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
        guard let sign = text.first, sign == "+" || sign == "-", parts.count == 2, parts.allSatisfy({ $0.count == 2 }),
            let hours = Int64(parts[0]), let minutes = Int64(parts[1]), (0..<24).contains(hours),
            (0..<60).contains(minutes)
        else { return nil }
        return (sign == "-" ? -1 : 1) * (hours * 3600 + minutes * 60)
    }
}
