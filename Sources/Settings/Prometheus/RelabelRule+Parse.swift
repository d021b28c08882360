import Machine

extension RelabelRule {
    /// Reads an entry; what Prometheus 3.5 refuses is refused.
    ///
    /// Nothing of the environment is put in: `${1}` is a part of the match here.
    init?(reading reader: NodeReader, _ context: PrometheusContext) {
        let help = "Write `- { source_labels: [a], target_label: b }`."
        guard let fields = reader.fields(ofAny: PrometheusSection.relabelling, remedy: help) else { return nil }
        self.init()
        if let word = fields["action"]?.string(expected: "a word") {
            guard let known = Action(rawValue: word.lowercased()) else {
                let near = nearest(to: word, among: Action.allCases.map(\.rawValue)) ?? "replace"
                fields["action"]?.badValue(
                    "There is no action `\(printable(word))` – did you mean `\(near)`?",
                    remedy: "Known are \(Action.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")).")
                return nil
            }
            action = known
        }
        sourceLabels = fields["source_labels"]?.elements { $0.string(expected: "a label") } ?? []
        if let text = fields["separator"]?.text() { separator = text }
        if let text = fields["target_label"]?.text() { targetLabel = text }
        if let text = fields["replacement"]?.text() { replacement = text }
        if let pattern = fields["regex"], let text = pattern.text() {
            expression = text
            if let fault = context.words.patternFault(text) {
                pattern.badValue(
                    "\(pattern.label) is no regular expression: \(printable(fault)).",
                    remedy: "It is RE2's syntax; a `\\` needs single quotes, or two of them in double quotes.")
            }
        }
        if let text = fields["modulus"]?.string(expected: "a number") {
            modulus = UInt64(text) ?? 0
            if UInt64(text) == nil {
                fields["modulus"]?.badValue("`modulus` is no number that fits.", remedy: "Write a whole number.")
            }
        }
        guard let fault else { return }
        reader.badValue(
            "\(reader.label): \(fault)", remedy: "See what `\(action.rawValue)` takes in the documentation.")
    }

    /// Why such a rule cannot be, as Prometheus's own check has it.
    private var fault: String? {
        let name = action.rawValue
        let changesOneLabel: Set<Action> = [.replace, .hashmod, .lowercase, .uppercase, .keepequal, .dropequal]
        if action == .hashmod, modulus == 0 { return "`hashmod` needs a `modulus`." }
        if changesOneLabel.contains(action), targetLabel.isEmpty { return "`\(name)` needs a `target_label`." }
        let hasOwnReplacement = replacement != Self.usualReplacement
        switch action {
        case .lowercase, .uppercase:
            return hasOwnReplacement ? "`\(name)` takes no `replacement`." : nil
        case .labelmap: return replacement.isEmpty ? "`labelmap` needs a `replacement`." : nil
        case .keepequal, .dropequal:
            let isPlain = expression == Self.usualExpression && modulus == 0 && separator == ";" && !hasOwnReplacement
            return isPlain ? nil : "`\(name)` takes `source_labels` and `target_label` only."
        case .labeldrop, .labelkeep:
            let isPlain = sourceLabels.isEmpty && targetLabel.isEmpty && modulus == 0 && separator == ";"
            return isPlain && !hasOwnReplacement ? nil : "`\(name)` takes `regex` only."
        case .replace, .keep, .drop, .hashmod: return nil
        }
    }
}
