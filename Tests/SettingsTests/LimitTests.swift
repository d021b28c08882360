import Settings
import Testing

@Suite struct LimitTests {
    private static func bomb(levels: Int, asKey: Bool) -> String {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...levels {
            let below = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += asKey ? "? &a\(level) [\(below)]\n: x\n" : "a\(level): &a\(level) [\(below)]\n"
        }
        return text
    }

    private static let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
    private static let huge = "a: [" + String(repeating: "x,", count: 200_000) + "]"

    private static let floods: [String] = [
        bomb(levels: 9, asKey: false), bomb(levels: 9, asKey: true), bomb(levels: 2, asKey: true), deep, huge, pairs,
        "{" + pairs.replacing("\n", with: ",") + "}",
        String(repeating: "[", count: 1 << 19), String(repeating: "{", count: 1 << 19),
        String(repeating: "? ", count: 1 << 19), String(repeating: "- ", count: 1 << 19),
        String(repeating: " ", count: 1 << 21), String(repeating: "\"", count: 1 << 20),
        String(repeating: "&a ", count: 1 << 18), String(repeating: "!", count: 1 << 20),
        String(repeating: "a: b\n", count: 200_000),
    ]
    private static let pairs: String = (0..<60_000).map { "k\($0): x\n" }.joined()

    @Test(.timeLimit(.minutes(1)), arguments: floods)
    func endsSoonWithAnError(text: String) {
        #expect(throws: SettingsError.self) { try Settings.parse(text, file: "h.yml") }
    }

    @Test(arguments: [
        (bomb(levels: 9, asKey: false), "anchors"), (deep, "64 levels"), (huge, "100000"),
        (String(repeating: " ", count: 1 << 21), "1 MiB"),
    ])
    func namesTheLimit(text: String, part: String) throws {
        let error = try #require(throws: SettingsError.self) { try Settings.parse(text, file: "h.yml") }
        #expect(error.code == "settings.too-large")
        #expect(error.what.contains(part))
    }

    @Test func aPatternOfManyStarsEndsSoon() throws {
        let stars = try pattern(String(repeating: "*a", count: 2_000) + "b")
        #expect(!stars.matches(String(repeating: "a", count: 10_000)))
    }
}
