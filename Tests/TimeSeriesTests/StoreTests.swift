import Machine
import TestKit
import Testing
import TimeSeries

/// 2026-11-25T00:00:00Z in milliseconds.
let midnight: Int64 = 1_795_564_800_000
let hour: Int64 = 3_600_000

extension TimeSeriesStore {
    /// Appends one scrape of series `name{n="0"}` to `name{n="count−1"}`.
    @discardableResult
    func scrape(
        _ time: Int64, count: Int = 10, name: String = "m", now: Int64? = nil, _ value: (Int) -> Double
    ) throws -> BatchOutcome {
        var batch = Batch(time: time)
        for number in 0..<count {
            batch.add(try reference(Labels(["__name__": name, "n": "\(number)"])), value(number))
        }
        return append(batch, now: now ?? time)
    }

    func samples(_ matchers: [Matcher], _ range: ClosedRange<Int64> = 0...Int64.max / 2) throws -> [Labels: [Sample]] {
        var found: [Labels: [Sample]] = [:]
        for series in try select(matchers, in: range).series {
            let samples = try series.samples()
            if !samples.isEmpty { found[series.labels] = samples }
        }
        return found
    }
}

@Suite struct StoreTests {
    @Test func findsWhatWasAppendedAlsoAfterANewStart() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            let times = (0..<1000).map { midnight + 15_000 * Int64($0) }
            var store: TimeSeriesStore? = try TimeSeriesStore(path, now: midnight)
            for time in times { try store?.scrape(time) { Double(time / 1000 % 977) * Double($0) } }
            let expected = try #require(store).samples([Matcher("__name__", "m")])
            #expect(expected.count == 10)
            for number in 0..<10 {
                let labels = Labels(["__name__": "m", "n": "\(number)"])
                let wanted = times.map { Sample(time: $0, value: Double($0 / 1000 % 977) * Double(number)) }
                #expect(expected[labels] == wanted)
            }
            store = nil
            store = try TimeSeriesStore(path, now: midnight)
            #expect(try #require(store).samples([Matcher("__name__", "m")]) == expected)
            #expect(try #require(store).condition.damage == [])
        }
    }

    @Test func windowsGoIntoTheFilesOfTheirDays() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            let store = try TimeSeriesStore(path, now: midnight)
            let times = stride(from: midnight - 3 * hour, to: midnight + 27 * hour, by: 60_000)
            for time in times { try store.scrape(time) { Double($0) } }
            let names = try Descriptor.folder(path).names().filter { $0.hasSuffix(".sqlite") }.sorted()
            #expect(names == ["2026-11-24.sqlite", "2026-11-25.sqlite", "2026-11-26.sqlite", "recent.sqlite"])
            #expect(store.recentSampleCount < 10 * 130)
            let found = try store.samples([Matcher("n", "3")])
            #expect(found.values.first?.map(\.time) == Array(times))
            // Across midnight, and only what was asked for.
            let range = (midnight - 120_000)...(midnight + 60_000)
            #expect(try store.samples([Matcher("n", "3")], range).values.first?.count == 4)
        }
    }

    @Test func refusesWhatPrometheusRefuses() async throws {
        try await withTemporaryFolder { folder in
            let store = try TimeSeriesStore(folder + "/metrics", now: midnight)
            func outcome(_ time: Int64, _ value: Double, now: Int64 = midnight + hour) throws -> BatchOutcome {
                try store.scrape(time, count: 1, now: now) { _ in value }
            }
            #expect(try outcome(midnight + 1000, 1).appended == 1)
            #expect(try outcome(midnight + 1000, 1) == BatchOutcome())
            #expect(try outcome(midnight + 1000, 2).duplicates == 1)
            #expect(try outcome(midnight + 999, 1).outOfOrder == 1)
            #expect(try outcome(midnight + 3 * hour, 1).tooNew == 1)
            #expect(try outcome(midnight + 1001, .staleMarker).appended == 1)
            #expect(try outcome(midnight + 1001, .staleMarker) == BatchOutcome())
            #expect(try outcome(midnight + 3 * hour, 1, now: midnight + 3 * hour).appended == 1)
            #expect(try store.scrape(midnight + hour, count: 2, now: midnight + 3 * hour) { _ in 5 }.tooOld == 2)
            let samples = try store.samples([]).values.first ?? []
            #expect(samples.map(\.time) == [midnight + 1000, midnight + 1001, midnight + 3 * hour])
            #expect(samples.map(\.isStale) == [false, true, false])
        }
    }

    /// What a target says of the past may neither make a file for each day since then, nor leave the numbers.
    @Test func timesThatAreTooOldAreRefused() async throws {
        try await withTemporaryFolder { folder in
            let store = try TimeSeriesStore(folder + "/metrics", now: midnight)
            var batch = Batch(time: midnight)
            for (number, time) in [Int64.min, -9_223_372_036_854_775_000, 0, midnight - 40 * 24 * hour].enumerated() {
                batch.add(try store.reference(Labels(["__name__": "far", "n": "\(number)"])), 1, at: time)
            }
            #expect(store.append(batch, now: midnight).tooOld == 4)
        }
    }

    @Test func aBatchMayBringTimesOfItsOwn() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            var store: TimeSeriesStore? = try TimeSeriesStore(path, now: midnight)
            var batch = Batch(time: midnight)
            for number in 0..<50 {
                let series = try #require(store).reference(Labels(["__name__": "own", "n": "\(number)"]))
                batch.add(series, Double(number) / 3, at: midnight - Int64(number) * 777)
            }
            #expect(try #require(store).append(batch, now: midnight).appended == 50)
            store = nil
            let found = try TimeSeriesStore(path, now: midnight).samples([Matcher("__name__", "own")])
            for number in 0..<50 {
                let wanted = [Sample(time: midnight - Int64(number) * 777, value: Double(number) / 3)]
                #expect(found[Labels(["__name__": "own", "n": "\(number)"])] == wanted)
            }
        }
    }

    @Test func seriesThatNothingComesForAreForgottenAndComeBack() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/metrics"
            var store: TimeSeriesStore? = try TimeSeriesStore(path, now: midnight)
            let old = try #require(store).reference(Labels(["__name__": "once"]))
            var batch = Batch(time: midnight)
            batch.add(old, 1)
            #expect(store?.append(batch, now: midnight).appended == 1)
            for time in stride(from: midnight, to: midnight + 9 * hour, by: 300_000) {
                try store?.scrape(time) { _ in 1 }
            }
            #expect(store?.seriesCount == 10)
            batch = Batch(time: midnight + 9 * hour)
            batch.add(old, 2)
            #expect(store?.append(batch, now: midnight + 9 * hour).gone == [0])
            batch = Batch(time: midnight + 9 * hour)
            batch.add(try #require(store).reference(Labels(["__name__": "once"])), 2)
            #expect(store?.append(batch, now: midnight + 9 * hour).appended == 1)
            let wanted = [Sample(time: midnight, value: 1), Sample(time: midnight + 9 * hour, value: 2)]
            for _ in 0..<2 {
                #expect(try #require(store).samples([Matcher("__name__", "once")]).values.first == wanted)
                store = nil
                store = try TimeSeriesStore(path, now: midnight + 9 * hour)
            }
        }
    }

    @Test func matchersFindTheirSeries() async throws {
        try await withTemporaryFolder { folder in
            let store = try TimeSeriesStore(folder + "/metrics", now: midnight)
            try store.scrape(midnight, count: 20) { Double($0) }
            try store.scrape(midnight, count: 3, name: "other") { Double($0) }
            func count(_ matchers: Matcher...) throws -> Int { try store.samples(matchers).count }
            for _ in 0..<2 {
                #expect(try count(Matcher("__name__", "m")) == 20)
                #expect(try count(Matcher("__name__", "m"), Matcher("n", "7")) == 1)
                #expect(try count(Matcher("n", "2")) == 2)
                #expect(try count(Matcher("n", "2", isNegated: true)) == 21)
                #expect(try count(Matcher("none", ""), Matcher("n", "2")) == 2)
                #expect(try count(Matcher("n", matching: "1|2|77", Never(), isNegated: false)) == 4)
                #expect(try count(Matcher("n", matching: "1.", StartsWith("1"))) == 12)
                #expect(try count(Matcher("n", matching: "1.", StartsWith("1"), isNegated: true)) == 11)
                #expect(try count() == 23)
                // And once more out of a day's file.
                try store.scrape(midnight + 3 * hour, count: 0) { _ in 0 }
            }
            #expect(throws: TimeSeriesError.self) {
                try store.select([], in: 0...midnight * 2, limits: SelectionLimits(series: 5))
            }
        }
    }

    @Test func refusesMoreSeriesThanTheLimit() async throws {
        try await withTemporaryFolder { folder in
            let limits = TimeSeriesStore.Limits(series: 5)
            let store = try TimeSeriesStore(folder + "/metrics", limits: limits, now: midnight)
            #expect(throws: TimeSeriesError.self) { try store.scrape(midnight) { _ in 1 } }
            #expect(try store.scrape(midnight, count: 5) { _ in 1 }.appended == 5)
        }
    }

    @Test func onlyOneProcessHasIt() async throws {
        try await withTemporaryFolder { folder in
            let store = try TimeSeriesStore(folder + "/metrics", now: midnight)
            let error = #expect(throws: TimeSeriesError.self) {
                try TimeSeriesStore(folder + "/metrics", now: midnight)
            }
            #expect(error?.kind == .inUse)
            _ = store.seriesCount
        }
    }
}

/// Stands in for an expression that nothing should ask.
private struct Never: TextPattern {
    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool { false }
}

struct StartsWith: TextPattern {
    let prefix: String

    init(_ prefix: String) { self.prefix = prefix }

    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        String(decoding: text, as: UTF8.self).hasPrefix(prefix)
    }
}

@Suite struct HistoryTests {
    @Test func samplesOfThePastArePutAmongWhatIsThere() async throws {
        try await withTemporaryFolder { folder in
            let store = try TimeSeriesStore(folder + "/metrics", now: midnight)
            for time in stride(from: midnight, to: midnight + 5 * hour, by: 60_000) {
                try store.scrape(time) { _ in 1 }
            }
            let known = Labels(["__name__": "m", "n": "3"])
            let new = Labels(["__name__": "history"])
            let times = stride(from: midnight - 30 * hour, to: midnight + 4 * hour + 30_000, by: 30_000)
            let history = times.map { Sample(time: $0, value: 2) }
            try store.insert([(known, history), (new, history), (Labels(["a": "b"]), [])])
            let found = try store.samples([])
            #expect(found[new] == history)
            // Where it is in memory yet, that counts.
            let mixed = try #require(found[known])
            #expect(
                mixed.map(\.time)
                    == (times.map(\.self)
                        + stride(from: midnight + 4 * hour + 60_000, to: midnight + 5 * hour, by: 60_000)))
            #expect(mixed.filter { $0.value == 1 }.count == 60)
            #expect(found.count == 11)
        }
    }
}
