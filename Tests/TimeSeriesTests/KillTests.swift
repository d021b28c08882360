import Glibc
import TestKit
import Testing
import TimeSeries

/// A writer is killed again and again, whatever it is doing.
@Suite struct KillTests {
    @Test func nothingOfAFinishedScrapeIsLost() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            var next: Int64 = 0
            for round in Torture.rounds(of: "series-kill", short: 12) {
                var random = round.random
                let finished = try await writeUntilKilled(path, from: next, .random(in: 1...300, using: &random))
                let store = try TimeSeriesStore(path, now: time(finished))
                #expect(store.condition.damage == [], "\(round)")
                let found = try store.samples([Matcher("n", "7")])
                let samples = try #require(found.values.first, "\(round)")
                let whole = samples.prefix(Int(finished) + 1)
                #expect(whole.map(\.time) == (0...finished).map(time), "\(round)")
                #expect(samples.allSatisfy { time(Int64($0.value)) == $0.time }, "\(round)")
                // One scrape more may have been on its way: all of it is there, or nothing.
                #expect(samples.count <= whole.count + 1, "\(round)")
                let last = (Int64(samples.count) - 1)
                let sizes = try store.samples([], time(last)...time(last)).count
                #expect(sizes == 50, "\(round)")
                next = last + 1
            }
        }
    }

    /// - Returns: the number of the last scrape that was durable.
    private func writeUntilKilled(_ path: String, from first: Int64, _ milliseconds: Int) async throws -> Int64 {
        let running = try CommandRunner().start([CommandRunner.built("SeriesWriter"), path, "\(first)"])
        // Whatever else the machine does, some scrapes come first.
        _ = try await eventually(within: 60) { (try? running.errorsSoFar().contains("\n")) ?? true }
        try await Task.sleep(for: .milliseconds(milliseconds))
        running.signal(SIGKILL)
        let outcome = try await running.wait()
        #expect(outcome.status == 128 + SIGKILL, "\(outcome)")
        let numbers = outcome.errors.split(separator: "\n").compactMap { Int64($0) }
        return try #require(numbers.last, "\(outcome)")
    }

    private func time(_ number: Int64) -> Int64 { midnight + number * 15_000 }
}
