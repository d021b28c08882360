internal import Machine

/// Why an exposition is refused.
package struct ExpositionError: Explained {
    package enum Kind: String, Sendable {
        case syntax
        case limit
    }

    package let kind: Kind
    package let what: String
    /// From 1 on.
    package let line: Int
    /// In bytes, from 1 on.
    package let column: Int

    package var code: String { "exposition." + kind.rawValue }
    package var place: String? { "line \(line), column \(column)" }
    package var remedy: String? {
        switch kind {
        case .syntax: "Look at what the exporter answers; `promtool check metrics` says the same."
        case .limit: "See which metric of the exporter is so large; drop it there, or raise the limit."
        }
    }

    init(_ kind: Kind, _ what: String, at offset: Int, in body: UnsafeBufferPointer<UInt8>) {
        self.kind = kind
        self.what = what
        let before = body[..<min(offset, body.count)]
        line = before.reduce(1) { $0 + ($1 == .newline ? 1 : 0) }
        column = offset - (before.lastIndex(of: .newline) ?? -1)
    }
}
