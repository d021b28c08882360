import Machine
import RestorePoints
import Testing

@Suite struct RetentionPlanTests {
    private func plan(
        _ points: [RetentionCandidate], _ policy: RetentionPolicy, now: Timestamp = muchLater,
        exempt: [PointName: RetentionReason] = [:], forgetting: Set<Item> = []
    ) -> RetentionPlan {
        RetentionPlan(points, policy: policy, now: now, exempt: exempt, forgetting: forgetting)
    }

    @Test func nothingIsPlannedForNothing() {
        #expect(plan([], RetentionPolicy(last: 1)).points == [])
    }

    @Test func theNewestOnesAreKept() throws {
        let points = try days(5, upTo: "2026-01-05T020000Z")
        #expect(plan(points, RetentionPolicy(last: 2)).kept == ["2026-01-04T020000Z", "2026-01-05T020000Z"])
        #expect(plan(points, RetentionPolicy(last: 9)).removed == [])
    }

    /// A host whose backups stopped keeps what it has, however late it is.
    @Test func agesAreCountedFromTheNewestCopyNotFromNow() throws {
        let points = try days(10, upTo: "2020-01-10T020000Z")
        let kept = plan(points, RetentionPolicy(within: 3 * 86_400)).kept
        #expect(kept == (7...10).map { "2020-01-\($0 < 10 ? "0" : "")\($0)T020000Z" })
    }

    @Test func ofADayTheNewestIsKept() throws {
        let points = try ["2026-01-01T000000Z", "2026-01-01T235959Z", "2026-01-02T000000Z"].map { try candidate($0) }
        #expect(plan(points, RetentionPolicy(daily: 5)).kept == ["2026-01-01T235959Z", "2026-01-02T000000Z"])
    }

    /// 2026 begins on a Thursday: its first days are of the week that began in December.
    @Test func weeksBeginOnMondaysAndMayReachIntoTheNextYear() throws {
        let points = try ["2025-12-28", "2025-12-29", "2026-01-01", "2026-01-04", "2026-01-05"].map {
            try candidate("\($0)T020000Z")
        }
        #expect(
            plan(points, RetentionPolicy(weekly: 5)).kept == [
                "2025-12-28T020000Z", "2026-01-04T020000Z", "2026-01-05T020000Z",
            ])
    }

    /// Days are UTC. At 01:30 in Berlin it is half past midnight UTC in winter and the evening before in summer: when summer
    /// time begins, one UTC day has two points, of which the newer is kept, and when it ends one has none.
    @Test func acrossSummerTimeDaysAreThoseOfTheNames() throws {
        let spring = ["2026-03-27T003000Z", "2026-03-28T003000Z", "2026-03-29T003000Z", "2026-03-29T233000Z"]
        #expect(
            plan(try spring.map { try candidate($0) }, RetentionPolicy(daily: 3)).kept == [
                "2026-03-27T003000Z", "2026-03-28T003000Z", "2026-03-29T233000Z",
            ])
        let autumn = ["2026-10-23T233000Z", "2026-10-24T233000Z", "2026-10-26T003000Z", "2026-10-27T003000Z"]
        #expect(plan(try autumn.map { try candidate($0) }, RetentionPolicy(daily: 4)).removed == [])
        // What was made at two in the morning, in winter as in summer, is one a day.
        let nights = ["2026-03-28T010000Z", "2026-03-29T000000Z", "2026-10-24T000000Z", "2026-10-25T010000Z"]
        #expect(plan(try nights.map { try candidate($0) }, RetentionPolicy(daily: 4)).removed == [])
    }

    /// HAZARDS, keeping: retention deletes the last good ones while new ones fail.
    @Test func theLastWholeCopyStaysWhileNewOnesFail() throws {
        var points = [try candidate("2026-01-01T020000Z", ["volume.a": .whole, "volume.b": .whole])]
        points += try days(60, upTo: "2026-03-10T020000Z").map {
            try candidate($0.name, ["volume.a": .whole, "volume.b": .failed])
        }
        let plan = plan(points, RetentionPolicy(last: 2))
        #expect(plan.kept == ["2026-01-01T020000Z", "2026-03-09T020000Z", "2026-03-10T020000Z"])
        #expect(plan.reasons("2026-01-01T020000Z", "volume.b") == ["newest whole copy", "one of the newest 2"])
        #expect(plan.reasons("2026-01-01T020000Z", "volume.a") == ["no rule keeps it"])
        #expect(plan.reasons("2026-03-10T020000Z", "volume.b") == ["failed, not in it"])
    }

    @Test func tornCopiesCountForNothing() throws {
        let points =
            try days(3, upTo: "2026-01-03T020000Z")
            + days(5, upTo: "2026-01-09T020000Z").map { try candidate($0.name, ["volume.a": .torn]) }
        #expect(plan(points, RetentionPolicy(last: 3)).kept == (1...3).map { "2026-01-0\($0)T020000Z" })
    }

    /// Better than nothing: where an item was never whole, its newest torn copy stays.
    @Test func theOnlyCopiesAreTorn() throws {
        let points = try days(3, upTo: "2026-01-03T020000Z").map { try candidate($0.name, ["volume.a": .torn]) }
        let plan = plan(points, RetentionPolicy(last: 3))
        #expect(plan.kept == ["2026-01-03T020000Z"])
        #expect(plan.reasons("2026-01-03T020000Z") == ["not whole, but there is no other"])
    }

    @Test func whatIsNoLongerSavedStaysUntilItIsForgotten() throws {
        let points =
            try days(2, upTo: "2026-01-02T020000Z").map { try candidate($0.name, ["volume.gone": .whole]) }
            + days(5, upTo: "2026-01-09T020000Z")
        #expect(plan(points, RetentionPolicy(last: 1)).kept == ["2026-01-02T020000Z", "2026-01-09T020000Z"])
        let gone = try #require(Item("volume.gone"))
        let forgetting = plan(points, RetentionPolicy(last: 1), forgetting: [gone])
        #expect(forgetting.kept == ["2026-01-09T020000Z"])
        #expect(forgetting.reasons("2026-01-02T020000Z", "volume.gone") == ["forgotten, by --forget"])
    }

    @Test func whatIsNotOursOrCannotBeJudgedIsLeftAlone() throws {
        let now = try moment("2026-01-09T02:00:05Z")
        let points =
            [
                RetentionCandidate(name: try pointName("2020-01-01T020000Z"), content: .unreadable("It is cut.")),
                RetentionCandidate(name: try pointName("2020-01-02T020000Z"), content: .foreign(host: hostID)),
                try candidate("2020-01-03T020000Z"), try candidate("2020-01-04T020000Z"),
            ] + (try days(2, upTo: "2026-01-09T020000Z")) + [try candidate("2027-01-01T000000Z")]
        let plan = plan(
            points, RetentionPolicy(last: 1), now: now,
            exempt: [try pointName("2020-01-03T020000Z"): .proven])
        #expect(plan.removed.map(\.description) == ["2020-01-04T020000Z", "2026-01-08T020000Z"])
        // What is dated in the future counts for nothing: it must not push out what is real.
        #expect(plan.reasons("2026-01-09T020000Z") == ["newest whole copy", "the newest"])
        #expect(plan.points.last?.reasons == [.ahead])
    }

    @Test func aPointOfTheSameMinuteIsNotInTheFuture() throws {
        let points = try [candidate("2026-01-01T000000Z"), candidate("2026-01-01T000001Z")]
        let plan = plan(points, RetentionPolicy(last: 1), now: try moment("2026-01-01T00:00:00Z"))
        #expect(plan.kept == ["2026-01-01T000001Z"])
    }
}
