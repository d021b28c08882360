internal import Machine
package import PromQL
package import Settings
package import TimeSeries

/// A file of unit tests for rules, in the format of `promtool test rules`.
package struct RuleTestFile: Sendable {
    /// As it was named.
    package let path: String
    /// Patterns of rule files, as they are written.
    package let ruleFiles: [String]
    /// Milliseconds.
    package let evaluationInterval: Int64
    /// Names of groups, those that come first.
    package let groupOrder: [String]
    /// Whether values that differ by the last bit count as the same.
    package let comparesFuzzily: Bool
    package let tests: [RuleTest]

    /// Reads the file at `path`. Throws as ``RuleFile/load(from:engine:)``.
    package static func load(from path: String) throws -> RuleTestFile {
        try RuleTestFile(PlacedDocument.load(from: path))
    }

    package init(_ document: PlacedDocument) throws {
        let reader = RuleTestReader(document)
        self = reader.file()
        try reader.values.finish()
    }

    init(
        path: String, ruleFiles: [String], evaluationInterval: Int64, groupOrder: [String], comparesFuzzily: Bool,
        tests: [RuleTest]
    ) {
        self.path = path
        self.ruleFiles = ruleFiles
        self.evaluationInterval = evaluationInterval
        self.groupOrder = groupOrder
        self.comparesFuzzily = comparesFuzzily
        self.tests = tests
    }
}

extension RuleTestFile {
    /// The rule files that it names, relative to its own folder, and those of its patterns that name none.
    package func matchingRuleFiles() -> (paths: [String], unmatched: [String]) {
        var (paths, unmatched): ([String], [String]) = ([], [])
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        for pattern in ruleFiles {
            let found = files(matching: pattern.hasPrefix("/") ? pattern : folder + pattern)
            if found.isEmpty { unmatched.append(pattern) }
            paths += found
        }
        return (paths, unmatched)
    }
}

/// One test: series, and what rules make of them. Times in milliseconds after the start.
package struct RuleTest: Sendable {
    package var name = ""
    /// Between two values of a series.
    package var interval: Int64 = 0
    package var series: [SeriesNotation] = []
    package var alerts: [AlertCase] = []
    package var expressions: [ExpressionCase] = []
    package var externalLabels = Labels()
    package var externalURL = ""

    /// Which alerts of one name fire at a time.
    package struct AlertCase: Sendable {
        package let time: Int64
        package let name: String
        package let expected: [ExpectedAlert]
        package let position: SettingsProblem.Position?
    }

    package struct ExpectedAlert: Sendable, Equatable {
        /// Without `alertname`.
        package let labels: [String: String]
        package let annotations: [String: String]
    }

    /// What an expression yields at a time.
    package struct ExpressionCase: Sendable {
        package let time: Int64
        package let expression: String
        package let expected: [(labels: Labels, value: Double)]
        package let position: SettingsProblem.Position?
    }

    /// Up to when rules are evaluated.
    var end: Int64 { max(alerts.map(\.time).max() ?? 0, expressions.map(\.time).max() ?? 0) }
}
