internal import Machine

/// Which copies of one item are kept, by their moments alone. What several rules keep is kept once.
///
/// Days, weeks, months and years are those of UTC, as the names of points say them: whoever reads a list sees by which day
/// a point was counted, on whatever host. A backup before the local midnight can so fall on the next day.
package struct RetentionPolicy: Hashable, Sendable {
    /// Seconds back from the newest copy; nil: this rule keeps nothing.
    package var within: Double?
    /// The newest ones, however old.
    package var last: Int
    /// For so many days that have one, the newest of each; likewise the others. Weeks begin on Mondays (ISO 8601).
    package var daily: Int
    package var weekly: Int
    package var monthly: Int
    package var yearly: Int

    package init(
        within: Double? = nil, last: Int = 0, daily: Int = 0, weekly: Int = 0, monthly: Int = 0, yearly: Int = 0
    ) {
        self.within = within
        self.last = last
        self.daily = daily
        self.weekly = weekly
        self.monthly = monthly
        self.yearly = yearly
    }

    /// Why a copy is kept.
    package enum Rule: Hashable, Sendable {
        case within(Double)
        case last(Int)
        case daily
        case weekly
        case monthly
        case yearly
    }

    /// The rules that keep each of these copies; those that none keeps are not among the keys.
    package func rules(keeping copies: some Collection<PointName>) -> [PointName: [Rule]] {
        let newestFirst = copies.sorted(by: >)
        guard let newest = newestFirst.first else { return [:] }
        var kept: [PointName: [Rule]] = [:]
        if let within {
            for name in newestFirst where newest.moment.since(name.moment) <= within {
                kept[name, default: []].append(.within(within))
            }
        }
        for name in newestFirst.prefix(last) { kept[name, default: []].append(.last(last)) }
        for (rule, count, pattern) in periods {
            var seen: Set<String> = []
            for name in newestFirst where seen.count < count {
                if seen.insert(name.moment.format(pattern)).inserted { kept[name, default: []].append(rule) }
            }
        }
        return kept
    }

    /// Each with the pattern that is the same for all moments of one period.
    private var periods: [(Rule, Int, String)] {
        [
            (.daily, daily, "%Y-%m-%d"), (.weekly, weekly, "%G-W%V"), (.monthly, monthly, "%Y-%m"),
            (.yearly, yearly, "%Y"),
        ]
    }
}

extension RetentionPolicy: CustomStringConvertible {
    /// As the configuration says it, without what is off: `keep_within 30 d, keep_last 3`.
    package var description: String {
        let counts = [
            ("keep_last", last), ("keep_daily", daily), ("keep_weekly", weekly), ("keep_monthly", monthly),
            ("keep_yearly", yearly),
        ]
        let rules =
            (within.map { ["keep_within \(spanText($0))"] } ?? [])
            + counts.filter { $0.1 > 0 }.map { "\($0.0) \($0.1)" }
        return rules.joined(separator: ", ")
    }
}

extension RetentionPolicy.Rule: CustomStringConvertible {
    package var description: String {
        switch self {
        case .within(let seconds): "within \(spanText(seconds)) of its newest copy"
        case .last(let count): count == 1 ? "the newest" : "one of the newest \(count)"
        case .daily: "newest of its day"
        case .weekly: "newest of its week"
        case .monthly: "newest of its month"
        case .yearly: "newest of its year"
        }
    }
}

/// A span as somebody wrote it, if it is whole days: `30 d`.
package func spanText(_ seconds: Double) -> String {
    let days = seconds / 86_400
    return days >= 1 && days.rounded() == days ? "\(days.fixed(0)) d" : durationText(seconds)
}
