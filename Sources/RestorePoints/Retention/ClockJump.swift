package import Machine

/// A sign that the clock was wrong when a point was made, or is wrong now.
package enum ClockJump: Sendable, Hashable {
    /// A point says that it was made later than now.
    case ahead(PointName)
    /// Much more time than usual lies between a point and the one made after it, or now (`until` is nil).
    case gap(after: PointName, until: PointName?, seconds: Double, usual: Double)

    /// The point by which it is known again.
    package var point: PointName {
        switch self {
        case .ahead(let point): point
        case .gap(let point, _, _, _): point
        }
    }

    /// Finds them in this host's points, oldest first.
    ///
    /// Gaps are taken from what each manifest says of the point made before it, so that points which were removed meanwhile
    /// leave none.
    package static func find(in candidates: [RetentionCandidate], now: Timestamp) -> [ClockJump] {
        var ahead: [ClockJump] = []
        var gaps: [(after: PointName, until: PointName?, seconds: Double)] = []
        var newest: PointName?
        for candidate in candidates.sorted(by: { $0.name < $1.name }) {
            guard case .ours(_, let previous) = candidate.content else { continue }
            if candidate.isAhead(of: now) {
                ahead.append(.ahead(candidate.name))
                continue
            }
            newest = candidate.name
            // A clock that was put back gives a later point an earlier name: that is no gap.
            guard let previous, previous < candidate.name else { continue }
            gaps.append((previous, candidate.name, candidate.name.moment.since(previous.moment)))
        }
        let lengths = gaps.map(\.seconds).sorted()
        guard !lengths.isEmpty else { return ahead }
        // The lower of the two in the middle: one long gap beside one short one is not usual.
        let usual = lengths[(lengths.count - 1) / 2]
        if let newest { gaps.append((newest, nil, now.since(newest.moment))) }
        let implausible = gaps.filter { $0.seconds > leastGap && $0.seconds > 10 * usual }
        return implausible.map { .gap(after: $0.after, until: $0.until, seconds: $0.seconds, usual: usual) } + ahead
    }

    /// Seconds below which no gap is looked at.
    private static let leastGap = 7 * 86_400.0
}

extension ClockJump: CustomStringConvertible {
    package var description: String {
        switch self {
        case .ahead(let point): "the point \(point) is dated in the future"
        case .gap(let after, let until, let seconds, let usual):
            "\(durationText(seconds)) lie between \(after) and \(until.map(\.description) ?? "now"), usually \(durationText(usual))"
        }
    }
}
