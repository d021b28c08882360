import Glibc
import Machine
import TestKit
import Testing
import TimeSeries

@Suite struct DamageTests {
    /// Three days of ten series, one sample a minute.
    private func fill(_ path: String) throws -> [Labels: [Sample]] {
        let store = try TimeSeriesStore(path, now: midnight)
        for time in stride(from: midnight, to: midnight + 72 * hour, by: 300_000) {
            try store.scrape(time) { Double(time % 1009) * Double($0) }
        }
        return try store.samples([])
    }

    /// Whatever byte of a day's file is wrong: the other days are whole, nothing is given that was not written, and something
    /// is said about what is missing.
    @Test func aTornDayCostsNoOtherDay() async throws {
        try await withTemporaryFolder { folder in
            let all = try fill(folder + "/whole")
            for round in 0..<24 {
                var random = SeededRandom(seed: UInt64(round))
                let path = folder + "/torn"
                try copy(folder + "/whole", to: path)
                try tear(path + "/2026-11-26.sqlite", &random)
                let store = try TimeSeriesStore(path, now: midnight + 72 * hour)
                var missing = 0
                var warnings = 0
                let selection = try store.select([], in: 0...Int64.max / 2)
                warnings += selection.warnings.count
                var found: [Labels: [Sample]] = [:]
                for series in selection.series {
                    var samples: [Sample] = []
                    do { try series.decode(into: &samples) } catch { warnings += 1 }
                    found[series.labels] = samples
                }
                for (labels, samples) in all {
                    let torn = (midnight + 24 * hour)..<(midnight + 48 * hour)
                    let here = found[labels] ?? []
                    #expect(
                        here.filter { !torn.contains($0.time) } == samples.filter { !torn.contains($0.time) },
                        "seed \(round)")
                    let written = Dictionary(uniqueKeysWithValues: samples.map { ($0.time, $0.value) })
                    #expect(here.allSatisfy { written[$0.time] == $0.value }, "seed \(round)")
                    missing += samples.count - here.count
                }
                #expect(missing == 0 || warnings > 0, "seed \(round): \(missing) missing in silence")
                // And it goes on.
                #expect(try store.scrape(midnight + 73 * hour) { _ in 1 }.isDurable)
                try Descriptor.folder(folder).removeTree("torn")
            }
        }
    }

    @Test func aTornRecentFileIsReadAsFarAsItGoesAndBegunAnew() async throws {
        try await withTemporaryFolder { folder in
            do {
                let store = try TimeSeriesStore(folder + "/whole", now: midnight)
                for time in stride(from: midnight, to: midnight + hour, by: 15_000) {
                    try store.scrape(time, count: 100) { Double($0) }
                }
            }
            let all = 100 * 240
            var kept = 0
            for round in 0..<24 {
                var random = SeededRandom(seed: UInt64(round))
                let path = folder + "/torn"
                try copy(folder + "/whole", to: path)
                try tear(path + "/recent.sqlite", &random)
                for start in 0..<2 {
                    let store = try TimeSeriesStore(path, now: midnight + hour)
                    let found = try store.samples([])
                    for (labels, samples) in found {
                        let value = Double(labels["n"] ?? "") ?? -1
                        #expect(
                            samples.prefix { $0.time < midnight + hour }.allSatisfy { $0.value == value },
                            "seed \(round)")
                    }
                    kept += found.values.reduce(0) { $0 + $1.count }
                    if found.values.reduce(0, { $0 + $1.count }) < all, start == 0 {
                        #expect(!store.condition.damage.isEmpty, "seed \(round)")
                    }
                    #expect(try store.scrape(midnight + hour + Int64(start)) { _ in 1 }.isDurable, "seed \(round)")
                    #expect(try store.samples([]).count <= 100, "seed \(round)")
                }
                try Descriptor.folder(folder).removeTree("torn")
            }
            // Not for nothing: much of it is saved.
            #expect(kept > 24 * all)
        }
    }

    @Test func aRecentFileThatIsTornWhileItIsOpenIsBegunAnew() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            var random = SeededRandom(seed: 1)
            var store: TimeSeriesStore? = try TimeSeriesStore(path, now: midnight)
            let times = stride(from: midnight, to: midnight + 3 * hour, by: 30_000)
            for time in times {
                if time == midnight + hour {
                    // More than SQLite keeps in memory.
                    let file = try Descriptor.open(path + "/recent.sqlite", O_WRONLY)
                    let size = Int(try file.status().st_size)
                    try #require(size > 1_200_000)
                    for place in stride(from: 8192, to: size - 4096, by: 8192) {
                        try #require(pwrite(file.raw, [UInt8](repeating: 0xee, count: 4096), 4096, place) == 4096)
                    }
                }
                let outcome = try store?.scrape(time, count: 1500) { _ in .random(in: 0...1, using: &random) }
                #expect(outcome?.isDurable == true && outcome?.appended == 1500)
            }
            #expect(try #require(store).condition.damage.isEmpty == false)
            for _ in 0..<2 {
                let samples = try #require(store).samples([Matcher("n", "77")]).values.first
                #expect(samples?.map(\.time) == Array(times))
                store = nil
                store = try TimeSeriesStore(path, now: midnight + 3 * hour)
            }
            #expect(try #require(store).condition.damage == [])
        }
    }

    @Test func aDayThatCannotBeWrittenIsSetAside() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            try makeFolders(path)
            try Descriptor.folder(path).publish(
                "2026-11-25.sqlite", Array("This is no database. ".utf8) + [UInt8](repeating: 7, count: 5000))
            let store = try TimeSeriesStore(path, now: midnight)
            for time in stride(from: midnight, to: midnight + 5 * hour, by: 60_000) {
                try store.scrape(time) { Double($0) }
            }
            let names = try Descriptor.folder(path).names()
            #expect(names.contains("2026-11-25.sqlite") && names.contains("2026-11-25.damaged-1.sqlite"))
            #expect(try store.samples([Matcher("n", "1")]).values.first?.count == 300)
            #expect(try store.select([], in: 0...Int64.max / 2).warnings.count == 1)
        }
    }

    @Test func aLaterVersionIsLeftAlone() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            _ = try fill(path)
            let outcome = try await ChildProcess("sqlite3", [path + "/2026-11-26.sqlite", "PRAGMA user_version=9"])
                .run()
            try #require(outcome.succeeded)
            let store = try TimeSeriesStore(path, now: midnight + 72 * hour)
            #expect(try store.samples([Matcher("n", "1")]).values.first?.count == 576)
            #expect(try store.select([], in: 0...Int64.max / 2).warnings.count == 1)
        }
    }

    /// Cuts the file, or spoils some of its bytes.
    private func tear(_ path: String, _ random: inout SeededRandom) throws {
        let file = try Descriptor.open(path, O_RDWR)
        let size = Int(try file.status().st_size)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: try #require(ftruncate(file.raw, Int.random(in: 0..<size, using: &random)) == 0)
        case 1:
            let bytes: [UInt8] = (0..<4096).map { _ in .random(in: 0...255, using: &random) }
            try #require(
                pwrite(file.raw, bytes, bytes.count, Int.random(in: 0..<size / 4096, using: &random) * 4096) == 4096)
        default:
            for _ in 0..<20 {
                let place = Int.random(in: 0..<size, using: &random)
                var byte: UInt8 = 0
                pread(file.raw, &byte, 1, place)
                byte ^= 1 << UInt8.random(in: 0..<8, using: &random)
                pwrite(file.raw, &byte, 1, place)
            }
        }
    }
}

/// Copies the files of a folder into another, which is made.
func copy(_ path: String, to newPath: String) throws {
    try makeFolders(newPath)
    let target = try Descriptor.folder(newPath)
    for name in try Descriptor.folder(path).names() {
        try target.publish(name, Descriptor.open(path + "/" + name, O_RDONLY).readAll(limit: 1 << 30))
    }
}
