/// Where the interface listens, and who may use it.
package struct DashboardSettings: Sendable {
    /// Somebody who signs in with a name and a password.
    package struct User: Sendable {
        package var name: String
        /// A file that holds the password alone.
        package var passwordFile: String

        package init(name: String, passwordFile: String) {
            self.name = name
            self.passwordFile = passwordFile
        }
    }

    package static let defaultListen = "127.0.0.1:9470"

    /// `HOST:PORT`, `[::1]:PORT` for IPv6; port 0: any that is free.
    package var listen: String
    /// A file that holds the bearer token alone. Without one nothing can be changed through the interface.
    package var tokenFile: String?
    package var users: [User]
    /// Names beside localhost and the address itself that a `Host` header may have.
    package var hosts: [String]

    package init(
        listen: String = defaultListen, tokenFile: String? = nil, users: [User] = [], hosts: [String] = []
    ) {
        self.listen = listen
        self.tokenFile = tokenFile
        self.users = users
        self.hosts = hosts
    }
}

/// What the interface may take of the machine.
package struct DashboardLimits: Sendable {
    /// Queries that run side by side; others wait.
    package var queries = 4
    package var connections = 256
    /// Bytes of a form in a body, and of one value in it.
    package var form = 1 << 20
    /// `match[]` in one request.
    package var matchers = 256
    /// Bytes of one piece of an import.
    package var importedPiece = 16 << 20
    /// Seconds that a client may take for its headers, for its body, and for each piece of an answer.
    package var patience: Int64 = 60
    /// Seconds that running requests have to end once the service stops.
    package var farewell = 10.0

    package init() {}
}
