import ArgumentParser
import Glibc
import Machine
import Monitoring
import Settings

struct RulesCheck: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Would these rule files be accepted?",
        discussion: """
            One line a file; below it what is wrong, with line, column and remedy: keys, names, durations, expressions, templates. A
            rule that is there twice with the same labels is a warning. docs/formats/rules.md says where Prometheus differs.

            Example: holdfast rules check rules/*.yml

            Exit status: 0 all would be · 1 one would not, or cannot be read.
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "Rule files.")
    var files: [String]

    private struct Report: Encodable {
        let accepted: Bool
        let files: [File]

        struct File: Encodable {
            let file: String
            let accepted: Bool
            var groups = 0
            var rules = 0
            var problems: [RuleProblem] = []
            var repetitions: [Repetition] = []
        }

        struct Repetition: Encodable {
            let name: String
            let labels: [String: String]
            let lines: [Int]
        }
    }

    func run() async throws {
        let paths = files
        let files = try await onThread("rules check") { _ in paths.map(Self.check) }
        let report = Report(accepted: files.allSatisfy(\.accepted), files: files)
        try Output.result(report, json: common.json, text: text)
        if !report.accepted { throw ExitStatus.failed }
    }

    private static func check(_ path: String) -> Report.File {
        do {
            let file = try RuleFile.load(from: path)
            let repetitions = file.repetitions.map { rule in
                Report.Repetition(
                    name: rule.name,
                    labels: Dictionary(rule.labels.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }),
                    lines: rule.positions.map(\.line))
            }
            return Report.File(
                file: path, accepted: true, groups: file.groups.count, rules: file.ruleCount, repetitions: repetitions)
        } catch {
            return Report.File(
                file: path, accepted: false, problems: RuleProblem.all(of: error, file: path).map(\.problem))
        }
    }

    private func text(_ report: Report) -> String {
        let style = Style(for: STDOUT_FILENO)
        return report.files.map { file in
            let words = "\(counted(file.groups, "group")), \(counted(file.rules, "rule"))"
            let head =
                file.accepted ? "\(style.good("ok  "))  \(file.file)  \(words)" : "\(style.bad("fail"))  \(file.file)"
            let problems = file.problems.map { $0.text(in: file.file, style) }
            let repetitions = file.repetitions.map { rule in
                let lines = rule.lines.map(String.init).joined(separator: ", ")
                return
                    "\(style.warn("warn"))  \(file.file): `\(printable(rule.name))` is there \(rule.lines.count) times with the same "
                    + "labels (lines \(lines)).\n"
            }
            return head + "\n" + (problems + repetitions).joined()
        }.joined()
    }
}
