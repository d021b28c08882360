import PromQL
import Testing
import TimeSeries

/// Matches inside a text, replaced as Go's `regexp` does.
@Suite struct ReplacementTests {
    @Test(arguments: [
        ("a", "x", "banana", "bxnxnx"), ("a(.)", "<$1>", "banana", "b<n><n>a"), ("", "-", "abc", "-a-b-c-"),
        ("a*", "-", "baac", "-b-c-"), ("^", "x", "ab", "xab"), ("$", "x", "ab", "abx"),
        ("(?P<l>.)b", "${l}$l$$", "ab", "aa$"),
        ("é", "e", "été", "ete"), ("", ".", "é", ".é."), ("x", "y", "", ""), ("\\b", "|", "a b", "|a| |b|"),
        ("(a)|b", "[$1]", "ab", "[a][]"),
    ])
    func replaces(_ pattern: String, _ template: String, _ text: String, _ expected: String) throws {
        #expect(try RegularExpression(pattern).replaceAll(in: text, by: template, limit: 1000) == expected)
    }

    @Test func aResultThatGrowsTooLongIsNone() throws {
        let text = String(repeating: "a", count: 100)
        #expect(try RegularExpression("a").replaceAll(in: text, by: "$0$0", limit: 150) == nil)
    }

    @Test func partsAreFound() throws {
        #expect(try RegularExpression("n.n").isFound(in: "banana"))
        #expect(try !RegularExpression("^an").isFound(in: "banana"))
    }
}

/// Series with their values, as tests of rules write them.
@Suite struct SeriesNotationTests {
    private func values(_ text: String) throws -> [Double?] {
        try SeriesNotation("x " + text).values.map { value in
            if case .float(let value) = value { return value }
            return nil
        }
    }

    @Test func valuesAreUnrolled() throws {
        #expect(
            try values("1 2+1x2 5-2x2 3x1 _ _x2 -1e1+.5x1") == [1, 2, 3, 4, 5, 3, 1, 3, 3, nil, nil, nil, -10, -9.5])
        #expect(try values("stale").first??.bitPattern == 0x7ff0_0000_0000_0002)
        #expect(try values("Inf -Inf") == [.infinity, -.infinity])
        #expect(try values("") == [])
    }

    @Test func stepsAreAddedUp() throws {
        var sum = 0.0
        let expected = (0...10).map { _ -> Double? in
            defer { sum += 0.1 }
            return sum
        }
        #expect(try values("0+0.1x10") == expected)
    }

    @Test(arguments: [
        ("up", "up"), ("{}", "{}"), ("", "{}"), ("a:b{x=\"1\", y='2',}", "a:b{x=\"1\", y=\"2\"}"),
        ("{\"a b\", \"l m\"=`v`}", "a b{l m=\"v\"}"), ("{__name__=\"n\"}", "n"),
    ])
    func labelsAreRead(_ text: String, _ expected: String) throws {
        #expect(try SeriesNotation.labels(of: text).description == expected)
    }

    @Test(arguments: [
        "x{a=1} 1", "x{a=\"1\" 1", "x{a=\"1\" b=\"2\"} 1", "x 1+1", "x 1_2", "x a", "x 1x", "1x 1", "x{,} 1",
        "x 1x99999999999",
        "x 1x1000000 1x1000000",
    ])
    func whatIsNoSeriesIsRefused(_ line: String) {
        #expect(throws: SeriesNotation.Malformed.self) { try SeriesNotation(line) }
    }
}
