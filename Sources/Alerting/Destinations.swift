import Machine
package import Settings

/// The channels and heartbeats that the configuration names.
package struct Destinations: Sendable {
    package let channels: [any Channel]
    package let heartbeats: [Heartbeat]

    /// Puts them together; secrets are not read before they are needed. Each address of an `email` is a channel of its own,
    /// so that one that is refused keeps no other from its message.
    package init(_ settings: [Settings.Channel], environment: [String: String]) {
        func secret(_ place: Settings.Secret) -> Secret { Secret(place, environment: environment) }
        var channels: [any Channel] = []
        var heartbeats: [Heartbeat] = []
        for entry in settings {
            switch entry.kind {
            case .email(let email):
                let password = email.password.map(secret)
                channels += email.addresses.map { EmailChannel(to: $0, email, password: password) }
            case .slack(let url): channels.append(SlackChannel(name: entry.name, url: secret(url)))
            case .discord(let url): channels.append(DiscordChannel(name: entry.name, url: secret(url)))
            case .pagerduty(let key, let url):
                channels.append(PagerDutyChannel(name: entry.name, key: secret(key), url: url))
            case .webhook(let url, let token):
                channels.append(WebhookChannel(name: entry.name, url: secret(url), token: token.map(secret)))
            case .ntfy(let url, let token):
                channels.append(NtfyChannel(name: entry.name, url: secret(url), token: token.map(secret)))
            case .heartbeat(let url): heartbeats.append(Heartbeat(name: entry.name, url: secret(url)))
            }
        }
        self.channels = channels
        self.heartbeats = heartbeats
    }

    private init(channels: [any Channel], heartbeats: [Heartbeat]) {
        self.channels = channels
        self.heartbeats = heartbeats
    }

    /// The one of that name; all when there is none.
    ///
    /// - Throws: ``AlertingError`` `no-channel`.
    package func named(_ name: String?) throws -> Destinations {
        guard let name else { return self }
        let found = Destinations(
            channels: channels.filter { $0.name == name }, heartbeats: heartbeats.filter { $0.name == name })
        guard found.channels.isEmpty, found.heartbeats.isEmpty else { return found }
        let names = channels.map(\.name) + heartbeats.map(\.name)
        throw AlertingError(
            code: "alerting.no-channel", what: "There is no channel of that name: \(RawPath(name)).", place: nil,
            remedy: names.isEmpty
                ? "Add `notify:` to the configuration." : "There are: \(names.joined(separator: ", ")).")
    }
}
