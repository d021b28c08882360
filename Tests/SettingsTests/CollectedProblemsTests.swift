import Settings
import Testing

@Suite struct CollectedProblemsTests {
    @Test func reportsAllTogetherInTheOrderOfTheFile() throws {
        let text = """
            stat: /s
            backup:
              directory: ~/b
              directory: /c
              encryption: { recipients: [abc, a@b.c, 0x12] }
              compresion: zstd
              volumes:
                include: { a: b }
                quiesce: { a: halt }
              retention: { keep_last: many }
            docker: [x]
            """
        let error = try #require(throws: SettingsError.self) { try Settings.parse(text, file: "h.yml") }
        #expect(error.code == "settings.invalid")
        #expect(error.count == 10)
        #expect(
            error.problems.map { $0.position?.description } == [
                "1:1", "3:14", "4:3", "5:30", "5:42", "6:3", "8:14", "9:19", "10:27", "11:9",
            ])
        let description = "\(error)"
        #expect(description.hasPrefix("h.yml has 10 problems.\nh.yml:1:1: Unknown key `stat`"))
        for problem in error.problems { #expect(description.contains("\(problem)")) }
    }

    @Test func keepsTwentyAndCountsTheRest() throws {
        let stray = (1...30).map { "stray\($0): x\n" }.joined()
        let error = try #require(throws: SettingsError.self) {
            try Settings.parse("backup: { directory: /b }\n" + stray, file: "h.yml")
        }
        #expect(error.problems.count == 20)
        #expect(error.count == 30)
        #expect("\(error)".hasSuffix("… and 10 more."))
    }

    @Test func reportsEveryKeyThatComesAgain() throws {
        let text = """
            backup:
              directory: /b
              'directory': /c
              volumes: { root: /r, "root": /s, root: /t }
              directory: /d
            """
        let error = try #require(throws: SettingsError.self) { try Settings.parse(text, file: "h.yml") }
        #expect(Set(error.problems.map(\.code)) == ["settings.duplicate-key"])
        #expect(error.problems.compactMap { $0.position?.description } == ["3:3", "4:24", "4:36", "5:3"])
    }

    @Test func reportsAKeyThatComesAgainAndCannotBeToldApart() throws {
        let error = try #require(throws: SettingsError.self) {
            try Settings.parse("backup: { directory: /b, ? '' : a, ? '' : b }", file: "h.yml")
        }
        #expect(error.code == "settings.duplicate-key")
    }

    @Test func neverPrintsControlCharacters() throws {
        let error = try #require(throws: SettingsError.self) {
            try Settings.parse("backup: { directory: /b }\n\"a\\e[31m\\u202e\": 1", file: "h.yml")
        }
        #expect(!"\(error)".unicodeScalars.contains { $0 == "\u{1b}" || $0 == "\u{202e}" })
    }
}
