import Machine
import RestorePoints
import Testing

@Suite struct SuddenDropTests {
    private func series(_ copies: [(entries: Int64, bytes: Int64)]) throws -> [RetentionCandidate] {
        try zip(days(copies.count, upTo: "2026-01-09T020000Z"), copies).map {
            try candidate($0.name, entries: $1.entries, bytes: $1.bytes)
        }
    }

    private func find(_ copies: [(entries: Int64, bytes: Int64)], accepted: [Item: PointName] = [:]) throws
        -> [SuddenDrop]
    {
        SuddenDrop.find(in: try series(copies), now: muchLater, accepted: accepted)
    }

    @Test(
        arguments: [
            ((100, 9 << 20), (100, 9 << 20), false), ((100, 9 << 20), (50, 9 << 20), false),
            ((100, 9 << 20), (49, 9 << 20), true), ((101, 9 << 20), (50, 9 << 20), true),
            ((100, 9 << 20), (100, 4 << 20), true), ((100, 9 << 20), (0, 0), true),
            // Too small to mean anything.
            ((19, 900_000), (1, 10), false), ((1, 1 << 20), (1, 10), true), ((20, 10), (1, 10), true),
            ((100, 9 << 20), (100_000, 9 << 30), false), ((0, 0), (0, 0), false),
            ((Int64.max, Int64.max), (Int64.max / 2, Int64.max), true),
        ] as [((Int64, Int64), (Int64, Int64), Bool)])
    func halfIsTheLimit(before: (Int64, Int64), after: (Int64, Int64), isDrop: Bool) throws {
        #expect(try find([before, after]).isEmpty != isDrop)
    }

    @Test func itIsFoundAlsoWhenPruneDidNotRunRightAfterIt() throws {
        let drop = try #require(try find([(100, 9 << 20), (100, 8 << 20), (10, 1 << 20), (11, 1 << 20)]).first)
        #expect(
            drop.description
                == "volume.a had 100 entries, 8.00 MiB in 2026-01-07T020000Z and 10 entries, 1.00 MiB in 2026-01-08T020000Z"
        )
    }

    @Test func itIsOverOnceTheItemIsAsItWas() throws {
        #expect(try find([(100, 9 << 20), (10, 1 << 20), (90, 9 << 20)]) == [])
    }

    @Test func whatWasAcceptedIsNotFoundAgainButTheNextOneIs() throws {
        let copies: [(Int64, Int64)] = [(100, 9 << 20), (40, 9 << 20), (39, 9 << 20)]
        let drop = try #require(try find(copies).first)
        #expect(try find(copies, accepted: [drop.item: drop.after]) == [])
        #expect(try find(copies + [(10, 9 << 20)], accepted: [drop.item: drop.after]).count == 1)
    }

    @Test func onlyWholeCopiesAreCompared() throws {
        let points = [
            try candidate("2026-01-01T020000Z", entries: 100),
            try candidate("2026-01-02T020000Z", ["volume.a": .torn], entries: 1),
            try candidate("2026-01-03T020000Z", ["volume.a": .failed], entries: 0),
        ]
        #expect(SuddenDrop.find(in: points, now: muchLater) == [])
        let item = try #require(Item("volume.a"))
        let dropped = points + [try candidate("2026-01-04T020000Z", entries: 1)]
        #expect(SuddenDrop.find(in: dropped, now: muchLater).map(\.before.description) == ["2026-01-01T020000Z"])
        #expect(SuddenDrop.find(in: dropped, now: muchLater, forgetting: [item]) == [])
    }
}
