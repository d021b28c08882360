import Machine

/// Why an expression has no answer.
package struct PromQLError: Explained, Equatable {
    package enum Kind: String, Sendable {
        /// The expression is not PromQL.
        case syntax
        /// It is PromQL, but this data has no answer to it.
        case execution
        case tooDeep = "too-deep"
        case tooManySamples = "too-many-samples"
        case tooManySeries = "too-many-series"
        case timeout
        case cancelled
        /// The store could not be read.
        case storage
    }

    package let kind: Kind
    package let what: String
    /// Where in the expression, if it has a place there.
    package let position: SourcePlace?
    package let remedy: String?

    private static let longest = 2_000

    package var code: String { "promql." + kind.rawValue }
    package var place: String? { position.map { "line \($0.line), column \($0.column)" } }

    init(_ kind: Kind, _ what: String, at position: SourcePlace? = nil, remedy: String? = nil) {
        self.kind = kind
        // An expression may quote a book.
        self.what = what.utf8.count <= Self.longest ? what : what.prefix(Self.longest) + "…"
        self.position = position
        self.remedy = remedy
    }

    static func tooManySamples(limit: Int) -> PromQLError {
        PromQLError(
            .tooManySamples, "query processing would load too many samples: more than \(limit)",
            remedy: "ask for a shorter time, a longer step or fewer series")
    }

    /// The store refuses or fails.
    static func storage(_ error: any Error, at position: SourcePlace?) -> PromQLError {
        let explained = explain(error)
        let kind = explained.code == "timeseries.limit" ? Kind.tooManySeries : .storage
        return PromQLError(kind, explained.what, at: position, remedy: explained.remedy)
    }

    static func tooManySeries(limit: Int, at position: SourcePlace?) -> PromQLError {
        PromQLError(
            .tooManySeries, "the selector matches more than \(limit) series", at: position,
            remedy: "add matchers to the selector")
    }
}

/// What the parser stumbles over; `offset` counts bytes.
struct SyntaxError: Error {
    var kind = PromQLError.Kind.syntax
    let what: String
    let offset: Int

    init(_ what: String, at offset: Int) {
        self.what = what
        self.offset = offset
    }

    init(tooDeep limit: Int, at offset: Int) {
        self.init("the expression is nested more than \(limit) levels deep", at: offset)
        kind = .tooDeep
    }

    func error(in text: String) -> PromQLError {
        PromQLError(kind, "parse error: " + what, at: SourcePlace(offset: offset, in: text))
    }
}
