internal import Machine

/// Why something cannot be measured.
package struct MonitoringError: Explained {
    package enum Kind: String, Sendable {
        /// What was discovered is no target.
        case badTarget = "bad-target"
        /// The target answered with something else than measurements.
        case badAnswer = "bad-answer"
        /// The target answered with more than it may.
        case limit
        /// A secret that belongs into the request cannot be read.
        case secret
    }

    package let kind: Kind
    package let what: String
    package let place: String?
    package let remedy: String?

    package var code: String { "monitoring." + kind.rawValue }

    init(_ kind: Kind, _ what: String, place: String? = nil, remedy: String? = nil) {
        self.kind = kind
        self.what = what
        self.place = place
        self.remedy = remedy
    }
}

/// `text` fit for a message: one line, control characters escaped, not endless.
func printable(_ text: String, limit: Int = 120) -> String {
    let kept = text.unicodeScalars.prefix(limit)
    var result = ""
    for scalar in kept {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return kept.count < text.unicodeScalars.count ? result + "…" : result
}
