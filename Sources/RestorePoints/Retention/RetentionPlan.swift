package import Machine

/// Which points are kept and which go, with the reasons; made from names and manifests, without a look at anything else.
///
/// The policy is applied to each item by itself, to the points in which that item is whole. A point is kept if any of its
/// items is kept in it; what is torn or failed holds nothing.
package struct RetentionPlan: Sendable, Equatable {
    /// Oldest first.
    package let points: [PointVerdict]

    /// What becomes of one point.
    package struct PointVerdict: Sendable, Equatable {
        package let point: PointName
        package let isKept: Bool
        /// Why it stays or goes as a whole, whatever its items say; usually none.
        package let reasons: [RetentionReason]
        /// In order; none for a point that is not ours.
        package let items: [ItemVerdict]
    }

    /// What one item has to say about a point.
    package struct ItemVerdict: Sendable, Equatable {
        package let item: Item
        package let reasons: [RetentionReason]

        /// Whether the point stays for its sake.
        package var isKept: Bool { reasons.contains(where: \.keeps) }
    }

    /// Makes the plan.
    ///
    /// - Parameters:
    ///   - exempt: points that stay for a reason of their own.
    ///   - forgotten: items of which even the last copy may go.
    package init(
        _ candidates: [RetentionCandidate], policy: RetentionPolicy, now: Timestamp,
        exempt: [PointName: RetentionReason] = [:], forgetting forgotten: Set<Item> = []
    ) {
        let holdings = Holdings(candidates, policy: policy, now: now, forgetting: forgotten)
        points = candidates.sorted { $0.name < $1.name }.map { candidate in
            var reasons = exempt[candidate.name].map { [$0] } ?? []
            var items: [ItemVerdict] = []
            switch candidate.content {
            case .foreign(let host): reasons.append(.foreign(host: host))
            case .unreadable(let why): reasons.append(.unreadable(why))
            case .unproven(let why): reasons.append(.unproven(why))
            case .ours where candidate.isAhead(of: now): reasons.append(.ahead)
            case .ours(let copies, _):
                items = copies.sorted { $0.key < $1.key }.map { item, copy in
                    ItemVerdict(item: item, reasons: holdings.reasons(item, copy, in: candidate.name))
                }
                if items.isEmpty { reasons.append(.empty) }
            }
            return PointVerdict(
                point: candidate.name,
                isKept: reasons.contains(where: \.keeps) || items.contains(where: \.isKept), reasons: reasons,
                items: items)
        }
    }

    /// Names of the points that go, oldest first.
    package var removed: [PointName] { points.filter { !$0.isKept }.map(\.point) }
}

/// What is kept of each item, over all points.
private struct Holdings {
    private let forgotten: Set<Item>
    private var rules: [Item: [PointName: [RetentionPolicy.Rule]]] = [:]
    /// The newest point in which the item is whole.
    private var newest: [Item: PointName] = [:]
    /// The newest point in which it is torn.
    private var newestTorn: [Item: PointName] = [:]

    init(_ candidates: [RetentionCandidate], policy: RetentionPolicy, now: Timestamp, forgetting: Set<Item>) {
        forgotten = forgetting
        var whole: [Item: [PointName]] = [:]
        for candidate in candidates {
            for (item, copy) in candidate.copies(at: now) {
                if copy.state == .whole { whole[item, default: []].append(candidate.name) }
                guard copy.state == .torn else { continue }
                newestTorn[item] = max(newestTorn[item] ?? candidate.name, candidate.name)
            }
        }
        for (item, names) in whole {
            rules[item] = policy.rules(keeping: names)
            newest[item] = names.max()
        }
    }

    func reasons(_ item: Item, _ copy: RetentionCandidate.Copy, in point: PointName) -> [RetentionReason] {
        if forgotten.contains(item) { return [.forgotten] }
        switch copy.state {
        case .failed: return [.failed]
        case .damaged: return [.damaged]
        case .torn: return newest[item] == nil && newestTorn[item] == point ? [.onlyCopy] : [.torn]
        case .whole:
            let kept = (rules[item]?[point] ?? []).map(RetentionReason.rule)
            let reasons = newest[item] == point ? [.newestCopy] + kept : kept
            return reasons.isEmpty ? [.superseded] : reasons
        }
    }
}
