import PromQL
import Testing

/// Numbers, durations and regular expressions as Prometheus reads and writes them.
@Suite struct TextTests {
    @Test(arguments: [
        (0.0, "0", "0"), (-0.0, "-0", "-0"), (1, "1", "1"), (-1.5, "-1.5", "-1.5"), (0.1, "0.1", "0.1"),
        (1e20, "100000000000000000000", "100000000000000000000"), (1e21, "1000000000000000000000", "1e+21"),
        (123_456_789, "123456789", "123456789"), (1.5e-7, "0.00000015", "1.5e-07"), (1e-6, "0.000001", "0.000001"),
        (.leastNonzeroMagnitude, "0." + String(repeating: "0", count: 323) + "5", "5e-324"),
        (1e100, "1" + String(repeating: "0", count: 100), "1e+100"),
        (.infinity, "+Inf", "+Inf"), (-.infinity, "-Inf", "-Inf"), (.nan, "NaN", "NaN"),
        (0.30000000000000004, "0.30000000000000004", "0.30000000000000004"),
    ])
    func writesFloats(_ value: Double, _ plain: String, _ json: String) {
        #expect(FloatText.plain(value) == plain)
        #expect(FloatText.json(value) == json)
    }

    @Test(arguments: [
        ("1", 1.0), ("+1", 1), ("-1.5e3", -1500), (".2", 0.2), ("2.", 2), ("1e0", 1), ("Inf", .infinity),
        ("+inf", .infinity), ("-Infinity", -.infinity), ("2.0e-1", 0.2),
    ])
    func readsFloats(_ text: String, _ value: Double) { #expect(FloatText.value(text) == value) }

    @Test(arguments: ["", "+", "--1", "a", "1a", "e5", "infinit", "0.1.2", "1 "]) func refuses(_ text: String) {
        #expect(FloatText.value(text) == nil)
    }

    @Test(
        arguments: [
            ("0", 0), ("5m", 300_000), ("1h30m", 5_400_000), ("1d", 86_400_000), ("1w", 604_800_000),
            ("1y", 31_536_000_000), ("100ms", 100), ("1s500ms", 1_500), ("1y2w3d4h5m6s7ms", 33_019_506_007),
        ] as [(String, Int64)])
    func readsDurations(_ text: String, _ milliseconds: Int64) {
        #expect(DurationText.milliseconds(text) == milliseconds)
    }

    @Test(arguments: ["", "5", "m", "5m1h", "5m5m", "-5m", "1.5h", "5M", "99999999999999999999y", "300000000y"])
    func refusesDurations(_ text: String) { #expect(DurationText.milliseconds(text) == nil) }

    @Test(
        arguments: [
            (0, "0s"), (300_000, "5m"), (5_400_000, "1h30m"), (604_800_000, "1w"), (90_061_001, "1d1h1m1s1ms"),
            (31_536_000_000, "1y"), (-60_000, "-1m"),
        ] as [(Int64, String)])
    func writesDurations(_ milliseconds: Int64, _ text: String) {
        #expect(DurationText.text(milliseconds) == text)
    }

    @Test func patternsMatchWholeTextsOnly() throws {
        let pattern = try RegularExpression("a|b.*c")
        #expect(pattern.matches("a"))
        #expect(pattern.matches("b\nc"))
        #expect(!pattern.matches("ab"))
        #expect(!pattern.matches(""))
        #expect(try RegularExpression("").matches(""))
        #expect(try RegularExpression("(?i)ÄÖ").matches("äö"))
    }

    @Test func groupsAreToldApart() throws {
        let pattern = try RegularExpression("(?P<first>é+)(x)?(z*)")
        #expect(pattern.groups(of: "éé") == ["éé", "éé", nil, ""])
        #expect(pattern.group(named: "first") == 1)
        #expect(pattern.group(named: "second") == nil)
        #expect(pattern.groups(of: "y") == nil)
    }

    @Test(arguments: ["(", "a{1001}", "\\1", "(?=a)", "[z-a]"]) func badPatternsAreRefused(_ pattern: String) {
        #expect(throws: InvalidPattern.self) { try RegularExpression(pattern) }
    }
}
