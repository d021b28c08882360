package import Machine

extension Settings {
    /// One entry of `notify`: whom to tell, and how.
    package struct Channel: Equatable, Sendable {
        /// What people call it, in `holdfast notify test NAME`; no two entries have the same.
        package var name: String
        /// How it is reached.
        package var kind: Kind

        /// How a channel is reached. URLs of which every part but the host is a secret are ``Secret``s.
        package enum Kind: Equatable, Sendable {
            case email(Email)
            case slack(url: Secret)
            case discord(url: Secret)
            /// `url`: where events go when it is not PagerDuty's usual place.
            case pagerduty(key: Secret, url: String?)
            case webhook(url: Secret, token: Secret?)
            case ntfy(url: Secret, token: Secret?)
            case heartbeat(url: Secret)

            /// The key that the file has for it.
            package var word: String {
                switch self {
                case .email: "email"
                case .slack: "slack"
                case .discord: "discord"
                case .pagerduty: "pagerduty"
                case .webhook: "webhook"
                case .ntfy: "ntfy"
                case .heartbeat: "heartbeat"
                }
            }
        }

        /// Puts an entry together from parts that are taken to be valid.
        package init(name: String, kind: Kind) {
            self.name = name
            self.kind = kind
        }

        /// The keys of ``Kind/word``, of which each entry has one.
        static let kinds = ["email", "slack", "discord", "pagerduty", "webhook", "ntfy", "heartbeat"]
    }

    /// Mail: to whom, and through which server.
    package struct Email: Equatable, Sendable {
        /// At least one, none twice; each gets messages of its own.
        package var addresses: [String]
        /// The server that takes the mail.
        package var server: MailServer
        /// Whom to log in as; nil: nobody.
        package var user: String?
        /// There is one exactly when there is a user.
        package var password: Secret?
        /// The sender; nil: the user, where that is an address, else `holdfast@HOST`.
        package var from: String?
        /// Whether nothing is sent over a connection that is not encrypted.
        package var requiresTLS: Bool
        /// A file with the certificate authorities to trust instead of the machine's; its path is absolute.
        package var authorities: String?

        /// Puts an entry together from valid parts.
        package init(
            addresses: [String], server: MailServer, user: String? = nil, password: Secret? = nil, from: String? = nil,
            requiresTLS: Bool = true, authorities: String? = nil
        ) {
            self.addresses = addresses
            self.server = server
            self.user = user
            self.password = password
            self.from = from
            self.requiresTLS = requiresTLS
            self.authorities = authorities
        }
    }

    /// Where a secret stands. It is read each time that it is needed.
    package enum Secret: Equatable, Sendable {
        /// Alone in a file; the path is absolute.
        case file(String)
        /// In a variable of the environment.
        case environment(String)
        /// In the configuration itself.
        case inline(Redacted)
    }
}
