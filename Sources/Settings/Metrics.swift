package import Machine

extension Settings {
    /// The `metrics` section.
    package struct Metrics: Equatable, Sendable {
        /// The file that is written after each run, for node exporter's textfile collector; nil: none.
        package var textfile: String?
        /// The `prometheus.yml` that says what `watch` measures; nil: nothing.
        package var prometheus: String?
        /// Where the interface listens, `HOST:PORT`; nil: nowhere.
        package var listen: String?
        /// The file with the token that lets people in; nil: none does.
        package var tokenFile: String?
        /// Who may come in with a password.
        package var users: [User]
        /// Names that requests may call this host by, beside `localhost` and addresses.
        package var hosts: [String]
        /// Days that measurements are kept.
        package var keep: Int
        /// How much room they may take; nil: no limit.
        package var size: ByteCount?

        /// Somebody who is let in.
        package struct User: Equatable, Sendable {
            package var name: String
            package var passwordFile: String

            package init(name: String, passwordFile: String) {
                self.name = name
                self.passwordFile = passwordFile
            }
        }

        /// By default nothing is measured, and nobody listens.
        package init(
            textfile: String? = nil, prometheus: String? = nil, listen: String? = nil, tokenFile: String? = nil,
            users: [User] = [], hosts: [String] = [], keep: Int = Metrics.usualDays, size: ByteCount? = nil
        ) {
            self.textfile = textfile
            self.prometheus = prometheus
            self.listen = listen
            self.tokenFile = tokenFile
            self.users = users
            self.hosts = hosts
            self.keep = keep
            self.size = size
        }

        package static let usualDays = 30
        /// Where the interface listens unless the file says otherwise.
        package static let usualListen = "127.0.0.1:9470"
    }
}
