internal import Machine

/// Why the interface does not come up.
package struct DashboardError: Explained {
    package enum Kind: String, Sendable {
        case address
        case secret
        /// It would be open to everybody.
        case open
        case listen
    }

    package let kind: Kind
    package let what: String
    package let place: String?
    package let remedy: String?

    package var code: String { "dashboard." + kind.rawValue }

    static func notAnAddress(_ text: String) -> DashboardError {
        DashboardError(
            kind: .address, what: "This is no address to listen on: it should be HOST:PORT.", place: text,
            remedy: "Write, for example: listen: \(DashboardSettings.defaultListen)")
    }

    static func unprotected(_ listen: String) -> DashboardError {
        DashboardError(
            kind: .open, what: "Everybody who reaches this address could read all that is measured.", place: listen,
            remedy: "Give token_file or users, or listen on 127.0.0.1.")
    }

    static func unreadable(_ path: String, _ reason: String) -> DashboardError {
        DashboardError(
            kind: .secret, what: "The secret cannot be taken from its file: \(reason).", place: path,
            remedy: "It should hold the secret alone, at least \(Secret.minimumLength) characters, readable by us only."
        )
    }

    static func cannotListen(_ listen: String, _ error: any Error) -> DashboardError {
        DashboardError(
            kind: .listen, what: "Nobody can be served on this address: \(error).", place: listen,
            remedy: "See who else listens there (ss -ltnp), or choose another address.")
    }
}
