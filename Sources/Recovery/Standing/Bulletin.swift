internal import Machine
internal import RestorePoints

/// What was told already, so that each thing is told once: `news.json` in the state folder.
///
/// Decides only. Whoever acts puts the news where they survive, then writes this down; after a crash between the two the
/// same news come again, with the same ids.
package struct Bulletin: Codable, Sendable, Equatable {
    /// Runs that did not go well and were told.
    private var told: Set<String> = []
    /// What was said to be wrong and not yet to be right again, with the moment since when it is so.
    private var open: [String: String] = [:]
    /// Items that are too old, and for how many further days that was told.
    private var stale: [String: Int] = [:]
    /// Items that are gone, and were told.
    private var gone: Set<String> = []
    /// Points that this host did not sign, and were told.
    private var unproven: Set<String> = []
    private var isFirst = true

    package init() {}

    private enum CodingKeys: CodingKey { case told, open, stale, gone, unproven }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        told = try container.decode(Set<String>.self, forKey: .told)
        open = try container.decode([String: String].self, forKey: .open)
        stale = try container.decode([String: Int].self, forKey: .stale)
        gone = try container.decode(Set<String>.self, forKey: .gone)
        unproven = try container.decodeIfPresent(Set<String>.self, forKey: .unproven) ?? []
        isFirst = false
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(told.sorted(), forKey: .told)
        try container.encode(open, forKey: .open)
        try container.encode(stale, forKey: .stale)
        try container.encode(gone.sorted(), forKey: .gone)
        try container.encode(unproven.sorted(), forKey: .unproven)
    }

    /// What is new; at the first call, of the past only the last run of each command counts.
    package mutating func news(from standing: Standing) -> [News] {
        var news = Self.commands.compactMap { ofRuns($0, standing) }
        if let aged = ofAge(standing) { news.append(aged) }
        if let lost = ofGone(standing) { news.append(lost) }
        if let foreign = ofUnproven(standing) { news.append(foreign) }
        for command in Self.commands + [Self.items, Self.points] where open[command] != nil && isWell(command, standing)
        {
            news.append(standing.recovery(of: command, since: open[command].flatMap { Timestamp($0) }))
            open[command] = nil
        }
        isFirst = false
        return news
    }

    /// The last of the runs that went wrong and were not told; those before it are told with it.
    private mutating func ofRuns(_ command: String, _ standing: Standing) -> News? {
        let wrong = standing.runs.filter { run in
            run.command == command && run.concerns(command) && !run.isPrivate
                && (run.isFailure || run.outcome == .incomplete)
        }
        let fresh = wrong.filter { !told.contains($0.run) }
        told = told.filter { name in !name.hasSuffix("-\(command)") }.union(wrong.map(\.run))
        guard let last = fresh.last, !isFirst || last.run == standing.lastRun(command)?.run else { return nil }
        let news = standing.news(of: last)
        if open[command] == nil { open[command] = (news.since ?? last.moment).description }
        return news
    }

    private mutating func ofAge(_ standing: Standing) -> News? {
        let now = standing.overdue.mapValues { Int($0 / 86_400) }
        let fresh = now.contains { item, days in stale[item].map { $0 < days } ?? true }
        stale = now
        guard fresh else { return nil }
        let news = standing.newsOfAge(now)
        if open["backup"] == nil { open["backup"] = (news.since ?? standing.now).description }
        return news
    }

    private mutating func ofGone(_ standing: Standing) -> News? {
        let now = Set(standing.gone.map(\.item.description))
        let isFresh = !now.isSubset(of: gone)
        gone = now
        guard isFresh else { return nil }
        if open[Self.items] == nil { open[Self.items] = standing.now.description }
        return standing.newsOfGone()
    }

    private mutating func ofUnproven(_ standing: Standing) -> News? {
        let now = Set(standing.unproven.keys.map(\.description))
        let isFresh = !now.isSubset(of: unproven)
        unproven = now
        guard isFresh else { return nil }
        if open[Self.points] == nil { open[Self.points] = standing.now.description }
        return standing.newsOfUnproven()
    }

    private func isWell(_ command: String, _ standing: Standing) -> Bool {
        switch command {
        case "backup": standing.backupIsWell
        case Self.items: standing.gone.isEmpty
        case Self.points: !standing.isBlind && standing.unproven.isEmpty
        case "verify": standing.damage.isEmpty && standing.lastRun(command)?.outcome == .complete
        default: standing.lastRun(command)?.outcome == .complete
        }
    }

    /// What news of items that are gone are about.
    private static let items = "items"

    /// What news of points that this host did not sign are about.
    private static let points = "points"

    /// The commands whose runs are news.
    private static let commands = ["backup", "verify", "prune"]
}

extension RunRecord {
    fileprivate func concerns(_ command: String) -> Bool { command != "backup" || concernsMany }
}
