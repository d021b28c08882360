/// A condition on one label of a series; a label that is absent counts as empty.
package struct Matcher: Sendable {
    package enum Operation: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case matches = "=~"
        case doesNotMatch = "!~"
    }

    package let name: String
    package let operation: Operation
    /// The text, or the regular expression, as it was written.
    package let value: String
    private let test: Test

    private enum Test: Sendable {
        case text([UInt8])
        /// A regular expression that is only `one|two|three`.
        case anyOf(Set<String>)
        case pattern(any TextPattern)
    }

    /// The label is `value`, or is not.
    package init(_ name: String, _ value: String, isNegated: Bool = false) {
        self.name = name
        self.value = value
        operation = isNegated ? .notEqual : .equal
        test = .text(Array(value.utf8))
    }

    /// The whole label matches `expression`, or does not.
    ///
    /// - Parameter pattern: `expression`, compiled.
    package init(_ name: String, matching expression: String, _ pattern: any TextPattern, isNegated: Bool = false) {
        self.name = name
        value = expression
        operation = isNegated ? .doesNotMatch : .matches
        test = Self.alternatives(expression).map { .anyOf(Set($0)) } ?? .pattern(pattern)
    }

    /// Whether a label with this value passes.
    package func accepts(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        let isMatch =
            switch test {
            case .text(let text): text.count == value.count && text.withUnsafeBufferPointer { order($0, value) == 0 }
            case .anyOf(let texts): texts.contains(String(decoding: value, as: UTF8.self))
            case .pattern(let pattern): pattern.matches(value)
            }
        return isMatch == (operation == .equal || operation == .matches)
    }

    package func accepts(_ value: String) -> Bool {
        var value = value
        return value.withUTF8 { accepts($0) }
    }

    /// Whether a series without the label passes.
    package var acceptsAbsence: Bool { accepts("") }

    /// The only values that pass, where they can be told without trying.
    var candidates: [String]? {
        switch (operation, test) {
        case (.equal, _): [value]
        case (.matches, .anyOf(let texts)): Array(texts)
        default: nil
        }
    }

    /// The texts of an expression that has nothing but texts and `|`; nil for any other.
    private static func alternatives(_ expression: String) -> [String]? {
        let special = "\\.+*?()[]{}^$"
        guard !expression.contains(where: { special.contains($0) }) else { return nil }
        return expression.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    }
}

/// A compiled regular expression that matches whole texts.
package protocol TextPattern: Sendable {
    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool
}

extension Matcher: CustomStringConvertible {
    package var description: String { "\(name)\(operation.rawValue)\"\(value)\"" }
}

extension Labels {
    /// Whether all of the conditions hold.
    package func satisfy(_ matchers: [Matcher]) -> Bool {
        matchers.allSatisfy { matcher in
            var name = matcher.name
            return name.withUTF8 { name in
                withValue(of: name) { value in value.map(matcher.accepts) ?? matcher.acceptsAbsence }
            }
        }
    }
}
