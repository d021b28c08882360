extension Settings {
    /// A glob: `*` any text, `?` any one character, `[abc]`, `[a-z]`, `[!abc]` one of (or none of) these.
    ///
    /// A slash is a character like any other. There is no escape; `[*]` matches a star. The match is of the whole
    /// text, upper and lower case told apart, and takes time in proportion to text × pattern at the most.
    package struct Pattern: Hashable, Sendable, CustomStringConvertible {
        /// The pattern as it was written.
        package let text: String
        private let parts: [Part]

        /// Reads a pattern; nil when it is empty or a bracket is not closed.
        package init?(_ text: String) {
            guard !text.isEmpty, let parts = Self.parts(of: text) else { return nil }
            self.text = text
            self.parts = parts
        }

        private init(text: String, parts: [Part]) {
            self.text = text
            self.parts = parts
        }

        /// `*`, which matches everything.
        package static let all = Pattern(text: "*", parts: [.anything])

        /// Whether it matches one text only.
        package var isExact: Bool {
            parts.allSatisfy { if case .one = $0 { true } else { false } }
        }

        package var description: String { text }

        /// Whether the whole of `name` matches.
        package func matches(_ name: String) -> Bool {
            let name = Array(name.unicodeScalars)
            var at = 0
            var part = 0
            var retry: (at: Int, part: Int)?
            while at < name.count {
                if part < parts.count, parts[part] == .anything {
                    part += 1
                    retry = (at, part)
                } else if part < parts.count, parts[part].takes(name[at]) {
                    at += 1
                    part += 1
                } else if let last = retry {
                    at = last.at + 1
                    part = last.part
                    retry = (at, part)
                } else {
                    return false
                }
            }
            return parts[part...].allSatisfy { $0 == .anything }
        }
    }
}

extension Settings.Pattern {
    private enum Part: Hashable, Sendable {
        case anything
        case anyOne
        case one(Unicode.Scalar)
        case oneOf([ClosedRange<Unicode.Scalar>], negated: Bool)

        func takes(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .anything: false
            case .anyOne: true
            case .one(let wanted): wanted == scalar
            case .oneOf(let ranges, let negated): ranges.contains { $0.contains(scalar) } != negated
            }
        }
    }

    private static func parts(of text: String) -> [Part]? {
        var rest = Array(text.unicodeScalars)[...]
        var parts: [Part] = []
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": if parts.last != .anything { parts.append(.anything) }
            case "?": parts.append(.anyOne)
            case "[":
                guard let bracket = bracket(from: &rest) else { return nil }
                parts.append(bracket)
            default: parts.append(.one(scalar))
            }
        }
        return parts
    }

    /// Reads what follows `[`, up to and with its `]`; a `]` that comes first stands for itself.
    private static func bracket(from rest: inout ArraySlice<Unicode.Scalar>) -> Part? {
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        let negated = rest.first == "!" || rest.first == "^"
        if negated { rest.removeFirst() }
        var isFirst = true
        while let low = rest.popFirst() {
            if low == "]", !isFirst { return .oneOf(ranges, negated: negated) }
            isFirst = false
            let after = rest.index(after: rest.startIndex)
            if rest.first == "-", after < rest.endIndex, rest[after] != "]" {
                let high = rest[after]
                rest.removeFirst(2)
                guard low <= high else { return nil }
                ranges.append(low...high)
            } else {
                ranges.append(low...low)
            }
        }
        return nil
    }
}
