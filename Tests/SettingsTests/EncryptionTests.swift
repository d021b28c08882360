import Machine
import Settings
import Testing

@Suite struct EncryptionTests {
    private let one = "0123456789ABCDEF0123456789ABCDEF01234567"
    private let two = "89ABCDEF0123456789ABCDEF0123456789ABCDEF"

    @Test func environmentOverridesTheFile() throws {
        let encryption = Settings.Encryption(recipients: [one])
        func recipients(_ value: String) throws -> [String] {
            try encryption.recipients(environment: ["GPG_RECIPIENT": value])
        }
        #expect(try encryption.recipients(environment: [:]) == [one])
        #expect(try recipients("") == [one])
        #expect(try recipients(" , ") == [one])
        #expect(try recipients("admin@inlock.ai") == ["admin@inlock.ai"])
        #expect(try recipients("\(two.lowercased()),\(one)") == [two, one])
        #expect(try recipients("\(two) a@b.c \(two.lowercased())") == [two, "a@b.c"])
        #expect(try recipients("0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567, a@b.c") == [one, "a@b.c"])
    }

    @Test(arguments: ["DEADBEEF", "0x1234", "a@b.c -x", "A <a@b.c>"])
    func aBadVariableIsAnError(value: String) throws {
        let error = try #require(throws: SettingsError.self) {
            try Settings.Encryption().recipients(environment: ["GPG_RECIPIENT": value])
        }
        #expect(error.place == "$GPG_RECIPIENT")
        #expect(error.remedy?.contains("holdfast key list") == true)
    }

    @Test(arguments: ["zstd", "zstd:1", "zstd:19", "gzip", "gzip:9", "none"])
    func compressionIsWrittenAsItIsRead(word: String) throws {
        let compression = try Settings.Compression(word)
        #expect(try Settings.Compression(compression.description) == compression)
    }

    @Test func compressionHasUsualLevels() throws {
        #expect(try Settings.Compression("zstd") == .zstd(level: 3))
        #expect(try Settings.Compression("gzip") == .gzip(level: 6))
        #expect(throws: Settings.Compression.Fault.takesNoLevel) { try Settings.Compression("none:1") }
        #expect(throws: Settings.Compression.Fault.unknown(nearest: nil)) { try Settings.Compression("lzma") }
    }

    @Test(arguments: [
        ("recipient", "recipients"), ("recipeints", "recipients"), ("Include", "include"), ("excluded", "exclude"),
        ("hook", "hooks"), ("comp", nil), ("rt", nil), ("", nil), ("pth", "path"),
    ])
    func findsTheNearestKey(word: String, expected: String?) {
        let keys = ["recipients", "include", "exclude", "hooks", "root", "path", "quiesce"]
        #expect(nearest(to: word, among: keys) == expected)
    }
}
