import Glibc
import Machine
import TestKit

/// The real `systemd-analyze calendar`.
enum SystemdAnalyze {
    /// Whether tests that need it are to be run. Under CI always, so that one that is missing fails them.
    static var isAvailable: Bool {
        access("/usr/bin/systemd-analyze", X_OK) == 0 || getenv("CI").map { String(cString: $0) } == "true"
    }

    static let howToGetOne = "needs systemd-analyze (Tests/Real/packages.sh test)"

    /// What it says of one expression.
    struct Answer: Equatable, CustomStringConvertible {
        /// The normal form; nil if it refuses the expression.
        var normal: String?
        /// Whether it understands the expression and fails all the same: “Infinite loop in calendar calculation”, of steps
        /// of hours that meet a gap.
        var gaveUp = false
        /// The next times in UTC.
        var next: [String] = []

        /// The same as moments.
        var moments: [Timestamp] {
            next.compactMap { Timestamp(String($0.dropFirst(4)), pattern: "%Y-%m-%d %H:%M:%S UTC") }
        }

        var description: String { "\(normal ?? "refused") \(next)" }
    }

    /// Asks for many expressions in one call.
    static func ask(_ expressions: [String], zone: String, after base: Timestamp, count: Int) async throws -> [Answer] {
        let runner = CommandRunner(environment: ["TZ": zone, "LC_ALL": "C"])
        // A mark after each: what is refused says so on standard error alone.
        let mark = "@1234567890"
        let words = expressions.flatMap { [$0, mark] }
        let outcome = try await runner.run(
            [
                "systemd-analyze", "calendar", "--iterations=\(count)",
                "--base-time=\(base.format("%Y-%m-%d %H:%M:%S UTC"))", "--",
            ] + words)
        var answers: [Answer] = []
        var current = Answer()
        for line in outcome.output.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let label = line[..<colon].drop(while: \.isWhitespace)
            let value = String(line[line.index(after: colon)...].drop(while: \.isWhitespace))
            switch label {
            case "Normalized form" where value == "2009-02-13 23:31:30 UTC":
                answers.append(current)
                current = Answer()
            case "Normalized form": current.normal = value
            case "Next elapse" where value == "never": break
            case "(in UTC)": current.next[current.next.count - 1] = value
            case _ where label == "Next elapse" || label.hasPrefix("Iter."): current.next.append(value)
            default: break
            }
        }
        for line in outcome.errors.split(separator: "\n") where line.hasPrefix("Failed to determine next elapse for '")
        {
            for (index, text) in expressions.enumerated() where line.contains("'\(text)'") {
                answers[index].gaveUp = true
            }
        }
        guard answers.count == expressions.count else {
            throw TestKitError(description: "systemd-analyze answered \(answers.count) times: \(outcome)")
        }
        return answers
    }
}
