import ArgumentParser
import Glibc
import Machine
import Monitoring
import Settings

struct RulesTest: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Do rules yield what their unit tests expect?",
        discussion: """
            Files in the format of `promtool test rules`: rule_files, evaluation_interval, group_eval_order, tests with input_series,
            alert_rule_test and promql_expr_test. What is not as expected is shown with what there was instead.

            Example: holdfast rules test tests/*.yml

            Exit status: 0 all as expected · 1 one is not, or a file is no good.
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "Files of tests.")
    var files: [String]

    private struct Report: Encodable {
        let passed: Bool
        let files: [File]

        struct File: Encodable {
            let file: String
            let passed: Bool
            var tests = 0
            var failures: [Failure] = []
            var problems: [Problem] = []
            /// Patterns of rule files that name none.
            var unmatched: [String] = []
        }

        struct Problem: Encodable {
            let file: String
            let problem: RuleProblem
        }

        struct Failure: Encodable {
            let test: String
            let kind: String
            let subject: String
            let place: String?
            let time: String
            let expected: [String]
            let got: [String]
            let error: String?

            init(_ failure: RuleTestFailure) {
                test = failure.test
                (kind, subject) = failure.subject.words
                place = failure.place
                time = failure.timeText
                expected = failure.expected
                got = failure.got
                error = failure.error
            }
        }
    }

    func run() async throws {
        let paths = files
        let files = try await onThread("rules test") { stop in
            try paths.map { path in
                try stop.check()
                return try Self.test(path, stop)
            }
        }
        let report = Report(passed: files.allSatisfy(\.passed), files: files)
        try Output.result(report, json: common.json, text: text)
        if !report.passed { throw ExitStatus.failed }
    }

    private static func test(_ path: String, _ stop: StopSignal) throws -> Report.File {
        do {
            let file = try RuleTestFile.load(from: path)
            let (rules, unmatched) = file.matchingRuleFiles()
            let failures = try RuleTestRun.failures(of: file, try RuleSet.read(rules).groups, stop)
            return Report.File(
                file: path, passed: failures.isEmpty, tests: file.tests.count,
                failures: failures.map(Report.Failure.init),
                unmatched: unmatched)
        } catch let error where !(error is Interrupted) {
            let problems = RuleProblem.all(of: error, file: path).map {
                Report.Problem(file: $0.file, problem: $0.problem)
            }
            return Report.File(file: path, passed: false, problems: problems)
        }
    }

    private func text(_ report: Report) -> String {
        let style = Style(for: STDOUT_FILENO)
        return report.files.map { file in
            let mark = file.passed ? style.good("ok  ") : style.bad("fail")
            let words = file.problems.isEmpty ? "  \(counted(file.tests, "test"))" : ""
            let warnings = file.unmatched.map { "\(style.warn("warn"))  \(file.file): no file matches `\($0)`.\n" }
            let problems = file.problems.map { $0.problem.text(in: $0.file, style) }
            return "\(mark)  \(file.file)\(words)\n"
                + (warnings + problems + file.failures.map { text($0, style) }).joined()
        }.joined()
    }

    private func text(_ failure: Report.Failure, _ style: Style) -> String {
        let test = failure.test.isEmpty ? "" : "\(printable(failure.test)): "
        let place = failure.place.map { " (\($0))" } ?? ""
        var text = "      \(test)\(failure.kind) `\(printable(failure.subject))` at \(failure.time)\(place)\n"
        if let error = failure.error { return text + "          \(style.bad(printable(error)))\n" }
        for (name, lines) in [("expected", failure.expected), ("got     ", failure.got)] {
            text += "          \(name)  \(lines.first ?? "nothing")\n"
            for line in lines.dropFirst() { text += "                    \(line)\n" }
        }
        return text
    }
}

extension RuleTestFailure.Subject {
    /// What it is, and its name or text.
    fileprivate var words: (kind: String, subject: String) {
        switch self {
        case .alert(let name): ("alert", name)
        case .expression(let text): ("expression", text)
        case .rule(let name): ("rule", name)
        }
    }
}
