import Machine
import RestorePoints
import Testing

@Suite struct ClockJumpTests {
    /// Points that each follow the one before.
    private func chain(_ names: [String]) throws -> [RetentionCandidate] {
        try zip(names, [nil] + names).map { try candidate($0, previous: $1) }
    }

    private let nights = (1...9).map { "2026-01-0\($0)T020000Z" }

    @Test func nightsAreNoJumps() throws {
        #expect(ClockJump.find(in: try chain(nights), now: try moment("2026-01-09T03:00:00Z")) == [])
        #expect(ClockJump.find(in: [], now: muchLater) == [])
    }

    @Test func aPointInTheFuture() throws {
        let points = try chain(nights + ["2026-02-01T020000Z"])
        let jumps = ClockJump.find(in: points, now: try moment("2026-01-09T03:00:00Z"))
        #expect(jumps == [.ahead(try pointName("2026-02-01T020000Z"))])
    }

    @Test func aGapBetweenPoints() throws {
        let points = try chain(nights + ["2036-01-10T020000Z", "2036-01-11T020000Z"])
        let jumps = ClockJump.find(in: points, now: try moment("2036-01-11T03:00:00Z"))
        #expect(jumps.map(\.point.description) == ["2026-01-09T020000Z"])
        #expect(jumps.first?.description.contains("between 2026-01-09T020000Z and 2036-01-10T020000Z") == true)
    }

    @Test func aGapBetweenTheNewestAndNow() throws {
        let jumps = ClockJump.find(in: try chain(nights), now: try moment("2026-01-30T03:00:00Z"))
        #expect(jumps.map(\.description) == ["21 d 1 h lie between 2026-01-09T020000Z and now, usually 24 h 0 min"])
        #expect(ClockJump.find(in: try chain(nights), now: try moment("2026-01-15T03:00:00Z")) == [])
    }

    /// Once a month is not a jump where that is usual, and nobody can say what is usual from one point.
    @Test func whatIsUsualIsNoJump() throws {
        let months = (1...9).map { "2026-0\($0)-01T020000Z" }
        #expect(ClockJump.find(in: try chain(months), now: try moment("2026-11-01T03:00:00Z")) == [])
        #expect(ClockJump.find(in: try chain(["2026-01-01T020000Z"]), now: muchLater) == [])
    }

    /// What retention thinned out leaves no gap: each manifest says which point was made before it.
    @Test func pointsThatWereRemovedLeaveNoGap() throws {
        let all = try chain((0..<400).map { PointName(Timestamp(seconds: 1_700_000_000 + 86_400 * $0)).description })
        let thinned = all.enumerated().filter { $0.offset % 90 == 0 || $0.offset > 390 }.map(\.element)
        let now = Timestamp(seconds: 1_700_000_000 + 86_400 * 399 + 3600)
        #expect(ClockJump.find(in: thinned, now: now) == [])
    }

    /// A clock that was put back: later points have earlier names, and follow one that is dated later.
    @Test func aClockThatWasPutBackLeavesNoGap() throws {
        let points = try chain(nights) + [try candidate("2026-01-08T120000Z", previous: "2026-01-09T020000Z")]
        #expect(ClockJump.find(in: points, now: try moment("2026-01-09T03:00:00Z")) == [])
    }
}
