import Exposition
import Machine
import Monitoring
import Settings
import TestKit
import Testing
import TimeSeries

/// How answers become samples.
@Suite struct TargetSeriesTests {
    private static let target: Labels = Labels(["instance": "h:1", "job": "j"])
    private static let own = ["instance": "h:1", "job": "j"]

    /// Takes answers, a minute apart; nil stands for a scrape that failed.
    private func take(
        _ bodies: [String?], _ settings: ScrapeSettings = ScrapeSettings(job: "j"), in store: TimeSeriesStore,
        format: ExpositionFormat = .text
    ) -> [TargetSeries.Outcome] {
        var series = TargetSeries(of: Self.target, ScrapeRules(settings), in: store)
        return bodies.enumerated().map { number, body in
            let time = midnight + minute * Int64(number)
            return take(body, into: &series, at: time, format: format)
        }
    }

    @discardableResult
    private func take(
        _ body: String?, into series: inout TargetSeries, at time: Int64, format: ExpositionFormat = .text
    ) -> TargetSeries.Outcome {
        let answer: Result<TargetSeries.Answer, any Error> =
            body.map { .success(TargetSeries.Answer(body: Array($0.utf8), format: format)) } ?? .failure(Interrupted())
        return series.take(answer, at: time, now: time) { 0.25 }
    }

    @Test func aScrapeAndWhatItSaysOfItself() async throws {
        try await withStore { store throws in
            let outcomes = take(["a 1\nb{x=\"y\"} 2\n", "a 3\nb{x=\"y\"} 4\nc 5\n"], in: store)
            #expect(outcomes.map(\.added) == [2, 1])
            #expect(outcomes.allSatisfy { $0.failure == nil && $0.stored.isDurable })
            #expect(try store.text("a", Self.own) == "1 3")
            #expect(try store.text("b", Self.own.merging(["x": "y"]) { $1 }) == "2 4")
            #expect(try store.text("up", Self.own) == "1 1")
            #expect(try store.values("scrape_duration_seconds", Self.own) == [0.25, 0.25])
            #expect(try store.text("scrape_samples_scraped", Self.own) == "2 3")
            #expect(try store.text("scrape_samples_post_metric_relabeling", Self.own) == "2 3")
            #expect(try store.text("scrape_series_added", Self.own) == "2 1")
            let times = try store.samples(of: "a").values.joined().map(\.time)
            #expect(times == [midnight, midnight + minute])
        }
    }

    @Test func whatVanishesEndsAndMayComeAgain() async throws {
        try await withStore { store throws in
            _ = take(["a 1\nb 1\n", "a 2\n", "a 3\nb 3\n", "b 4\n"], in: store)
            #expect(try store.text("a", Self.own) == "1 2 3 s")
            #expect(try store.text("b", Self.own) == "1 s 3 4")
        }
    }

    @Test func aFailedScrapeEndsAllButUpOnce() async throws {
        try await withStore { store throws in
            let outcomes = take(["a 1\nb 1\n", nil, nil, "a 4\n"], in: store)
            #expect(try store.text("a", Self.own) == "1 s 4")
            #expect(try store.text("b", Self.own) == "1 s")
            #expect(try store.text("up", Self.own) == "1 0 0 1")
            #expect(try store.text("scrape_samples_scraped", Self.own) == "2 0 0 1")
            // It was known all the time.
            #expect(outcomes.last?.added == 0)
        }
    }

    @Test func nothingOfAnAnswerThatIsHalfJunkIsKept() async throws {
        try await withStore { store throws in
            let outcomes = take(["a 1\n", "a 2\nnew 2\n<html>\n", "a 3\n"], in: store)
            #expect(outcomes[1].failure is ExpositionError && outcomes[1].scraped == 2)
            #expect(try store.text("a", Self.own) == "1 s 3")
            #expect(try store.text("new", Self.own) == "")
            #expect(try store.text("up", Self.own) == "1 0 1")
        }
    }

    @Test func aTargetThatGoesTakesAllWithIt() async throws {
        try await withStore { store throws in
            var series = TargetSeries(of: Self.target, ScrapeRules(ScrapeSettings(job: "j")), in: store)
            take("a 1\n", into: &series, at: midnight)
            series.end(at: midnight + 1000, now: midnight + 1000)
            for name in ["a", "up", "scrape_series_added"] { #expect(try store.text(name, Self.own) == "1 s") }
        }
    }

    @Test func timesOfTheirOwn() async throws {
        let moment = midnight - 5000
        let body = "a 1 \(moment)\n"
        try await withStore { store throws in
            _ = take([body, "b 1\n"], in: store)
            // No marker: nobody knows when it ends.
            #expect(try Array(store.samples(of: "a").values.joined()) == [Sample(time: moment, value: 1)])
        }
        try await withStore { store throws in
            var settings = ScrapeSettings(job: "j")
            settings.tracksTimestampsStaleness = true
            _ = take([body, "b 1\n"], settings, in: store)
            #expect(try store.text("a", Self.own) == "1 s")
        }
        try await withStore { store throws in
            var settings = ScrapeSettings(job: "j")
            settings.honorsTimestamps = false
            _ = take([body, "b 1\n"], settings, in: store)
            #expect(try store.samples(of: "a").values.joined().map(\.time) == [midnight, midnight + minute])
        }
    }

    /// Labels that both have: exposition, honoured, and what comes of it.
    @Test(
        arguments: [
            ("m{job=\"own\"} 1\n", false, ["instance": "h:1", "job": "j", "exported_job": "own"]),
            (
                "m{job=\"own\",exported_job=\"x\"} 1\n", false,
                ["instance": "h:1", "job": "j", "exported_job": "x", "exported_exported_job": "own"]
            ),
            ("m{job=\"own\"} 1\n", true, ["instance": "h:1", "job": "own"]),
            ("m{instance=\"\"} 1\n", true, ["job": "j"]),
            ("m{instance=\"\"} 1\n", false, ["instance": "h:1", "job": "j"]),
            ("m{x=\"\"} 1\n", false, ["instance": "h:1", "job": "j"]),
            ("{\"m\",\"with.dot\"=\"a\\nb\"} 1\n", false, ["instance": "h:1", "job": "j", "with.dot": "a\nb"]),
        ])
    func labelsThatBothHave(body: String, honored: Bool, labels: [String: String]) async throws {
        try await withStore { store throws in
            var settings = ScrapeSettings(job: "j")
            settings.honorsLabels = honored
            #expect(take([body], settings, in: store).first?.failure == nil)
            let expected = Labels(labels.map { Label(name: $0.key, value: $0.value) })
            #expect(try Array(store.samples(of: "m").keys) == [expected])
        }
    }

    @Test func relabellingDropsAndRenamesBeforeLimitsCount() async throws {
        try await withStore { store throws in
            var settings = ScrapeSettings(job: "j")
            settings.limits.samples = 2
            settings.metricRelabelling = [
                RelabelRule(.drop, sourceLabels: ["__name__"], expression: "big.*"),
                RelabelRule(
                    sourceLabels: ["__name__"], expression: "old(.*)", targetLabel: "__name__", replacement: "new$1"),
            ]
            let body = "big_a 1\nbig_b 2\nold_c 3\nd 4\n"
            let outcomes = take([body, body, "big_a 1\n"], settings, in: store)
            #expect(outcomes.map(\.scraped) == [4, 4, 1] && outcomes.map(\.kept) == [2, 2, 0])
            #expect(try store.text("new_c", Self.own) == "3 3 s")
            #expect(try store.samples(of: "big_a").isEmpty)
        }
    }

    /// What is too much, and the words that say so.
    @Test(
        arguments: [
            ("a 1\nb 2\nc 3\n", "3 samples, more than sample_limit: 2"), ("a{x=\"1\",y=\"2\"} 1\n", "label_limit: 4"),
            ("a{a_long_name=\"1\"} 1\n", "label_name_length_limit: 10"),
            ("a{x=\"123456789012345678901\"} 1\n", "label_value_length_limit: 20"),
        ])
    func limits(body: String, words: String) async throws {
        try await withStore { store throws in
            var settings = ScrapeSettings(job: "j")
            settings.limits.samples = 2
            settings.limits.labels = 4
            settings.limits.labelName = 10
            settings.limits.labelValue = 20
            let before = store.seriesCount
            let outcome = try #require(take([body], settings, in: store).first)
            #expect("\(try #require(outcome.failure))".contains(words), "\(outcome)")
            #expect(try store.text("up", Self.own) == "0")
            #expect(store.seriesCount == before + 5, "no room is taken by what is refused")
        }
    }

    @Test func aTargetWithTooManySeriesTakesNoRoomFromOthers() async throws {
        try await withTemporaryFolder { folder in
            let store = try TimeSeriesStore(folder + "/m", limits: .init(series: 50), now: midnight)
            let flood = (0..<60).map { "a{n=\"\($0)\"} 1\n" }.joined()
            let outcome = try #require(take([flood], in: store).first)
            #expect("\(try #require(outcome.failure))".contains("50 series"))
            let other = TargetSeries(of: Labels(["job": "other"]), ScrapeRules(ScrapeSettings(job: "other")), in: store)
            var series = other
            #expect(take((0..<30).map { "b{n=\"\($0)\"} 1\n" }.joined(), into: &series, at: midnight).failure == nil)
        }
    }

    @Test func newRulesEndTheSeriesThatNoLongerComeAbout() async throws {
        try await withStore { store throws in
            var settings = ScrapeSettings(job: "j")
            var series = TargetSeries(of: Self.target, ScrapeRules(settings), in: store)
            take("a 1\nb 1\n", into: &series, at: midnight)
            settings.metricRelabelling = [RelabelRule(.drop, sourceLabels: ["__name__"], expression: "b")]
            series.adopt(ScrapeRules(settings))
            take("a 2\nb 2\n", into: &series, at: midnight + minute)
            #expect(try store.text("a", Self.own) == "1 2")
            #expect(try store.text("b", Self.own) == "1 s")
            // What does not change labels changes nothing.
            settings.timeout = 5000
            series.adopt(ScrapeRules(settings))
            #expect(take("a 3\nb 3\n", into: &series, at: midnight + 2 * minute).added == 0)
        }
    }

    /// The store lets go of series that nothing came for in hours.
    @Test func seriesThatTheStoreForgotAreAskedForAgain() async throws {
        try await withStore { store throws in
            var series = TargetSeries(of: Self.target, ScrapeRules(ScrapeSettings(job: "j")), in: store)
            take("a 1\n", into: &series, at: midnight)
            for hours in 1...12 {
                var batch = Batch(time: midnight + Int64(hours) * 60 * minute)
                batch.add(try store.reference(Labels(["__name__": "other"])), 1)
                _ = store.append(batch, now: batch.time)
            }
            let outcome = take("a 2\n", into: &series, at: midnight + 13 * 60 * minute)
            #expect(outcome.failure == nil && outcome.stored.gone.isEmpty)
            #expect(try store.text("a", Self.own) == "1 2")
            #expect(try store.text("up", Self.own) == "1 1")
        }
    }

    @Test func openMetricsToo() async throws {
        try await withStore { store throws in
            let body = "# TYPE a counter\na_total 1 # {x=\"y\"} 1\n# EOF\n"
            #expect(take([body], in: store, format: .openMetrics).first?.failure == nil)
            #expect(try store.text("a_total", Self.own) == "1")
        }
    }
}
