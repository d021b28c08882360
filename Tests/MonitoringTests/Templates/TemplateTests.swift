import Monitoring
import PromQL
import Settings
import TestKit
import Testing
import TimeSeries

/// Templates of alerts: what Prometheus's own tool does not show – limits, hostile texts, what newer versions know. The language
/// itself is in `Rules/unit/templates-rules.yml`, where that tool has a say.
@Suite struct TemplateTests {
    /// What the annotation of an alert becomes, for series `x{a="b"}` of value 3.
    private func expanded(_ template: String, _ defaults: RuleDefaults = RuleDefaults()) throws -> String {
        let quoted = template.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
        let group = try group("groups: [{name: g, rules: [{alert: A, expr: x, annotations: {t: '\(quoted)'}}]}]")
        let store = SeriesInMemory()
        try store.put(0, [#"x{a="b"}"#: 3])
        var state = GroupState(group, restores: false)
        _ = state.evaluate(at: 0, now: 0, in: RuleContext(store, defaults))
        return state.alerts(named: "A").first?.annotations.first?.value ?? ""
    }

    private func refusal(_ template: String) -> String {
        do {
            _ = try expanded(template)
            return ""
        } catch let error as SettingsError {
            return error.problems.map(\.what).joined()
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        ("{{ $value }}", "3"),
        ("a\u{1F600}{{ $labels.a }}ü", "a\u{1F600}bü"),
        ("{{ with .None2 }}{{ else }}{{ end }}", "<error"),
        ("{{ with $labels.none }}x{{ else with $value }}{{ . }}{{ end }}", "3"),
        ("{{ range 3 }}{{ . }}{{ end }}", "012"),
        ("{{ title \"don't stop e.g. it_is 1st\" }}", "Don't Stop E.g. It_is 1St"),
        (
            "{{ (toTime 1435065584).Format \"2006-01-02 15:04:05.000 Mon Jan _2\" }}",
            "2015-06-23 13:19:44.000 Tue Jun 23"
        ),
        ("{{ (toTime 1435065584).Month }} {{ (toTime 1435065584).Unix }}", "June 1435065584"),
        ("{{ humanizeTimestamp 1e30 }}", "<error"),
        ("{{ humanize $labels }}", "<error"),
        ("{{ humanize \"1234567\" }}", "1.235M"),
        ("{{ query \"sum(\" }}", "<error"),
        ("{{ query \"x[5m]\" }}", "<error"),
        ("{{ (query \"x\" | first).Labels.a }}", "b"),
    ])
    func expands(_ template: String, _ expected: String) throws {
        let text = try expanded(template)
        if expected == "<error" {
            #expect(text.hasPrefix("<error expanding template: error executing template __alert_A: "), "\(text)")
        } else {
            #expect(text == expected)
        }
    }

    @Test func knowsTheConfigurationsLabelsAndAddress() throws {
        let defaults = RuleDefaults(externalLabels: Labels(["host": "h"]), externalURL: "http://h:9090/prom")
        let text = try expanded(
            "{{ $externalLabels.host }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }}", defaults)
        #expect(text == "h http://h:9090/prom http://h:9090/prom /prom")
    }

    @Test(arguments: [
        // A text that grows, a loop in a loop, a template that calls itself, queries without end.
        #"{{ range $i := 100000 }}{{ printf "%9999d" 1 }}{{ end }}"#,
        #"{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}"#,
        #"{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}"#,
        #"{{ range 100000 }}{{ with query "x" }}{{ end }}{{ end }}"#,
        #"{{ $x := "ab" }}{{ range 100000 }}{{ $x = printf "%s%s" $x $x }}{{ end }}"#,
        #"{{ $x := "ab" }}{{ range 100000 }}{{ $x = reReplaceAll "." "$0$0" $x }}{{ end }}"#,
    ])
    func aRunawayTemplateEnds(_ template: String) throws {
        #expect(try expanded(template).hasPrefix("<error expanding template: "))
    }

    @Test func whatIsNestedTooDeeplyIsRefused() {
        let depth = 100_000
        for (open, close) in [("{{ (", ") }}"), ("{{ if true }}", "{{ end }}")] {
            let inner = open == "{{ (" ? String(repeating: "(", count: depth) : ""
            let text = inner.isEmpty ? String(repeating: open, count: 10_000) + close : open + inner + "1"
            #expect(refusal(text).contains("nested deeper than"))
        }
    }

    @Test(arguments: [
        ("{{ $x }}", #"undefined variable "$x""#),
        ("{{ foo }}", #"function "foo" not defined"#),
        ("{{ now }}", #"function "now" not defined"#),
        ("{{ if }}{{ end }}", "missing value for if"),
        ("{{ range $i, $j, $k := . }}{{ end }}", "too many declarations in range"),
        ("{{ \"a", "unterminated quoted string"),
        ("{{ 1.2.3 }}", #"unexpected ".3" in operand"#),
        ("{{ /* x }}", "unexpected \"/\" in command"),
        ("{{/* x }}", "unclosed comment"),
        ("{{ $value", "unclosed action"),
        ("{{ ( }}", "unclosed left paren"),
        ("{{ ) }}", "unexpected right paren"),
        ("{{ template x }}", "unexpected \"x\" in template clause"),
        ("{{ else }}", "unexpected {{else}}"),
        ("{{ 99999999999999999999 }}", "integer overflow"),
        ("{{ 18446744073709551616 }}", "integer overflow"),
        ("{{ 1_ }}", "illegal number syntax"),
        ("{{ 1x }}", #"bad number syntax: "1x""#),
    ])
    func isRefusedInGosWords(_ template: String, _ words: String) {
        let what = refusal(template)
        #expect(what.contains(words), "\(what)")
    }

    /// Pieces of templates in any order neither crash nor hang.
    @Test func anyTextIsReadOrRefused() {
        let pieces = [
            "{{", "}}", "{{-", "-}}", "if", "else", "end", "range", "with", "define", "template", "block", "break", " ",
            "$", "$x", ":=", "=", ",", "|", "(", ")", ".", ".Labels", "\"a\"", "`b`", "'c'", "1", "0x", "1e", "-", "/*",
            "*/", "\n", "printf", "query", "ä", "\u{0}", "nil", "true", "%",
        ]
        var random = SeededRandom(seed: 20_261_126)
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 1...14, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            let template = "{{" + text.joined()
            let document = try? PlacedDocument(
                "groups: [{name: g, rules: [{alert: A, expr: x, annotations: {t: \(yamlQuoted(template))}}]}]",
                file: "f")
            guard let document else { continue }
            guard let file = try? RuleFile(document) else { continue }
            var state = GroupState(file.groups[0], restores: false)
            let store = SeriesInMemory()
            _ = store.append([(Labels(["__name__": "x"]), 1)], at: 0, now: 0)
            _ = state.evaluate(at: 0, now: 0, in: RuleContext(store))
        }
    }

    private func yamlQuoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\0": quoted += "\\0"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
