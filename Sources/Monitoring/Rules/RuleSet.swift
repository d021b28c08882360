package import PromQL
internal import Settings
package import TimeSeries

/// What rules have that do not say otherwise.
package struct RuleDefaults: Sendable, Equatable {
    /// Milliseconds.
    package var interval: Int64
    /// How long before its own time a rule looks, so that what it reads has arrived. Milliseconds.
    package var queryOffset: Int64
    /// What templates call `$externalLabels`.
    package var externalLabels: Labels
    /// What templates call `$externalURL`.
    package var externalURL: String

    package init(
        interval: Int64 = 60_000, queryOffset: Int64 = 0, externalLabels: Labels = Labels(), externalURL: String = ""
    ) {
        self.interval = interval
        self.queryOffset = queryOffset
        self.externalLabels = externalLabels
        self.externalURL = externalURL
    }
}

/// The groups of all rule files.
package struct RuleSet: Sendable {
    package let groups: [RuleGroup]
    package let defaults: RuleDefaults

    package init(groups: [RuleGroup], defaults: RuleDefaults = RuleDefaults()) {
        self.groups = groups
        self.defaults = defaults
    }

    /// Reads all of `files`, each once.
    ///
    /// - Throws: `SettingsError` with the problems of all files; `MachineError` when one cannot be read.
    package static func read(
        _ files: [String], defaults: RuleDefaults = RuleDefaults(), engine: Engine = Engine()
    ) throws -> RuleSet {
        var groups: [RuleGroup] = []
        var problems: [SettingsProblem] = []
        var known: Set<String> = []
        for file in files where known.insert(file).inserted {
            do {
                groups += try RuleFile.load(from: file, engine: engine).groups
            } catch let error as SettingsError {
                problems += error.problems
            }
        }
        if !problems.isEmpty { throw SettingsError(problems) }
        return RuleSet(groups: groups, defaults: defaults)
    }
}
