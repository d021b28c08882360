import Machine

/// One thing that is wrong with the configuration.
package struct SettingsProblem: Explained, Hashable {
    /// What kind: `settings.unknown-key`, `settings.bad-value`, …
    package let code: String
    /// What is wrong, with the path of the key.
    package let what: String
    /// Line and column in `file`, where that can be said.
    package let position: Position?
    /// The file as it was named, or the environment variable.
    package let file: String
    /// What to change or to type.
    package let remedy: String?

    package init(code: String, what: String, position: Position?, file: String, remedy: String?) {
        self.code = code
        self.what = what
        self.position = position
        self.file = file
        self.remedy = remedy
    }

    /// Where a problem lies; both count from 1, columns in Unicode scalars.
    package struct Position: Hashable, Comparable, Sendable, CustomStringConvertible {
        /// The line.
        package let line: Int
        /// The column.
        package let column: Int

        package init(line: Int, column: Int) {
            self.line = line
            self.column = column
        }

        package var description: String { "\(line):\(column)" }

        package static func < (one: Position, other: Position) -> Bool {
            (one.line, one.column) < (other.line, other.column)
        }
    }

    /// `holdfast.yml:12:5`, or the file alone.
    package var place: String? { position.map { "\(file):\($0)" } ?? file }

    /// The problem as one block of text, place first, as compilers do.
    package var description: String {
        "\(place ?? file): \(what)" + (remedy.map { "\n    → \($0)" } ?? "")
    }
}

/// All that is wrong with a configuration, together.
package struct SettingsError: Explained, Equatable {
    /// The problems in the order of the file: at least one, at most ``limit``.
    package let problems: [SettingsProblem]
    /// How many there are in all.
    package let count: Int

    /// How many problems are kept.
    package static let limit = 20

    /// One problem.
    package init(_ problem: SettingsProblem) {
        problems = [problem]
        count = 1
    }

    /// Several problems, of which there must be one at least.
    package init(_ problems: [SettingsProblem]) {
        precondition(!problems.isEmpty, "BUG: an error without a problem")
        let start = SettingsProblem.Position(line: 0, column: 0)
        let sorted = problems.enumerated().sorted {
            ($0.element.position ?? start, $0.offset) < ($1.element.position ?? start, $1.offset)
        }
        self.problems = sorted.prefix(Self.limit).map(\.element)
        count = problems.count
    }

    /// The code of the only problem; `settings.invalid` when there are several.
    package var code: String { count == 1 ? problems[0].code : "settings.invalid" }

    package var what: String {
        count == 1 ? problems[0].what : "\(problems[0].file) has \(count) problems."
    }

    package var place: String? { count == 1 ? problems[0].place : nil }

    /// The remedy of the only problem; when there are several, all of them with theirs, one below the other.
    package var remedy: String? {
        guard count > 1 else { return problems[0].remedy }
        let lines =
            problems.map(\.description) + (count > problems.count ? ["… and \(count - problems.count) more."] : [])
        return lines.joined(separator: "\n")
    }

    package var description: String {
        count == 1 ? problems[0].description : what + "\n" + (remedy ?? "")
    }
}
