import Machine

/// Discord's webhooks: <https://discord.com/developers/docs/resources/webhook#execute-webhook>.
struct DiscordChannel: Channel {
    let kind = "discord"
    let name: String
    let url: Secret

    func send(_ notice: Notice) async throws -> Answer {
        try await Post(
            url: try url.read(), headers: [("Content-Type", "application/json")], body: try Self.body(of: notice)
        ).send()
    }

    /// A line that phones show, and one embed with the rest; it mentions nobody, whatever an error's words are.
    static func body(of notice: Notice) throws -> [UInt8] {
        let content =
            "\(notice.sign) **\(escaped(notice.title.cut(to: 400)))**\n\(escaped(notice.summary.cut(to: 500)))"
        // All texts of an embed together may have 6000 characters.
        var fields: [Field] = []
        if let since = notice.sinceText { fields.append(Field(name: "Since", value: since)) }
        if let next = notice.next { fields.append(Field(name: "Next", value: code(next, limit: 1000))) }
        if !notice.good.isEmpty {
            let lines = notice.good.map { "• \($0.subject): \($0.text)" }.joined(separator: "\n")
            fields.append(Field(name: notice.goodHeading, value: code(lines, limit: 1000)))
        }
        let embed = Embed(
            title: notice.wrong.isEmpty ? nil : notice.wrongHeading,
            description: notice.wrong.isEmpty ? nil : code(wrong(notice), limit: 3000), color: color(of: notice.kind),
            fields: fields, footer: Footer(text: "\(notice.host) · Holdfast".cut(to: 300)),
            timestamp: notice.moment.description)
        return try JSON.writeLine(
            Message(content: content.cut(to: 2000), embeds: [embed], mentions: Mentions(parse: [])))
    }

    private static func wrong(_ notice: Notice) -> String {
        notice.wrong.map { "\($0.subject)\n\($0.text)" }.joined(separator: "\n\n")
    }

    private static func code(_ text: String, limit: Int) -> String {
        "```\n\(text.replacing("```", with: "'''").cut(to: limit - 8))\n```"
    }

    /// What Discord would take for its own signs, as it is.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { "\\*_~`|>#[]()<@".unicodeScalars.contains($0) ? "\\\($0)" : String($0) }.joined()
    }

    private static func color(of kind: Notice.Kind) -> Int {
        switch kind {
        case .failed: 0xC6_28_28
        case .incomplete, .stale: 0xE6_8A_00
        case .recovered: 0x2E_7D_32
        case .test: 0x15_65_C0
        }
    }

    private struct Message: Encodable {
        let content: String
        let embeds: [Embed]
        let mentions: Mentions

        enum CodingKeys: String, CodingKey {
            case content, embeds
            case mentions = "allowed_mentions"
        }
    }

    private struct Mentions: Encodable { let parse: [String] }
    private struct Footer: Encodable { let text: String }

    private struct Field: Encodable {
        let name: String
        let value: String
    }

    private struct Embed: Encodable {
        let title: String?
        let description: String?
        let color: Int
        let fields: [Field]
        let footer: Footer
        let timestamp: String
    }
}
