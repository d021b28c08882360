package import Machine

/// What is told to people, whatever the channel.
package struct Notice: Codable, Sendable, Equatable {
    /// What it is about.
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// A run went wrong.
        case failed
        /// A run was done, but not all of it.
        case incomplete
        /// Something has had no success for too long.
        case stale
        /// What one of the others told of is over.
        case recovered
        /// Somebody wants to see whether messages arrive.
        case test
    }

    /// One line of the matter.
    package struct Part: Codable, Sendable, Equatable {
        /// What it is about: `volume.n8n_data`.
        package var subject: String
        /// What is to be said of it; may have several lines, the remedy among them.
        package var text: String

        package init(subject: String, text: String) {
            self.subject = subject
            self.text = text
        }
    }

    /// Names the event: the same id is sent on a channel once. 1 to 160 of `A–Z a–z 0–9 . _ -`, the first no dot.
    package var id: String
    package var kind: Kind
    /// What begins with failed, incomplete or stale and ends with recovered; one line, at most ``keyLimit`` bytes.
    package var key: String
    /// The machine's name.
    package var host: String
    /// When it was noticed; whole seconds.
    package var moment: Timestamp
    /// One line: `Backup failed: 1 of 4 items`.
    package var title: String
    /// A sentence or two, on one line.
    package var summary: String
    /// Since when it is so; whole seconds.
    package var since: Timestamp?
    /// What failed, with the error in the tool's own words; of a recovery: what it was.
    package var wrong: [Part]
    /// What is still good: `volume.web_data` – `whole in 2026-11-22T020000Z, 7 h ago`.
    package var good: [Part]
    /// The next command to type.
    package var next: String?

    package init(
        id: String, kind: Kind, key: String, host: String, moment: Timestamp, title: String, summary: String,
        since: Timestamp? = nil, wrong: [Part] = [], good: [Part] = [], next: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.key = key
        self.host = host
        self.moment = moment
        self.title = title
        self.summary = summary
        self.since = since
        self.wrong = wrong
        self.good = good
        self.next = next
    }

    /// How many bytes a key may have.
    package static let keyLimit = 255

    /// - Throws: ``AlertingError`` `bad-notice` when a part of it breaks its contract.
    func validate() throws {
        func bad(_ what: String) -> AlertingError {
            AlertingError(code: "alerting.bad-notice", what: "The message cannot be sent: \(what).", place: nil)
        }
        let isID = id.utf8.allSatisfy { Self.isIDByte($0) } && !id.hasPrefix(".")
        guard isID, (1...160).contains(id.utf8.count) else {
            throw bad("its id is not 1 to 160 letters, digits, `.`, `_` and `-`")
        }
        for (name, text) in [("key", key), ("host", host), ("title", title), ("summary", summary)] {
            guard text.allSatisfy({ !$0.isNewline }) else { throw bad("its \(name) has more than one line") }
        }
        guard (1...Self.keyLimit).contains(key.utf8.count) else { throw bad("its key is empty or too long") }
        guard !title.isEmpty, !host.isEmpty else { throw bad("it has no title, or no host") }
    }

    private static func isIDByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
