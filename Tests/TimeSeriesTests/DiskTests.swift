import Glibc
import Machine
import TestKit
import Testing
import TimeSeries

@Suite struct DiskTests {
    @Test(.enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)))
    func aFullDiskIsSurvived() async throws {
        try await withTemporaryFolder { folder in
            try await withTmpfs(folder + "/disk", "size=4m") {
                let path = folder + "/disk/metrics"
                var store: TimeSeriesStore? = try TimeSeriesStore(path, now: midnight)
                var time = midnight
                func scrape() throws -> BatchOutcome {
                    time += 15_000
                    return try #require(store).scrape(time) { Double(time % 7919) + Double($0) }
                }
                for _ in 0..<100 { #expect(try scrape().isDurable) }
                try fill(folder + "/disk/ballast")
                // Into the next day, so that windows cannot be stored either.
                for _ in 0..<2 * 5760 { _ = try scrape() }
                #expect(try scrape().isDurable == false)
                let sick = try #require(store).condition
                #expect(sick.unsavedSince != nil && sick.problem?.contains("disk is full") == true)
                // Questions are answered all the same, also those about what the disk refused.
                #expect(
                    try #require(store).samples([Matcher("n", "3")]).values.first?.last
                        == Sample(time: time, value: Double(time % 7919) + 3))
                unlink(folder + "/disk/ballast")
                time += 60_000
                for _ in 0..<10 { _ = try scrape() }
                #expect(try scrape().isDurable)
                let well = try #require(store).condition
                #expect(well.unsavedSince == nil && well.problem == nil)
                let before = try #require(store).samples([])
                // Half a day is kept in memory; nothing of that was lost.
                let kept = try #require(before.values.first).filter { $0.time > time - 22 * hour }
                #expect(kept.count >= 22 * 240 - 20)
                store = nil
                store = try TimeSeriesStore(path, now: time)
                #expect(try #require(store).samples([]) == before)
                let damage = try #require(store).condition.damage
                #expect(damage == [], "\(damage)")
            }
        }
    }

    private func fill(_ path: String) throws {
        let ballast = try Descriptor.open(path, O_WRONLY | O_CREAT)
        let block = [UInt8](repeating: 1, count: 4096)
        while Glibc.write(ballast.raw, block, block.count) > 0 {}
        while Glibc.write(ballast.raw, block, 1) > 0 {}
    }

    @Test func oldDaysGo() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            let store = try TimeSeriesStore(path, limits: .init(days: 2), now: midnight)
            for time in stride(from: midnight, to: midnight + 99 * hour, by: 300_000) {
                try store.scrape(time) { Double($0) }
            }
            #expect(try days(path) == ["2026-11-27", "2026-11-28", "2026-11-29"])
            #expect(try store.samples([Matcher("n", "1")]).values.first?.first?.time == midnight + 48 * hour)
        }
    }

    @Test func theOldestGoWhenThereIsTooMuch() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            let store = try TimeSeriesStore(path, limits: .init(size: ByteCount(1_500_000)), now: midnight)
            var random = SeededRandom(seed: 1)
            for time in stride(from: midnight, to: midnight + 96 * hour, by: 60_000) {
                try store.scrape(time, count: 60) { _ in Double.random(in: 0...1, using: &random) }
                #expect(store.size < ByteCount(2_500_000))
            }
            #expect(try days(path).last == "2026-11-28")
            #expect(try days(path).count < 4)
            #expect(
                try #require(store.samples([Matcher("n", "1")]).values.first).last?.time == midnight + 96 * hour
                    - 60_000)
        }
    }

    @Test func theOldestWindowsGoWhenOneDayIsTooMuch() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            let store = try TimeSeriesStore(path, limits: .init(size: ByteCount(600_000)), now: midnight)
            var random = SeededRandom(seed: 1)
            for time in stride(from: midnight, to: midnight + 23 * hour, by: 60_000) {
                try store.scrape(time, count: 100) { _ in Double.random(in: 0...1, using: &random) }
            }
            let samples = try #require(store.samples([Matcher("n", "1")]).values.first)
            #expect(samples.first?.time ?? 0 > midnight + 2 * hour && samples.count > 3 * 60)
            #expect(store.size < ByteCount(1_200_000))
        }
    }

    private func days(_ path: String) throws -> [String] {
        try Descriptor.folder(path).names().filter { $0.hasPrefix("2026") && $0.hasSuffix(".sqlite") }
            .map { String($0.prefix(10)) }.sorted()
    }
}
