import Glibc
import Machine
import TestKit
import Testing
import TimeSeries

@Suite struct StartTests {
    /// What a start costs does not grow with the days that are kept, only with what is in `recent.sqlite`.
    @Test func readsNoDayBeforeSomebodyAsks() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            let days: Int64 = 30
            do {
                let store = try TimeSeriesStore(path, now: midnight)
                for time in stride(from: midnight, to: midnight + days * 24 * hour, by: 3_600_000) {
                    try store.scrape(time) { Double($0) }
                }
            }
            let names = try Descriptor.folder(path).names().filter { $0.hasPrefix("20") }
            #expect(names.count == Int(days))
            // If one of them was opened it would be reported.
            for name in names { try #require(truncate(path + "/" + name, 777) == 0) }
            let store = try TimeSeriesStore(path, now: midnight + days * 24 * hour)
            #expect(store.condition.damage == [])
            #expect(try store.select([], in: 0...Int64.max / 2).warnings.count == Int(days))
        }
    }
}
