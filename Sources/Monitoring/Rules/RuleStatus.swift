package import TimeSeries

/// One group of rules, and how its last evaluation went.
package struct RuleGroupStatus: Sendable {
    package var name: String
    package var file: String
    /// Milliseconds.
    package var interval: Int64
    /// How many series a rule may yield; 0: any.
    package var limit: Int
    package var rules: [RuleStatus]
    /// Milliseconds since 1970; nil: not yet.
    package var lastEvaluation: Int64?
    /// Seconds.
    package var evaluationTime = 0.0

    package init(name: String, file: String, interval: Int64, limit: Int, rules: [RuleStatus]) {
        self.name = name
        self.file = file
        self.interval = interval
        self.limit = limit
        self.rules = rules
    }
}

/// One rule, and how its last evaluation went.
package struct RuleStatus: Sendable {
    package enum Health: String, Sendable { case ok, err, unknown }

    package enum Kind: Sendable {
        case recording
        /// Durations in milliseconds.
        case alerting(
            hold: Int64, keepFiring: Int64, annotations: [(name: String, value: String)], alerts: [AlertStatus])
    }

    package var name: String
    package var expression: String
    package var labels: Labels
    package var kind: Kind
    package var health = Health.unknown
    package var lastError = ""
    /// Milliseconds since 1970; nil: not yet.
    package var lastEvaluation: Int64?
    /// Seconds.
    package var evaluationTime = 0.0

    package init(name: String, expression: String, labels: Labels, kind: Kind) {
        self.name = name
        self.expression = expression
        self.labels = labels
        self.kind = kind
    }
}

/// One alert of a rule.
package struct AlertStatus: Sendable {
    package enum State: String, Sendable, Comparable {
        case inactive, pending, firing

        package static func < (a: State, b: State) -> Bool { a.rank < b.rank }
        private var rank: Int {
            switch self {
            case .inactive: 0;
            case .pending: 1;
            case .firing: 2
            }
        }
    }

    /// `alertname` among them.
    package var labels: Labels
    package var annotations: [(name: String, value: String)]
    package var state: State
    /// Milliseconds since 1970.
    package var activeAt: Int64
    /// Since when it fires only because of `keep_firing_for`; milliseconds since 1970.
    package var keepFiringSince: Int64?
    package var value: Double

    package init(
        labels: Labels, annotations: [(name: String, value: String)], state: State, activeAt: Int64,
        keepFiringSince: Int64?, value: Double
    ) {
        self.labels = labels
        self.annotations = annotations
        self.state = state
        self.activeAt = activeAt
        self.keepFiringSince = keepFiringSince
        self.value = value
    }
}
