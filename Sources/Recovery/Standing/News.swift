package import Machine

/// Something that a person should hear of, once; what channels it goes through is not decided here.
package struct News: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case failed
        case incomplete
        /// The last success of an item is too old.
        case stale
        case recovered
    }

    /// A thing and what there is to say of it.
    package struct Part: Sendable, Equatable {
        package let subject: String
        package let text: String

        package init(subject: String, text: String) {
            self.subject = subject
            self.text = text
        }
    }

    /// Names the event: the same one has the same id, whenever it is looked at.
    package let id: String
    package let kind: Kind
    /// What failed, is too old, and recovers: `backup`, `verify`, `prune`.
    package let about: String
    package let title: String
    package let summary: String
    /// Since when it is so.
    package let since: Timestamp?
    package let wrong: [Part]
    package let good: [Part]
    /// The command to type next.
    package let next: String?
}
