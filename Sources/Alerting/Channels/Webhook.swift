import Machine

/// The notice as JSON, posted to an address of the user's own; `docs/formats/outbox.md` has its fields.
struct WebhookChannel: Channel {
    let kind = "webhook"
    let name: String
    let url: Secret
    /// Sent as `Authorization: Bearer …`; nil: nothing.
    let token: Secret?

    func send(_ notice: Notice) async throws -> Answer {
        let token = try token?.read()
        return try await Post(
            url: try url.read(), headers: [("Content-Type", "application/json")] + bearer(token),
            body: try JSON.writeLine(notice), secrets: token.map { [$0] } ?? []
        ).send()
    }
}

/// The header that shows a token.
func bearer(_ token: Redacted?) -> [(name: String, value: String)] {
    token.map { [("Authorization", "Bearer \($0.exposed)")] } ?? []
}
