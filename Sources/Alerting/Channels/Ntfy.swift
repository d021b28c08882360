import Machine

/// A topic of ntfy: <https://docs.ntfy.sh/publish/>.
struct NtfyChannel: Channel {
    let kind = "ntfy"
    let name: String
    /// The topic's own: `https://ntfy.sh/TOPIC`.
    let url: Secret
    let token: Secret?

    func send(_ notice: Notice) async throws -> Answer {
        let token = try token?.read()
        return try await Post(
            url: try url.read(), headers: Self.headers(of: notice) + bearer(token), body: Self.body(of: notice),
            secrets: token.map { [$0] } ?? []
        ).send()
    }

    static func headers(of notice: Notice) -> [(name: String, value: String)] {
        let (priority, tag) =
            switch notice.kind {
            case .failed, .stale: ("high", "rotating_light")
            case .incomplete: ("high", "warning")
            case .recovered: ("default", "white_check_mark")
            case .test: ("default", "wave")
            }
        return [
            ("Content-Type", "text/plain; charset=utf-8"), ("Priority", priority), ("Tags", tag),
            ("Title", EncodedWords.text("\(notice.host): \(notice.title)".cut(to: 250), separator: " ")),
        ]
    }

    /// What is longer than 4096 bytes would arrive as an attachment.
    static func body(of notice: Notice) -> [UInt8] { Array(notice.plainText.cut(to: 4096) { $0.utf8.count }.utf8) }
}
