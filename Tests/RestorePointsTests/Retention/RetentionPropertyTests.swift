import Machine
import RestorePoints
import TestKit
import Testing

/// What holds for every catalog and every policy; each round is a seed, which a failure names.
@Suite struct RetentionPropertyTests {
    private static let items = ["volume.a", "volume.b", "files.c", "database.d"]

    private struct Case: CustomStringConvertible {
        let seed: UInt64
        let points: [RetentionCandidate]
        let policy: RetentionPolicy
        let now: Timestamp

        var plan: RetentionPlan { plan(points) }
        func plan(_ points: [RetentionCandidate], _ policy: RetentionPolicy? = nil) -> RetentionPlan {
            RetentionPlan(points, policy: policy ?? self.policy, now: now)
        }
        var description: String { "seed \(seed), \(policy)" }
    }

    private func anyCase(_ seed: UInt64) throws -> Case {
        var random = SeededRandom(seed: seed)
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        let now = Timestamp(seconds: 1_790_000_000)
        let span = [100_000, 5_000_000, 300_000_000][number(0...2)]
        var names: Set<PointName> = []
        for _ in 0..<number(0...60) { names.insert(PointName(now.advanced(by: Int64(number(-span...span / 20))))) }
        let states: [RetentionCandidate.Copy.State] = [.whole, .whole, .whole, .torn, .damaged, .failed]
        let points = try names.sorted().map { name -> RetentionCandidate in
            switch number(0...20) {
            case 0: return RetentionCandidate(name: name, content: .unreadable("It is cut."))
            case 1: return RetentionCandidate(name: name, content: .foreign(host: hostID))
            default:
                var items: [String: RetentionCandidate.Copy.State] = [:]
                for item in Self.items where number(0...3) > 0 { items[item] = states[number(0...5)] }
                return try candidate(name, items)
            }
        }
        func some(_ most: Int) -> Int { number(0...1) == 0 ? 0 : number(0...most) }
        let policy = RetentionPolicy(
            within: number(0...1) == 0 ? nil : Double(number(0...span)), last: some(5), daily: some(9), weekly: some(5),
            monthly: some(5), yearly: some(3))
        return Case(seed: seed, points: points, policy: policy, now: now)
    }

    /// Names of the points in which an item is whole, or in any other state.
    private func copies(
        _ item: String, _ state: RetentionCandidate.Copy.State, in one: Case
    ) -> [PointName] {
        one.points.filter { point in
            guard case .ours(let copies, _) = point.content, !point.isAhead(of: one.now) else { return false }
            return copies.contains { $0.key.description == item && $0.value.state == state }
        }.map(\.name)
    }

    @Test(arguments: 1...300 as ClosedRange<UInt64>)
    func theNewestWholeCopyOfEveryItemStays(seed: UInt64) throws {
        let one = try anyCase(seed)
        let removed = Set(one.plan.removed)
        for item in Self.items {
            let newest = copies(item, .whole, in: one).max() ?? copies(item, .torn, in: one).max()
            #expect(newest.map(removed.contains) != true, "\(one)")
        }
        for point in one.points where !removed.isDisjoint(with: [point.name]) {
            guard case .ours = point.content else {
                Issue.record("\(point.name) is not ours to remove: \(one)")
                continue
            }
            #expect(!point.isAhead(of: one.now), "\(one)")
        }
    }

    @Test(arguments: 301...600 as ClosedRange<UInt64>)
    func whoeverKeepsMoreKeepsAllThatWasKept(seed: UInt64) throws {
        let one = try anyCase(seed)
        let kept = Set(one.plan.kept)
        let more: [(inout RetentionPolicy) -> Void] = [
            { $0.last += 1 }, { $0.daily += 1 }, { $0.weekly += 2 }, { $0.monthly += 1 }, { $0.yearly += 1 },
            { $0.within = ($0.within ?? 0) + 1000 },
        ]
        for change in more {
            var policy = one.policy
            change(&policy)
            #expect(kept.isSubset(of: one.plan(one.points, policy).kept), "\(one), then \(policy)")
        }
    }

    @Test(arguments: 601...900 as ClosedRange<UInt64>)
    func pruningTwiceIsPruningOnce(seed: UInt64) throws {
        let one = try anyCase(seed)
        let removed = Set(one.plan.removed)
        let left = one.points.filter { !removed.contains($0.name) }
        #expect(one.plan(left).removed == [], "\(one)")
        // Also when it was interrupted in the middle.
        let half = Set(one.plan.removed.prefix(removed.count / 2))
        #expect(one.plan(one.points.filter { !half.contains($0.name) }).kept == one.plan.kept, "\(one)")
    }

    @Test(arguments: 901...1000 as ClosedRange<UInt64>)
    func theOrderInWhichPointsComeIsNoMatter(seed: UInt64) throws {
        let one = try anyCase(seed)
        var random = SeededRandom(seed: seed)
        #expect(one.plan(one.points.shuffled(using: &random)) == one.plan, "\(one)")
    }
}
