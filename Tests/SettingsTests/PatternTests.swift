import Settings
import Testing

@Suite struct PatternTests {
    @Test(arguments: [
        ("*", "", true), ("*", "a/b", true), ("a", "a", true), ("a", "A", false), ("a", "ab", false), ("a", "", false),
        ("*_cache", "n8n_cache", true), ("*_cache", "_cache", true), ("*_cache", "n8n_cache2", false),
        ("a*b*c", "aXXbYYc", true), ("a*b*c", "abcbc", true), ("a*b*c", "acb", false), ("a**b", "ab", true),
        ("?", "ä", true), ("?", "", false), ("?", "ab", false), ("a?c", "a/c", true),
        ("[abc]x", "bx", true), ("[abc]x", "dx", false), ("[a-c]", "b", true), ("[a-c]", "d", false),
        ("[!a-c]", "d", true), ("[^a-c]", "b", false), ("[!a]", "", false), ("[]a]", "]", true), ("[a-]", "-", true),
        ("[-a]", "-", true), ("[*]", "*", true), ("[*]", "x", false), ("[[]", "[", true), ("a]", "a]", true),
        ("*.*", "a.b", true), ("*.*", "ab", false), ("\\*", "\\x", true), ("é", "e\u{301}", false),
    ])
    func matches(text: String, name: String, expected: Bool) throws {
        #expect(try pattern(text).matches(name) == expected)
    }

    @Test(arguments: ["", "[", "[a", "a[", "[]", "[!", "[!]", "[z-a]"])
    func refuses(text: String) { #expect(Settings.Pattern(text) == nil) }

    @Test func knowsWhichAreExact() throws {
        #expect(try pattern("n8n_data").isExact)
        for text in ["*", "a?", "[a]"] { #expect(try !pattern(text).isExact) }
    }

    /// Holds the matcher against one that is slow and plainly right.
    @Test func agreesWithARecursiveMatcher() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        func plain(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
            guard let part = pattern.first else { return text.isEmpty }
            if part == "*" {
                return plain(pattern.dropFirst(), text) || !text.isEmpty && plain(pattern, text.dropFirst())
            }
            guard let character = text.first else { return false }
            return (part == "?" || part == character) && plain(pattern.dropFirst(), text.dropFirst())
        }
        for _ in 0..<5_000 {
            let glob = random.text(of: "ab*?", upTo: 8)
            let name = random.text(of: "ab", upTo: 10)
            guard let pattern = Settings.Pattern(glob) else { continue }
            #expect(pattern.matches(name) == plain(Array(glob)[...], Array(name)[...]), "\(glob) \(name), seed \(seed)")
        }
    }

    @Test(arguments: [
        ("*.log", "a.log", true), ("*.log", "x/y/a.log", true), ("*.log", "x.log/y", true), ("*.log", "a.logs", false),
        ("node_modules", "a/node_modules/b/c", true), ("data/cache", "data/cache", true),
        ("data/cache", "data/cache/x", true), ("data/cache", "x/data/cache", false), ("data/*", "data/a/b", true),
        ("/srv/app/tmp", "tmp/x", true), ("/srv/app/tmp", "x/tmp", false), ("/srv", "a", false), ("*", "", false),
    ])
    func sourcesLeaveOut(text: String, relative: String, expected: Bool) throws {
        let source = Settings.FilesSource(name: "a", path: "/srv/app", exclude: [try pattern(text)])
        #expect(source.excludes(relative) == expected)
    }
}
