internal import Machine
internal import PromQL
package import Settings

/// Rules that change labels, or drop what has them, as Prometheus 3.5 does (`model/relabel`).
package struct Relabelling: Sendable {
    private let steps: [Step]

    package init(_ rules: [RelabelRule]) { steps = rules.map(Step.init) }

    package var isEmpty: Bool { steps.isEmpty }

    /// Applies the rules in their order. A label without a value is none.
    ///
    /// - Returns: whether what has the labels is kept; if not, they are as the rule that dropped it found them.
    package func apply(to labels: inout [String: String]) -> Bool {
        for step in steps where !step.apply(to: &labels) { return false }
        return true
    }
}

private struct Step: Sendable {
    let rule: RelabelRule
    /// Nil: it matches nothing, for RE2 refused it. Who reads the rules has reported that.
    let pattern: RegularExpression?

    init(_ rule: RelabelRule) {
        self.rule = rule
        pattern = try? RegularExpression(rule.expression)
    }

    func apply(to labels: inout [String: String]) -> Bool {
        let value = rule.sourceLabels.map { labels[$0] ?? "" }.joined(separator: rule.separator)
        switch rule.action {
        case .keep: return matches(value)
        case .drop: return !matches(value)
        case .keepequal: return labels[rule.targetLabel] ?? "" == value
        case .dropequal: return labels[rule.targetLabel] ?? "" != value
        case .replace: replace(value, in: &labels)
        case .lowercase: labels.set(rule.targetLabel, value.lowercased())
        case .uppercase: labels.set(rule.targetLabel, value.uppercased())
        case .hashmod: labels.set(rule.targetLabel, "\(Self.hash(value) % rule.modulus)")
        case .labelmap:
            for (name, value) in labels.sorted(by: { $0.key < $1.key }) {
                guard let pattern, let groups = pattern.groups(of: name) else { continue }
                labels.set(pattern.expand(rule.replacement, groups), value)
            }
        case .labeldrop: for name in labels.keys where matches(name) { labels[name] = nil }
        case .labelkeep: for name in labels.keys where !matches(name) { labels[name] = nil }
        }
        return true
    }

    private func replace(_ value: String, in labels: inout [String: String]) {
        guard let pattern, let groups = pattern.groups(of: value) else { return }
        let name = pattern.expand(rule.targetLabel, groups)
        if !name.isEmpty { labels.set(name, pattern.expand(rule.replacement, groups)) }
    }

    private func matches(_ text: String) -> Bool { pattern?.matches(text) ?? false }

    /// The last eight bytes of the MD5, highest first, as Prometheus takes them.
    private static func hash(_ text: String) -> UInt64 {
        md5(Array(text.utf8)).suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension [String: String] {
    /// An empty value removes the label; one without a name is none.
    fileprivate mutating func set(_ name: String, _ value: String) {
        guard !name.isEmpty else { return }
        self[name] = value.isEmpty ? nil : value
    }
}
