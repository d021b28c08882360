import Alerting
import Machine
import Recovery
import RestorePoints
import Schedules

/// What `status` prints.
struct StatusReport: Encodable {
    let host: String
    let now: String
    let isWell: Bool
    let items: [Item]
    let points: Int
    let size: Int64
    /// Points that say they are this host's and were not signed by it: they count for nothing.
    let unproven: [String]
    /// Why no signature could be checked.
    let unchecked: String?
    /// The last run of each command that ran.
    let runs: [String: Run]
    let next: [Next]
    let retention: String?
    let skipped: Int
    let messages: Messages
    let wrong: [Wrong]

    struct Item: Encodable {
        let item: String
        let lastSuccess: String?
        let place: String?
        let age: Double?
        let data: Int64?
        let growth: Double?
        let isStale: Bool
        let failingSince: String?
    }

    struct Run: Encodable {
        let started: String
        let outcome: RunRecord.Outcome
    }

    struct Next: Encodable {
        let job: String
        let local: String
        let utc: String
        /// Empty: nobody starts it.
        let startedBy: [String]
    }

    struct Messages: Encodable {
        let waiting: Int
        let dead: Int
    }

    struct Wrong: Encodable {
        let subject: String
        let text: String
    }

    init(_ standing: Standing, _ outlook: Outlook, messages: [Waiting], policy: RetentionPolicy?) {
        host = hostName()
        now = standing.now.description
        items = standing.items.map { item in
            Item(
                item: item.item.description, lastSuccess: item.lastWhole?.moment.description,
                place: item.lastWhole?.place, age: item.lastWhole == nil ? nil : item.age(at: standing.now),
                data: item.lastWhole?.data?.bytes,
                growth: item.growth, isStale: standing.isStale(item), failingSince: item.failingSince?.description)
        }
        points = standing.points.count
        size = standing.size.bytes
        unproven = standing.unproven.keys.sorted().map(\.description)
        unchecked = standing.unchecked
        runs = Dictionary(
            uniqueKeysWithValues: ["backup", "prune", "verify"].compactMap { command in
                standing.lastRun(command).map { (command, Run(started: $0.started, outcome: $0.outcome)) }
            })
        next = outlook.lines.compactMap { line -> Next? in
            guard let moment = line.next.first else { return nil }
            let zone = line.job.time?.zone ?? outlook.zone
            return Next(
                job: line.job.kind.rawValue, local: zone.text(moment), utc: moment.description,
                startedBy: line.starters)
        }
        retention = policy?.description
        skipped = standing.skipped.count
        let dead = messages.filter { $0.isDead || !$0.isKnown }
        self.messages = Messages(waiting: messages.count - dead.count, dead: dead.count)
        wrong =
            standing.wrong.map { Wrong(subject: $0.subject, text: $0.text) }
            + outlook.wrong.map { Wrong(subject: "schedule", text: $0) }
            + dead.map { Wrong(subject: "message", text: "\($0.title), not delivered: \($0.reason ?? "")") }
        isWell = wrong.isEmpty
    }

    func text(_ style: Style) -> String {
        var text = "\(style.strong(host))  \(now)\n\n"
        if items.isEmpty { text += "No backup yet. Make one: holdfast backup\n" }
        let rows = items.map(\.row)
        if !rows.isEmpty { text += columns([["ITEM", "LAST SUCCESS", "AGE", "DATA", "TREND", "STATE"]] + rows) + "\n" }
        text += columns(facts)
        text += wrong.isEmpty ? "\n\(style.good("✓")) nothing is wrong\n" : "\n"
        for line in wrong { text += "\(style.bad("✗")) \(line.subject): \(line.text)\n" }
        return text
    }

    private var facts: [[String]] {
        var facts = runs.sorted { $0.key < $1.key }.map {
            ["last \($0.key)", "\($0.value.started), \($0.value.outcome.rawValue)"]
        }
        facts += next.filter { $0.job != "notify" }.map { next in
            let starter = next.startedBy.first.map { ", by \($0)" } ?? "; nobody starts it: holdfast schedule install"
            return ["next \(next.job)", next.local + starter]
        }
        let rule = retention.map { "; \($0)" } ?? "; no retention: nothing is ever removed"
        facts.append(["kept", "\(counted(points, "restore point")), \(ByteCount(size))\(rule)"])
        if let unchecked, points > 0 { facts.append(["signatures", "not checked: \(unchecked)"]) }
        if messages.waiting + messages.dead > 0 {
            facts.append(["messages", "\(messages.waiting) waiting, \(messages.dead) dead: holdfast notify list"])
        }
        if skipped > 0 {
            facts.append(["skipped", "\(counted(skipped, "run")) within 7 days: another holdfast was at work"])
        }
        return facts
    }
}

extension Outlook {
    /// Why backups would not be started as they are meant to be.
    fileprivate var wrong: [String] {
        let isPlanned = lines.contains { $0.job.kind == .backup }
        return troubles + (isPlanned && starters.isEmpty ? ["nobody starts backups: holdfast schedule install"] : [])
    }
}

extension StatusReport.Item {
    /// The cells of its line.
    fileprivate var row: [String] {
        let data = data.map { ByteCount($0).description } ?? "–"
        let state = failingSince.map { "fails since \($0)" } ?? (isStale ? "too old" : "good")
        return [item, place ?? "never", age.map(durationText) ?? "–", data, trend, state]
    }

    /// `+2 %`
    private var trend: String {
        guard let growth else { return "" }
        let percent = (growth * 100).rounded()
        return percent == 0 ? "=" : "\(percent > 0 ? "+" : "")\(percent.fixed(0)) %"
    }
}
