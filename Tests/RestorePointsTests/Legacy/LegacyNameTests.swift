import Machine
import RestorePoints
import Testing

@Suite struct LegacyNameTests {
    @Test(
        arguments: [
            ("volumes-2025-12-08-120000.tar.gz.gpg", "volumes", "tar.gz.gpg", "2025-12-08T12:00:00Z"),
            ("volumes-2025-12-08-120000.tar.gz", "volumes", "tar.gz", "2025-12-08T12:00:00Z"),
            ("postgres-2025-12-08.sql.gpg", "postgres", "sql.gpg", "2025-12-08T00:00:00Z"),
            ("postgres-2025-12-08-235959.sql.gz.gpg", "postgres", "sql.gz.gpg", "2025-12-08T23:59:59Z"),
            ("my-own-db-2025-12-08.sql", "my-own-db", "sql", "2025-12-08T00:00:00Z"),
            ("a-2025-12-08.tar.zst.gpg", "a", "tar.zst.gpg", "2025-12-08T00:00:00Z"),
            ("a-2025-12-08.tgz", "a", "tgz", "2025-12-08T00:00:00Z"),
            ("a-2025-12-08.tar", "a", "tar", "2025-12-08T00:00:00Z"),
            ("n8n_data.tar.gz", "n8n_data", "tar.gz", nil),
            // No day that exists: no date.
            ("volumes-2025-02-30.tar.gz", "volumes-2025-02-30", "tar.gz", nil),
            ("volumes-2025-12-08-250000.tar.gz", "volumes-2025-12-08-250000", "tar.gz", nil),
            ("2025-12-08.tar.gz", "2025-12-08", "tar.gz", nil),
        ] as [(String, String, String, String?)])
    func whatANameSays(text: String, prefix: String, suffix: String, moment: String?) throws {
        let name = try #require(LegacyName(text))
        #expect(name.prefix == prefix)
        #expect(name.suffix == suffix)
        #expect(name.moment?.description == moment)
        #expect(name.isEncrypted == text.hasSuffix(".gpg"))
        #expect((name.content == .sql) == text.contains(".sql"))
    }

    @Test(arguments: [
        "", "holdfast.yml", "2026-11-22T020000Z", "host.asc", ".tar.gz", "-2025-12-08.tar.gz", "notes.txt.gpg",
        "volumes-2025-12-08.tar.gz.part", "n8n_data.gz", "tar.gz",
    ])
    func whatNoScriptWrites(text: String) {
        #expect(LegacyName(text) == nil)
    }

    @Test func copiesOfTheSameThingAreASeries() {
        #expect(LegacyName("a-2025-12-08.sql")?.series == LegacyName("a-2025-12-09-101010.sql")?.series)
        #expect(LegacyName("a-2025-12-08.sql")?.series != LegacyName("a-2025-12-08.sql.gpg")?.series)
        #expect(LegacyName("a-2025-12-08.sql")?.series != LegacyName("b-2025-12-08.sql")?.series)
    }
}
