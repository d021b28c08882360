import Testing
import TimeSeries

@Suite struct LabelsTests {
    private let up = Labels(["job": "node", "__name__": "up", "instance": "a:9100", "empty": ""])

    @Test func areSortedAndWithoutEmptyValues() {
        #expect(up.map(\.name) == ["__name__", "instance", "job"])
        #expect(up.count == 3)
        #expect(up["job"] == "node")
        #expect(up["empty"] == nil)
        #expect(up.metricName == "up")
        #expect("\(up)" == #"up{instance="a:9100", job="node"}"#)
        #expect("\(Labels(["a": "\"\\\n"]))" == #"{a="\"\\\n"}"#)
    }

    @Test func areEqualWhateverTheOrder() {
        #expect(up == Labels(["__name__": "up", "instance": "a:9100", "job": "node"]))
        #expect(Set([up, Labels(up), up.setting("job", to: "x").setting("job", to: "node")]).count == 1)
        #expect(up != up.setting("job", to: ""))
    }

    @Test func areKeptAndDropped() {
        #expect(up.keeping(LabelNames(["job", "no"])) == Labels(["job": "node"]))
        #expect(up.dropping(LabelNames(["job"])) == Labels(["__name__": "up", "instance": "a:9100"]))
        #expect(up.withoutMetricName == Labels(["instance": "a:9100", "job": "node"]))
        #expect(up.keeping(LabelNames([])).isEmpty)
    }

    @Test func longNamesAndValuesHaveLengthsOfSeveralBytes() {
        let long = Labels([String(repeating: "n", count: 300): String(repeating: "ü", count: 20_000), "z": "1"])
        #expect(long["z"] == "1")
        #expect(long[String(repeating: "n", count: 300)]?.count == 20_000)
    }

    @Test func standInTheOrderOfTheirBytes() {
        let ordered = [
            Labels(), Labels(["Z": "1"]), Labels(["__name__": "a"]), Labels(["__name__": "a", "b": "1"]),
            Labels(["__name__": "ab"]), Labels(["a": "1"]),
        ]
        #expect(ordered.reversed().sorted() == ordered)
    }

    /// Stands in for a compiled expression.
    private struct Prefix: TextPattern {
        let prefix: String

        func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
            String(decoding: text, as: UTF8.self).hasPrefix(prefix)
        }
    }

    @Test func matchersTakeAbsentForEmpty() {
        let anything = Prefix(prefix: "")
        #expect(up.satisfy([Matcher("job", "node"), Matcher("none", "")]))
        #expect(!up.satisfy([Matcher("job", "node", isNegated: true)]))
        #expect(up.satisfy([Matcher("none", "x", isNegated: true)]))
        #expect(!up.satisfy([Matcher("none", "", isNegated: true)]))
        #expect(up.satisfy([Matcher("job", matching: "n.*", Prefix(prefix: "n"))]))
        #expect(!up.satisfy([Matcher("job", matching: "n.*", Prefix(prefix: "n"), isNegated: true)]))
        #expect(up.satisfy([Matcher("none", matching: ".*", anything)]))
        #expect(up.satisfy([Matcher("job", matching: "x|node", anything)]))
        #expect(!up.satisfy([Matcher("job", matching: "x|nod", anything)]))
        #expect(up.satisfy([Matcher("none", matching: "x|", anything)]))
    }
}
