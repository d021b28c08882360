import Machine

/// Slack's incoming webhooks: <https://api.slack.com/messaging/webhooks>.
struct SlackChannel: Channel {
    let kind = "slack"
    let name: String
    let url: Secret

    func send(_ notice: Notice) async throws -> Answer {
        try await Post(
            url: try url.read(), headers: [("Content-Type", "application/json")], body: try Self.body(of: notice)
        ).send()
    }

    /// Blocks for people, and a text for notifications and old clients.
    static func body(of notice: Notice) throws -> [UInt8] {
        let title = "\(notice.sign) \(notice.title)"
        var blocks = [Block(header: escaped(title, limit: 150))]
        blocks.append(Block(section: summary(of: notice)))
        for part in notice.wrong.prefix(partLimit) {
            blocks.append(Block(section: code(part.text, below: part.subject)))
        }
        if notice.wrong.count > partLimit {
            blocks.append(Block(section: "… and \(notice.wrong.count - partLimit) more."))
        }
        if let next = notice.next { blocks.append(Block(section: code(next, below: "Next"))) }
        if !notice.good.isEmpty {
            let lines = notice.good.map { "• \($0.subject): \($0.text)" }.joined(separator: "\n")
            blocks.append(Block(section: "*\(notice.goodHeading)*\n" + escaped(lines, limit: 2900)))
        }
        blocks.append(Block(context: escaped("\(notice.host) · \(notice.momentText) · Holdfast", limit: 300)))
        return try JSON.writeLine(
            Message(text: escaped("\(title)\n\(notice.summary)", limit: 3000), blocks: blocks))
    }

    private static func summary(of notice: Notice) -> String {
        var lines = notice.summary.isEmpty ? [] : [escaped(notice.summary, limit: 2500)]
        if let since = notice.sinceText { lines.append("*Since* \(since)") }
        if !notice.wrong.isEmpty { lines.append("*\(notice.wrongHeading)*") }
        // A section may not be empty.
        return lines.isEmpty ? "–" : lines.joined(separator: "\n")
    }

    private static func code(_ text: String, below heading: String) -> String {
        "*\(escaped(heading, limit: 200))*\n```\(escaped(text.replacing("```", with: "'''"), limit: 2700))```"
    }

    /// `&`, `<` and `>` are Slack's own; the limit counts what they become.
    private static func escaped(_ text: String, limit: Int) -> String {
        func escaped(_ text: some Sequence<Unicode.Scalar>) -> String {
            text.map { entities[$0] ?? String($0) }.joined()
        }
        return escaped(text.cut(to: limit) { escaped($0.unicodeScalars).utf16.count }.unicodeScalars)
    }

    private static let entities: [Unicode.Scalar: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;"]
    /// How many of the wrong parts are shown: a message may have 50 blocks.
    private static let partLimit = 20

    private struct Message: Encodable {
        let text: String
        let blocks: [Block]
    }

    private struct Block: Encodable {
        let type: String
        var text: Text?
        var elements: [Text]?

        init(header: String) { (type, text) = ("header", Text(type: "plain_text", text: header)) }
        init(section: String) { (type, text) = ("section", Text(type: "mrkdwn", text: section)) }
        init(context: String) { (type, elements) = ("context", [Text(type: "mrkdwn", text: context)]) }
    }

    private struct Text: Encodable {
        let type: String
        let text: String
    }
}
