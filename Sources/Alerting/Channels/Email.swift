import HTTPClient
import Machine
import Settings

/// Mail to one address, through a server of the user's.
struct EmailChannel: Channel {
    let kind = "email"
    /// The address.
    let name: String
    private let settings: Settings.Email
    private let password: Secret?

    init(to address: String, _ settings: Settings.Email, password: Secret?) {
        name = address
        self.settings = settings
        self.password = password
    }

    func send(_ notice: Notice) async throws -> Answer {
        var login: MailClient.Login?
        if let user = settings.user, let password {
            login = MailClient.Login(user: user, password: try password.read())
        }
        let client = MailClient(
            host: settings.server.host, port: settings.server.port,
            encryption: settings.server.isImplicitTLS ? .implicit : settings.requiresTLS ? .startTLS : .none,
            login: login, authorities: settings.authorities)
        let message = EmailMessage(notice, from: sender(on: notice.host), to: name)
        return .delivered(
            try await client.send(Mail(from: message.sender, to: message.recipient, message: message.bytes)))
    }

    private func sender(on host: String) -> String {
        if let from = settings.from { return from }
        if let user = settings.user, user.contains("@") { return user }
        return "holdfast@\(EmailMessage.domain(of: host))"
    }
}
