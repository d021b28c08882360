import Machine

/// One notice for one channel: what a file of the outbox holds (`docs/formats/outbox.md`), and what is to be done with it.
/// Looks at no clock and no disk.
struct OutboxEntry: Codable, Equatable, Sendable {
    var format = OutboxEntry.currentFormat
    /// The channel, as the configuration calls it.
    let kind: String
    let channel: String
    /// When it was put here.
    let put: Timestamp
    let notice: Notice
    /// How often it was tried.
    var tries = 0
    /// What came of the last try.
    var last: Try?
    /// When the tries began that have failed since.
    var failing: Timestamp?
    /// Not before; nil: at once.
    var next: Timestamp?
    /// Why nobody tries any more; nil: it is still tried.
    var dead: Death?

    /// A try that did not deliver.
    struct Try: Codable, Equatable, Sendable {
        let at: Timestamp
        let words: String
        /// Whether the other side named the time of the next one.
        let asked: Bool
    }

    /// Why a letter is dead.
    enum Death: String, Codable, Sendable {
        /// The other side refused it for good.
        case refused
        /// It failed for ``OutboxEntry/patience``.
        case worn
    }

    init(_ notice: Notice, kind: String, channel: String, put: Timestamp) {
        self.notice = notice
        self.kind = kind
        self.channel = channel
        self.put = put
    }

    /// - Throws: ``AlertingError`` when somebody wrote into it what is never written there.
    func validate(place: String) throws {
        try notice.validate()
        guard (0..<Int(Int32.max)).contains(tries) else {
            throw AlertingError(
                code: "alerting.bad-entry", what: "The file says that it was tried \(tries) times.", place: place,
                remedy: "Remove it; its message is lost.")
        }
    }

    static let currentFormat = 1
    /// Seconds for which it is tried: three days.
    static let patience = 3 * 86_400.0
    /// Seconds after the first failure; doubled each time, up to ``longestPause``.
    static let firstPause: Int64 = 60
    static let longestPause: Int64 = 3600
    /// The longest that another side is obeyed.
    static let longestRequest: Double = 86_400

    /// Whether it is to be sent on this channel.
    func isFor(_ other: any Channel) -> Bool { kind == other.kind && channel == other.name }

    /// Whether it may be tried now. A time further away than any that is ever set is a clock's that was put back.
    func isDue(at now: Timestamp) -> Bool {
        guard dead == nil else { return false }
        guard let next else { return true }
        return next <= now || next.since(now) > Self.longestRequest
    }

    /// Takes down what came of a try.
    mutating func take(_ answer: Answer, at now: Timestamp) {
        tries += 1
        switch answer {
        case .delivered: next = nil
        case .refused(let words):
            last = Try(at: now, words: words, asked: false)
            next = nil
            dead = .refused
        case .later(let after, let words):
            last = Try(at: now, words: words, asked: after != nil)
            failing = failing.map { min($0, now) } ?? now
            if let failing, now.since(failing) >= Self.patience {
                next = nil
                dead = .worn
            } else {
                next = now.advanced(by: pause(after))
            }
        }
    }

    /// Lets a dead letter be tried again, from the start.
    mutating func revive() { (dead, next, failing, tries) = (nil, nil, nil, 0) }

    /// Whole seconds until the next try.
    private func pause(_ after: Double?) -> Int64 {
        if let after { return Int64(max(1, min(after, Self.longestRequest)).rounded(.up)) }
        return min(Self.longestPause, Self.firstPause << min(Int64(tries) - 1, 6))
    }
}

/// Which entries of one channel are tried in one pass: in the order in which they were put, and never a later one of a matter
/// before an earlier one – a recovery that overtakes its failure would leave an alarm that nobody ends.
struct OutboxPass {
    private let now: Timestamp
    /// Whether the channel asked for time, or did not take the last one.
    private var isQuiet = false
    /// Matters of which something waits.
    private var held: Set<[String]> = []

    init(now: Timestamp) { self.now = now }

    /// Whether this entry is tried now; to be asked in the order of ``OutboxEntry/put``.
    mutating func tries(_ entry: OutboxEntry) -> Bool {
        guard entry.dead == nil else { return false }
        if entry.isDue(at: now), !isQuiet, !held.contains(matter(of: entry)) { return true }
        if !entry.isDue(at: now), entry.last?.asked == true { isQuiet = true }
        held.insert(matter(of: entry))
        return false
    }

    /// Takes down that an entry was tried and waits still: the channel is left alone for the rest of the pass.
    mutating func failed(_ entry: OutboxEntry) {
        isQuiet = true
        held.insert(matter(of: entry))
    }

    private func matter(of entry: OutboxEntry) -> [String] { [entry.notice.host, entry.notice.key] }
}
