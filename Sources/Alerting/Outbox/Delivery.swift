package import Machine

/// What came of one try.
package struct Delivery: Sendable, Equatable {
    /// The channel: `slack`, `ops`.
    package let kind: String
    package let channel: String
    /// The notice.
    package let id: String
    package let title: String
    package let answer: Answer
    /// When it is tried again; nil: it was delivered, or is dead.
    package let next: Timestamp?
    /// Whether nobody tries any more.
    package let isDead: Bool

    init(_ entry: OutboxEntry, _ answer: Answer) {
        kind = entry.kind
        channel = entry.channel
        id = entry.notice.id
        title = entry.notice.title
        self.answer = answer
        next = entry.next
        isDead = entry.dead != nil
    }
}

/// What lies in the outbox and is not delivered.
package struct Waiting: Sendable, Equatable {
    /// The channel; empty when the file cannot be read.
    package let kind: String
    package let channel: String
    /// The notice; the file's name when it cannot be read.
    package let id: String
    package let title: String
    /// Since when it lies there.
    package let put: Timestamp?
    package let tries: Int
    /// Why it is not delivered, in words; nil: it was not tried yet.
    package let reason: String?
    /// Not tried before; nil: at once, or never.
    package let next: Timestamp?
    /// Whether nobody tries any more; `holdfast notify send --again` does.
    package let isDead: Bool
    /// Whether it is tried at all: its file can be read and its channel is in the configuration.
    package let isKnown: Bool
    /// Where it lies; removing the file forgets it.
    package let file: String

    init(_ entry: OutboxEntry, file: String, isKnown: Bool) {
        kind = entry.kind
        channel = entry.channel
        id = entry.notice.id
        title = entry.notice.title
        put = entry.put
        tries = entry.tries
        let unknown = "The configuration has no such channel any more."
        reason = isKnown ? entry.last?.words : [unknown, entry.last?.words].compactMap(\.self).joined(separator: " ")
        next = entry.next
        isDead = entry.dead != nil
        self.isKnown = isKnown
        self.file = file
    }

    init(unreadable file: String, _ reason: String) {
        (kind, channel, title, put, tries, next) = ("", "", "", nil, 0, nil)
        id = file.split(separator: "/").last.map(String.init) ?? file
        self.reason = reason
        (isDead, isKnown) = (false, false)
        self.file = file
    }
}
