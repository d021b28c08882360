/// Is told of alerts whose state changes.
package protocol AlertSink: Sendable {
    /// Called after each evaluation of a rule in which something changed, one rule after the other.
    func take(_ changes: [AlertChange]) async
}

/// One alert that became pending, began to fire, or ended.
package struct AlertChange: Sendable {
    package let file: String
    package let group: String
    package let rule: String
    package let expression: String
    package let former: AlertStatus.State
    /// As it is now; inactive: it ended.
    package let alert: AlertStatus
    /// Milliseconds since 1970.
    package let time: Int64
}
