import Glibc
import TestKit
import Testing
import TimeSeries

/// A writer is killed again and again, whatever it is doing.
@Suite struct SeriesKillTests {
    @Test func nothingOfAFinishedScrapeIsLost() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            var next: Int64 = 0
            for round in Torture.rounds(of: "series-kill", short: 12) {
                var random = round.random
                let finished = try await writeUntilKilled(path, from: next, .random(in: 1...300, using: &random))
                let store = try TimeSeriesStore(path, now: time(finished))
                #expect(store.condition.damage == [], "\(round)")
                let first = max(0, next - 500)
                let one = try store.select([Matcher("n", "7")], in: time(first)...time(finished + 1000))
                let samples = try #require(one.series.first, "\(round)").samples()
                let whole = samples.prefix(Int(finished - first) + 1)
                #expect(whole.map(\.time) == (first...finished).map(time), "\(round)")
                #expect(samples.allSatisfy { time(Int64($0.value)) == $0.time }, "\(round)")
                // One scrape more may have been on its way: all of it is there, or nothing.
                #expect(samples.count <= whole.count + 1, "\(round)")
                let last = first + Int64(samples.count) - 1
                let all = try store.select([], in: time(last)...time(last)).series
                #expect(try all.filter { try !$0.samples().isEmpty }.count == 50, "\(round)")
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

    private func time(_ number: Int64) -> Int64 { 1_795_564_800_000 + number * 15_000 }
}
