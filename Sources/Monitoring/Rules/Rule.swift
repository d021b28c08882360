package import PromQL
package import TimeSeries

/// A group of rules that are evaluated one after the other.
package struct RuleGroup: Sendable {
    package let name: String
    /// The file as it was named.
    package let file: String
    /// Milliseconds; nil: the configuration's.
    package let interval: Int64?
    /// How long before its own time a rule looks, in milliseconds; nil: the configuration's.
    package let queryOffset: Int64?
    /// How many series or alerts a rule may yield; 0: any number.
    package let limit: Int
    package let rules: [Rule]
}

/// One rule, ready to be evaluated.
package struct Rule: Sendable {
    package enum Kind: Sendable {
        case recording
        /// Durations in milliseconds.
        case alerting(hold: Int64, keepFiring: Int64, annotations: [RuleText])
    }

    /// The metric that it records, or the alert.
    package let name: String
    package let query: Query
    package let kind: Kind
    /// Its own and its group's, sorted by name; an empty value removes a label.
    package let labels: [RuleText]

    package var isAlerting: Bool {
        if case .alerting = kind { return true }
        return false
    }

    /// Those that say something, as they are written.
    package var staticLabels: Labels { Labels(labels.map { Label(name: $0.name, value: $0.text) }) }
}

/// A label or an annotation; of an alerting rule it is a template.
package struct RuleText: Sendable {
    package let name: String
    package let text: String
    /// Nil in a recording rule.
    let template: AlertTemplate?
}

extension Rule: Equatable {
    package static func == (left: Rule, right: Rule) -> Bool {
        left.name == right.name && left.query.text == right.query.text && left.kind == right.kind
            && left.labels == right.labels
    }
}

extension Rule.Kind: Equatable {}

extension RuleText: Equatable {
    package static func == (left: RuleText, right: RuleText) -> Bool {
        left.name == right.name && left.text == right.text
    }
}

extension RuleGroup: Equatable {}
