import Machine
import RestorePoints
import TestKit
import Testing

@Suite struct PointNameTests {
    /// HAZARDS: local-time names: DST repeats an hour, overwrites.
    @Test func nameIsTheMomentInUTCAndComesBack() throws {
        let name = PointName(try moment("2026-10-25T01:30:00Z"))
        #expect(name.description == "2026-10-25T013000Z")
        #expect(PointName(name.description) == name)
        // An hour later, which in Berlin is called the same.
        #expect(PointName(try moment("2026-10-25T02:30:00Z")).description == "2026-10-25T023000Z")
        #expect(PointName(Timestamp(seconds: 5, nanoseconds: 999)) == PointName(Timestamp(seconds: 5)))
    }

    @Test func namesSortByTimeAsTextToo() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        let names = (0..<2000).map { _ in
            PointName(Timestamp(seconds: .random(in: 0...253_402_300_799, using: &random)))
        }
        #expect(names.sorted().map(\.description) == names.map(\.description).sorted(), "seed \(seed)")
        #expect(names.allSatisfy { PointName($0.description) == $0 }, "seed \(seed)")
    }

    @Test(arguments: [
        "", "latest", "2026-11-22", "2026-11-22T020000", "2026-11-22T020000z", "2026-11-22T02:00:00Z",
        "2026-11-22T020000Z.partial",
        "2026-02-30T020000Z", "2026-11-22T240000Z", "../2026-11-22T020000Z", "2026-11-22T020000Z/",
        "２026-11-22T020000Z", "host.asc",
    ])
    func otherNamesAreNone(text: String) {
        #expect(PointName(text) == nil)
    }
}

@Suite struct ItemTests {
    @Test func itemsAreReadAndSorted() throws {
        let texts = ["volume.n8n_data", "files.compose", "volume.a.b-c_D9", "files.0"]
        for text in texts { #expect(Item(text)?.description == text) }
        #expect(Item("volume.a.b")?.name == "a.b")
        #expect(
            texts.compactMap { Item($0) }.sorted().map(\.description) == [
                "files.0", "files.compose", "volume.a.b-c_D9", "volume.n8n_data",
            ])
        #expect(Item("volume." + String(repeating: "x", count: 222)) != nil)
    }

    @Test(arguments: [
        "", ".", "volume", "volume.", "volumes.a", "Volume.a", "volume../x", "volume...", "volume..a", "volume.-a",
        "volume._a",
        "volume.a/b", "volume.a\\b", "volume.a b", "volume.a\nb", "volume.a\u{0}", "volume.ü", "volume.a\u{301}",
        "volume.а",
        "volume." + String(repeating: "x", count: 223), "../x", "/etc/passwd", " volume.a", "volume.a ", "volume.*",
        "volume.$(id)",
    ])
    func namesThatCouldLeadElsewhereAreRefused(text: String) {
        #expect(Item(text) == nil)
    }
}
