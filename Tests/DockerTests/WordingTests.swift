import Docker
import Machine
import Testing

@Suite struct WordingTests {
    @Test(arguments: [
        ("2026-11-22T02:00:00Z", 1_795_312_800, 0), ("2026-11-22T02:00:00.5Z", 1_795_312_800, 500_000_000),
        ("2026-11-22T03:00:00.123456789+01:00", 1_795_312_800, 123_456_789),
        ("2026-11-21T22:30:00-03:30", 1_795_312_800, 0),
    ])
    func moments(text: String, seconds: Int64, nanoseconds: Int32) {
        #expect(Timestamp(rfc3339: text) == Timestamp(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test(arguments: [
        "", "0001-01-01T00:00:00Z", "2026-11-22T02:00:00", "2026-11-22 02:00:00Z", "2026-11-22T02:00:00.Z",
        "2026-11-22T02:00:00.1234567890Z", "2026-02-30T00:00:00Z", "2026-11-22T02:00:00+1:00", "2026-11-22T02:00:00Zx",
        "2026-11-22T02:00:00+25:00", "2026-11-22T02:00:00.+5Z",
    ])
    func noMoments(text: String) { #expect(Timestamp(rfc3339: text) == nil) }

    @Test(arguments: ["1", "1.", ".1", "1.2.3", "a.b", "1.-2", ""]) func noVersion(text: String) {
        #expect(APIVersion(text) == nil)
    }

    @Test func versionsAreNotDecimals() {
        #expect(APIVersion(1, 9) < APIVersion(1, 41))
        #expect(APIVersion("1.41") == APIVersion(1, 41))
    }
}
