package import PromQL
package import Settings

/// A rule file that Prometheus would accept.
package struct RuleFile: Sendable {
    /// As it was named.
    package let path: String
    package let groups: [RuleGroup]
    /// Rules that are there twice with the same labels: allowed, and seldom meant.
    package let repetitions: [RuleRepetition]

    package var ruleCount: Int { groups.reduce(0) { $0 + $1.rules.count } }

    /// Reads and checks the file at `path`.
    ///
    /// - Throws: `SettingsError` with every problem, its line and column; `MachineError` when it cannot be read.
    package static func load(from path: String, engine: Engine = Engine()) throws -> RuleFile {
        try RuleFile(PlacedDocument.load(from: path), engine: engine)
    }

    /// Reads and checks `document`. Throws as ``load(from:engine:)``.
    package init(_ document: PlacedDocument, engine: Engine = Engine()) throws {
        let reader = RuleReader(document, engine: engine)
        groups = reader.groups()
        try reader.values.finish()
        path = document.file
        repetitions = RuleRepetition.all(in: reader.found)
    }
}

/// A rule that is there more than once.
package struct RuleRepetition: Sendable {
    package let name: String
    /// As they are written in the rule itself.
    package let labels: [(name: String, value: String)]
    package let positions: [SettingsProblem.Position]

    /// What a rule is known by, and where it stands.
    struct Found {
        let name: String
        let labels: [(name: String, value: String)]
        let position: SettingsProblem.Position?
    }

    static func all(in rules: [Found]) -> [RuleRepetition] {
        let groups = Dictionary(grouping: rules) { rule in
            [rule.name] + rule.labels.flatMap { [$0.name, $0.value] }
        }
        let repeated = groups.values.filter { $0.count > 1 }.map { rules in
            RuleRepetition(name: rules[0].name, labels: rules[0].labels, positions: rules.compactMap(\.position))
        }
        return repeated.sorted {
            ($0.positions.first ?? SettingsProblem.Position(line: 0, column: 0))
                < ($1.positions.first ?? SettingsProblem.Position(line: 0, column: 0))
        }
    }
}
