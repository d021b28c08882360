import Foundation
import Testing

/// Prometheus's own scripts, which are not part of this project: `make conformance SCRIPTS=DIR`.
@Suite struct ConformanceTests {
    private static let folder = ProcessInfo.processInfo.environment["HOLDFAST_PROMQL_SCRIPTS"].map {
        URL(filePath: $0)
    }

    /// Evals that passed, by file: `conformance.txt` beside this file. No later state may pass fewer.
    private static var committed: [String: [ScriptRunner.Class: Int]] {
        get throws {
            let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "conformance.txt")
            var counts: [String: [ScriptRunner.Class: Int]] = [:]
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            where !line.hasPrefix("#") {
                let fields = line.split(separator: " ")
                for (kind, count) in zip(ScriptRunner.Class.allCases, fields.dropFirst()) {
                    counts[String(fields[0]), default: [:]][kind] = Int(count)
                }
            }
            return counts
        }
    }

    @Test(
        .enabled(
            if: folder != nil,
            "HOLDFAST_PROMQL_SCRIPTS does not name a folder of promqltest scripts: make conformance SCRIPTS=DIR"))
    func passesAsMuchAsBefore() throws {
        let scripts = ScriptFolder(try #require(Self.folder))
        let names = try scripts.names
        let committed = try Self.committed
        #expect(Set(committed.keys).isSubset(of: names), "a script of conformance.txt is missing")
        var report = Report()
        for name in names {
            let outcomes = try scripts.outcomes(of: name)
            report.add(name, outcomes)
            for kind in ScriptRunner.Class.allCases {
                let passed = outcomes.count { $0.class == kind && $0.failure == nil }
                #expect(
                    passed >= committed[name]?[kind] ?? 0, "\(name): fewer evals with \(kind.rawValue) pass than before"
                )
            }
        }
        print(report.text)
        #expect(report.share(of: .floats) >= 0.95)
    }
}

/// What passed, by file, and what failed.
private struct Report {
    private typealias Count = (passed: Int, total: Int)

    private var lines: [String] = []
    private var failures: [String] = []
    private var totals: [ScriptRunner.Class: Count] = [:]

    mutating func add(_ name: String, _ outcomes: [ScriptRunner.Outcome]) {
        var cells: [String] = []
        for kind in ScriptRunner.Class.allCases {
            let these = outcomes.filter { $0.class == kind }
            let count: Count = (these.count { $0.failure == nil }, these.count)
            cells.append(Self.cell(count))
            let total = totals[kind] ?? (0, 0)
            totals[kind] = (total.passed + count.passed, total.total + count.total)
        }
        lines.append(Self.line(name, cells))
        for outcome in outcomes {
            guard let failure = outcome.failure else { continue }
            let reason = outcome.class == .histograms ? "uses native histograms" : failure
            failures.append("\(name):\(outcome.line): \(outcome.expression) – \(reason)")
        }
    }

    func share(of kind: ScriptRunner.Class) -> Double {
        let total = totals[kind] ?? (0, 1)
        return Double(total.passed) / Double(max(total.total, 1))
    }

    var text: String {
        let heading = Self.line("conformance: passed/total", ScriptRunner.Class.allCases.map(\.rawValue))
        let total = Self.line("all", ScriptRunner.Class.allCases.map { Self.cell(totals[$0] ?? (0, 0)) })
        return (failures.map { "failed: " + $0 } + [heading] + lines + [total]).joined(separator: "\n")
    }

    private static func cell(_ count: Count) -> String { "\(count.passed)/\(count.total)" }

    private static func line(_ name: String, _ cells: [String]) -> String {
        name.padding(toLength: 28, withPad: " ", startingAt: 0)
            + cells.map { $0.padding(toLength: 14, withPad: " ", startingAt: 0) }.joined()
    }
}
