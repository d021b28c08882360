import Monitoring
import Settings
import Testing

@Suite struct RelabellingTests {
    private static let abc = ["a": "foo", "b": "bar", "c": "baz"]

    private static func rule(
        _ action: RelabelRule.Action = .replace, _ source: String = "", _ expression: String = "(.*)",
        target: String = "", _ replacement: String = "$1", separator: String = ";", modulus: UInt64 = 0
    ) -> RelabelRule {
        RelabelRule(
            action, sourceLabels: source.split(separator: ",").map(String.init), separator: separator,
            expression: expression, modulus: modulus, targetLabel: target, replacement: replacement)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let input: [String: String]
        let rules: [RelabelRule]
        /// Nil: dropped.
        let output: [String: String]?

        var testDescription: String { name }

        init(_ name: String, _ input: [String: String], _ rules: [RelabelRule], _ output: [String: String]?) {
            (self.name, self.input, self.rules, self.output) = (name, input, rules, output)
        }

        /// - Parameter more: what is added to the input.
        init(_ name: String, _ input: [String: String], _ rules: [RelabelRule], adding more: [String: String]) {
            self.init(name, input, rules, input.merging(more) { $1 })
        }
    }

    static let cases: [Case] = [
        Case(
            "a part into a new label", abc, [rule(.replace, "a", "f(.*)", target: "d", "ch${1}-ch${1}")],
            adding: ["d": "choo-choo"]),
        Case(
            "two sources, and one rule upon the other", abc,
            [
                rule(.replace, "a,b", "f(.*);(.*)r", target: "a", "b${1}${2}m"),
                rule(.replace, "c,a", "(b).*b(.*)ba(.*)", target: "d", "$1$2$2$3"),
            ], adding: ["a": "boobam", "d": "boooom"]),
        Case(
            "dropped before the next rule", ["a": "foo"],
            [rule(.drop, "a", ".*o.*"), rule(.replace, "a", "f(.*)", target: "d")], nil),
        Case("not dropped", ["a": "foo"], [rule(.drop, "a", "no-match")], adding: [:]),
        Case("the whole has to match", ["a": "foo"], [rule(.drop, "a", "f|o")], adding: [:]),
        Case("kept", ["a": "foo"], [rule(.keep, "a", "f.*")], adding: [:]),
        Case("not kept", ["a": "foo"], [rule(.keep, "a", "no-match")], nil),
        Case("no match changes nothing", ["a": "boo"], [rule(.replace, "a", "f", target: "b", "bar")], adding: [:]),
        Case("a hash", abc, [rule(.hashmod, "c", target: "d", modulus: 1000)], adding: ["d": "976"]),
        Case(
            "a hash of two lines", ["a": "foo\nbar"], [rule(.hashmod, "a", target: "b", modulus: 1000)],
            adding: ["b": "734"]),
        Case(
            "names after a pattern", ["a": "foo", "b1": "bar", "b2": "baz"],
            [rule(.labelmap, "", "(b.*)", "bar_${1}")], adding: ["bar_b1": "bar", "bar_b2": "baz"]),
        Case(
            "of several with one new name the last", ["b1": "x", "b2": "y"], [rule(.labelmap, "", "b.", "c")],
            adding: ["c": "y"]),
        Case(
            "the name is a part of the match", ["a": "some-name-value"],
            [rule(.replace, "a", "some-([^-]+)-([^,]+)", target: "${1}", "${2}")], adding: ["name": "value"]),
        Case(
            "a group that is not there is empty", ["a": "some-name-value", "name": "x"],
            [rule(.replace, "a", "some-([^-]+)-([^,]+)", target: "${1}", "${3}")], ["a": "some-name-value"]),
        Case(
            "a name that is empty changes nothing", ["a": "some-name-0"],
            [rule(.replace, "a", "some-([^-]+)-([^,]+)", target: "${3}", "${1}")], adding: [:]),
        Case(
            "named groups, and a dollar", ["a": "x-y"],
            [rule(.replace, "a", "(?P<first>.)-(?P<second>.)", target: "b", "$second$$$first-${first}")],
            adding: ["b": "y$x-x"]),
        Case(
            "$1x is the group 1x", ["a": "foo"], [rule(.replace, "a", "(.*)", target: "b", "$1x-$1")],
            adding: ["b": "-foo"]),
        Case(
            "an empty source is a match of (.*)", ["a": "x"], [rule(.replace, "", target: "b", "c")],
            adding: ["b": "c"]),
        Case("an empty replacement removes", ["a": "x", "b": "y"], [rule(.replace, "a", target: "b", "")], ["a": "x"]),
        Case("a dot matches a line's end", ["a": "x\ny"], [rule(.keep, "a", "x.y")], adding: [:]),
        Case(
            "what a service tells of itself",
            ["__meta_sd_tags": "path:/secret,job:some-job,label:foo=bar"],
            [
                rule(.replace, "__meta_sd_tags", "(?:.+,|^)path:(/[^,]+).*", target: "__metrics_path__"),
                rule(.replace, "__meta_sd_tags", "(?:.+,|^)job:([^,]+).*", target: "job"),
                rule(.replace, "__meta_sd_tags", "(?:.+,|^)label:([^=]+)=([^,]+).*", target: "${1}", "${2}"),
            ], adding: ["__metrics_path__": "/secret", "job": "some-job", "foo": "bar"]),
        Case(
            "removed and made again", ["__meta_name": "foo", "__meta_port": "9091"],
            [
                rule(.labeldrop, "", "^__meta_name$"),
                rule(.replace, "__meta_port", "(.+)", target: "__meta_name", "m"),
                rule(.keep, "__meta_name", "^m$"),
            ], adding: ["__meta_name": "m"]),
        Case(
            "labels kept", ["a": "foo", "b1": "bar", "b2": "baz"], [rule(.labelkeep, "", "(b.*)")],
            ["b1": "bar", "b2": "baz"]),
        Case("labels dropped", ["a": "foo", "b1": "bar", "b2": "baz"], [rule(.labeldrop, "", "(b.*)")], ["a": "foo"]),
        Case(
            "upper and lower", ["foo": "bAr123Foo"],
            [rule(.uppercase, "foo", target: "up"), rule(.lowercase, "foo", target: "low")],
            adding: ["up": "BAR123FOO", "low": "bar123foo"]),
        Case("equal is kept", ["t": "1", "p": "1"], [rule(.keepequal, "t", target: "p")], adding: [:]),
        Case("unequal is not kept", ["t": "1", "p": "2"], [rule(.keepequal, "t", target: "p")], nil),
        Case("equal is dropped", ["t": "1", "p": "1"], [rule(.dropequal, "t", target: "p")], nil),
        Case("unequal is not dropped", ["t": "1", "p": "2"], [rule(.dropequal, "t", target: "p")], adding: [:]),
        Case("an absent label equals an empty one", ["p": "2"], [rule(.keepequal, "t", target: "u")], adding: [:]),
        Case(
            "another separator", ["a": "x", "b": "y"], [rule(.replace, "a,b", target: "c", separator: "/")],
            adding: ["c": "x/y"]),
        Case(
            "names of the new kind", ["a": "x"], [rule(.replace, "a", target: "with.dots and blanks")],
            adding: ["with.dots and blanks": "x"]),
    ]

    @Test(arguments: cases) func doesAsPrometheus(it: Case) {
        var labels = it.input
        let isKept = Relabelling(it.rules).apply(to: &labels)
        #expect(isKept == (it.output != nil))
        if let output = it.output { #expect(labels == output) }
    }

    @Test func aPatternThatGrowsWithItsTextEnds() {
        var labels = ["a": String(repeating: "a", count: 50_000) + "b"]
        #expect(!Relabelling([Self.rule(.keep, "a", "(a*)*c")]).apply(to: &labels))
    }
}
