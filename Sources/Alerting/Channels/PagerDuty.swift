import Machine

/// PagerDuty's Events API v2: <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>.
struct PagerDutyChannel: Channel {
    let kind = "pagerduty"
    let name: String
    let key: Secret
    /// Where events go; nil: ``usualURL``.
    let url: String?

    static let usualURL = "https://events.pagerduty.com/v2/enqueue"

    func send(_ notice: Notice) async throws -> Answer {
        let key = try key.read()
        return try await Post(
            url: Redacted(url ?? Self.usualURL), headers: [("Content-Type", "application/json")],
            body: try Self.body(of: notice, key: key), secrets: [key]
        ).send()
    }

    /// An event; one that resolves has the `dedup_key` of the one that triggered.
    static func body(of notice: Notice, key: Redacted) throws -> [UInt8] {
        var details: [String: String] = [:]
        for part in notice.wrong.prefix(detailLimit) {
            details["\(notice.wrongHeading): \(part.subject.cut(to: 200))"] = cut(part.text)
        }
        for part in notice.good.prefix(detailLimit) {
            details["\(notice.goodHeading): \(part.subject.cut(to: 200))"] = cut(part.text)
        }
        details["Summary"] = cut(notice.summary)
        details["Since"] = notice.sinceText
        details["Next"] = notice.next.map(cut)
        return try JSON.writeLine(
            Event(
                key: key.exposed, action: notice.kind == .recovered ? "resolve" : "trigger",
                matter: dedupKey(of: notice), client: "Holdfast",
                payload: Payload(
                    summary: "\(notice.host): \(notice.title)".cut(to: 1024), source: notice.host.cut(to: 255),
                    severity: severity(of: notice.kind), timestamp: notice.moment.description, details: details))
        )
    }

    /// What two events of one matter have in common; where it is too long, a digest stands for its end.
    static func dedupKey(of notice: Notice) -> String {
        let key = "holdfast/\(notice.host)/\(notice.key)"
        guard key.utf16.count > 255 else { return key }
        return key.cut(to: 190) + Digest.of(Array(key.utf8)).description
    }

    private static func severity(of kind: Notice.Kind) -> String {
        switch kind {
        case .failed, .stale: "error"
        case .incomplete: "warning"
        case .recovered, .test: "info"
        }
    }

    private static func cut(_ text: String) -> String { text.cut(to: 2000) }
    /// How many parts of each sort are shown: an event may have 512 kB.
    private static let detailLimit = 20

    private struct Event: Encodable {
        let key: String
        let action: String
        let matter: String
        let client: String
        let payload: Payload

        enum CodingKeys: String, CodingKey {
            case key = "routing_key"
            case action = "event_action"
            case matter = "dedup_key"
            case client, payload
        }
    }

    private struct Payload: Encodable {
        let summary: String
        let source: String
        let severity: String
        let timestamp: String
        let details: [String: String]

        enum CodingKeys: String, CodingKey {
            case summary, source, severity, timestamp
            case details = "custom_details"
        }
    }
}
