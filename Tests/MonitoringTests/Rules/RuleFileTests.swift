import Foundation
import Monitoring
import Settings
import TestKit
import Testing
import TimeSeries

/// Rule files: what is accepted, and what is said of the others.
@Suite struct RuleFileTests {
    /// One section of `rule-files.txt`.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let isAccepted: Bool
        /// What Prometheus 2.42 says.
        let isAcceptedThere: Bool
        var testDescription: String { name }

        init(_ section: Substring) {
            let head = section.prefix { $0 != "\n" }
            let verdict = head.prefix { $0 != ":" }
            name = String(head.dropFirst(verdict.count + 2))
            text = String(section.dropFirst(head.count + 1))
            isAccepted = verdict.hasPrefix("accepted")
            switch verdict {
            case "accepted", "rejected": isAcceptedThere = isAccepted
            case "accepted; 2.42 rejects", "rejected; 3.5 accepts": isAcceptedThere = false
            case "rejected; Prometheus reads the first alone": isAcceptedThere = true
            default: preconditionFailure("no verdict: \(verdict)")
            }
        }
    }

    static let cases: [Case] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "rule-files.txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.components(separatedBy: "\n==== ").dropFirst().map { Case(Substring($0 + "\n")) }
    }()

    @Test func thereAreEnough() {
        #expect(Self.cases.count >= 90)
        #expect(Self.cases.filter(\.isAccepted).count >= 35)
    }

    @Test(arguments: cases) func verdict(_ file: Case) throws {
        do {
            _ = try RuleFile(PlacedDocument(file.text, file: "rules.yml"))
            #expect(file.isAccepted)
        } catch let error as SettingsError {
            #expect(!file.isAccepted, "\(error)")
            #expect(error.problems.allSatisfy { $0.remedy?.isEmpty == false })
        }
    }

    /// Prometheus's own tool says the same of every file, but for those of which the table says otherwise.
    @Test(.enabled(if: RealPrometheus.isAvailable, Comment(rawValue: RealPrometheus.howToGetOne)))
    func promtoolAgrees() async throws {
        try await withTemporaryFolder { folder in
            for (number, file) in Self.cases.enumerated() {
                let path = "\(folder)/\(number).yml"
                try file.text.write(toFile: path, atomically: false, encoding: .utf8)
                let outcome = try await CommandRunner().run(["promtool", "check", "rules", "--lint=none", path])
                #expect((outcome.status == 0) == file.isAcceptedThere, "\(file.name): \(outcome)")
            }
        }
    }

    /// Files with a few bytes changed are read or refused, whatever they say.
    @Test func damagedFilesAreReadOrRefused() {
        var random = SeededRandom(seed: 20_261_126)
        let signs = Array("{}[]:,-#&*!|>'\"%@` \n\t~<x1".unicodeScalars)
        for file in Self.cases {
            for _ in 0..<15 {
                var text = Array(file.text.unicodeScalars)
                for _ in 0..<Int.random(in: 1...3, using: &random) where !text.isEmpty {
                    let place = Int.random(in: 0..<text.count, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: text.remove(at: place)
                    case 1: text[place] = signs.randomElement(using: &random) ?? " "
                    default: text.insert(signs.randomElement(using: &random) ?? " ", at: place)
                    }
                }
                let damaged = String(String.UnicodeScalarView(text))
                if let document = try? PlacedDocument(damaged, file: "rules.yml") {
                    _ = try? RuleFile(document)
                    _ = try? RuleTestFile(document)
                }
            }
        }
    }

    // MARK: Places

    private func problems(_ text: String) throws -> [SettingsProblem] {
        do {
            _ = try RuleFile(PlacedDocument(text, file: "rules.yml"))
            return []
        } catch let error as SettingsError {
            return error.problems
        }
    }

    @Test(arguments: [
        ("expr: sum(up))", "2:30"),
        ("expr: 'sum(\"a''b\" + up))'", "2:40"),
        ("expr: \"sum(x{a=\\\"b\\\"}))\"", "2:39"),
        ("expr: |\n          sum(\n            up\n          ))", "8:12"),
        ("expr: >-\n          sum(up)\n          + sum(up))", "7:20"),
        ("expr: sum(up)\n          + sum(up))", "6:20"),
    ])
    func anExpressionsErrorIsPlacedInTheFile(_ expression: String, _ place: String) throws {
        let text = "groups: [{name: g, rules: [\n    {record: a, \(expression)}]}]\n"
        let block = "groups:\n    - name: g\n      rules:\n      - record: a\n        \(expression)\n"
        let isBlock = expression.contains("\n")
        let found = try problems(isBlock ? block : text)
        #expect(found.first?.code == "rules.bad-expression")
        #expect(found.first?.position?.description == place, "\(found)")
    }

    @Test func allProblemsAreSaidTogetherInTheOrderOfTheFile() throws {
        let found = try problems(
            """
            groups:
              - name: g
                intervall: 5
                limit: x
                rules:
                  - record: a b
                    expr: sum(
                    for: 5m
                  - alert: A
                    expr: up
                    labels: {a-b: "{{ nope }}"}
            """)
        #expect(
            found.map { "\($0.code) \($0.position?.description ?? "")" } == [
                "rules.unknown-key 3:5", "rules.wrong-type 4:12", "rules.bad-record-name 6:17",
                "rules.bad-expression 7:19", "rules.bad-key 8:14", "rules.bad-label-name 11:18",
                "rules.bad-template 11:23",
            ])
    }

    @Test func hostileTextIsShownWithoutItsControlCharacters() throws {
        let found = try problems("groups:\n  - \"na\\u001bme\": x\n")
        #expect(found.first?.what.contains("\u{1B}") == false)
    }

    @Test func rulesThatAreThereTwiceAreTold() throws {
        let file = try RuleFile(
            PlacedDocument(
                """
                groups:
                  - name: g
                    rules:
                      - {record: a, expr: up}
                      - {record: a, expr: up, labels: {x: "1"}}
                  - name: h
                    rules:
                      - {record: a, expr: down}
                """, file: "rules.yml"))
        #expect(file.repetitions.map(\.name) == ["a"])
        #expect(file.repetitions.first?.positions.map(\.line) == [4, 8])
        #expect(file.ruleCount == 3)
    }

    @Test func aGroupsLabelsAreItsRulesToo() throws {
        let file = try RuleFile(
            PlacedDocument(
                """
                groups:
                  - name: g
                    labels: {team: ops, x: group}
                    interval: 30s
                    query_offset: 5s
                    rules:
                      - {record: a, expr: up, labels: {x: own}}
                """, file: "rules.yml"))
        let group = try #require(file.groups.first)
        #expect(group.rules.first?.staticLabels.description == "{team=\"ops\", x=\"own\"}")
        #expect(group.interval == 30_000 && group.queryOffset == 5_000)
    }
}
