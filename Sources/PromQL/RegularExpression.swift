import CRE2
import TimeSeries

/// A regular expression in RE2's syntax that matches a whole text or nothing. Linear in the text, whatever the pattern.
///
/// `@unchecked Sendable`: the pattern is never changed after `init`, and RE2 allows matching from many threads at once.
package final class RegularExpression: TextPattern, @unchecked Sendable {
    /// What a compiled pattern and its caches may take at most.
    private static let maximumMemory = 8 << 20

    package let pattern: String
    let compiled: OpaquePointer

    /// Throws `InvalidPattern` with RE2's own words.
    package init(_ pattern: String) throws(InvalidPattern) {
        var copy = pattern
        let made = copy.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cre2_new($0.baseAddress, $0.count, Self.maximumMemory) }
        }
        guard let made else { throw InvalidPattern(pattern: pattern, reason: "out of memory") }
        if let error = cre2_error(made) {
            let reason = String(cString: error)
            cre2_delete(made)
            throw InvalidPattern(pattern: pattern, reason: reason)
        }
        self.pattern = pattern
        self.compiled = made
    }

    deinit { cre2_delete(compiled) }

    /// Whether all of `text` matches.
    package func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.withMemoryRebound(to: CChar.self) { cre2_match(compiled, $0.baseAddress, $0.count, nil, 0) == 1 }
    }

    /// Whether all of `text` matches.
    package func matches(_ text: String) -> Bool {
        var copy = text
        return copy.withUTF8 { matches($0) }
    }

    /// The whole match and the capturing groups of a `text` that matches, or nil. A group that took no part is nil.
    package func groups(of text: String) -> [Substring?]? {
        var groups = [cre2_group](repeating: cre2_group(), count: groupCount + 1)
        var copy = text
        let matched = copy.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                groups.withUnsafeMutableBufferPointer {
                    cre2_match(compiled, text.baseAddress, text.count, $0.baseAddress, Int32($0.count)) == 1
                }
            }
        }
        guard matched else { return nil }
        return groups.map { group in
            guard group.start >= 0 else { return nil }
            let start = copy.utf8.index(copy.startIndex, offsetBy: group.start)
            return copy[start..<copy.utf8.index(start, offsetBy: group.length)]
        }
    }

    var groupCount: Int { Int(cre2_group_count(compiled)) }

    /// The number of the capturing group called `name`.
    package func group(named name: String) -> Int? {
        let count = cre2_group_count(compiled)
        guard count > 0 else { return nil }
        return (1...count).first { cre2_group_name(compiled, $0).map { String(cString: $0) == name } ?? false }
            .map(Int.init)
    }
}

/// A pattern that RE2 refuses.
package struct InvalidPattern: Error, Equatable {
    package let pattern: String
    package let reason: String
}
