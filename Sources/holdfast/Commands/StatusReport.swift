import Machine
import Recovery
import RestorePoints

/// What `status` prints.
struct StatusReport: Encodable {
    let host: String
    let now: String
    let isWell: Bool
    let items: [Item]
    let points: Int
    let size: Int64
    /// The last run of each command that ran.
    let runs: [String: Run]
    let skipped: Int
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

    struct Wrong: Encodable {
        let subject: String
        let text: String
    }

    init(_ standing: Standing) {
        host = hostName()
        now = standing.now.description
        items = standing.items.map { item in
            Item(
                item: item.item.description, lastSuccess: item.lastWhole?.moment.description,
                place: item.lastWhole?.place, age: item.age(at: standing.now), data: item.lastWhole?.data?.bytes,
                growth: item.growth, isStale: standing.isStale(item), failingSince: item.failingSince?.description)
        }
        points = standing.points.count
        size = standing.size.bytes
        runs = Dictionary(
            uniqueKeysWithValues: ["backup", "prune", "verify"].compactMap { command in
                standing.lastRun(command).map { (command, Run(started: $0.started, outcome: $0.outcome)) }
            })
        skipped = standing.skipped.count
        wrong = standing.wrong.map { Wrong(subject: $0.subject, text: $0.text) }
        isWell = wrong.isEmpty
    }

    func text(_ style: Style) -> String {
        var text = "\(style.strong(host))  \(now)\n\n"
        if items.isEmpty { text += "No backup yet. Make one: holdfast backup\n" }
        let rows = items.map(\.row)
        if !rows.isEmpty { text += columns([["ITEM", "LAST SUCCESS", "AGE", "DATA", "TREND", ""]] + rows) + "\n" }
        text += columns(facts)
        text += wrong.isEmpty ? "\n\(style.good("✓")) nothing is wrong\n" : "\n"
        for line in wrong { text += "\(style.bad("✗")) \(line.subject): \(line.text)\n" }
        return text
    }

    private var facts: [[String]] {
        var facts = runs.sorted { $0.key < $1.key }.map {
            ["last \($0.key)", "\($0.value.started), \($0.value.outcome.rawValue)"]
        }
        facts.append(["kept", "\(counted(points, "restore point")), \(ByteCount(size))"])
        if skipped > 0 {
            facts.append(["skipped", "\(counted(skipped, "run")) within 7 days: another holdfast was at work"])
        }
        return facts
    }
}

extension StatusReport.Item {
    /// The cells of its line.
    fileprivate var row: [String] {
        let data = data.map { ByteCount($0).description } ?? "–"
        let state = failingSince.map { "fails since \($0)" } ?? (isStale ? "too old" : "")
        return [item, place ?? "never", age.map(durationText) ?? "–", data, trend, state]
    }

    /// `+2 %`
    private var trend: String {
        guard let growth else { return "" }
        let percent = (growth * 100).rounded()
        return percent == 0 ? "=" : "\(percent > 0 ? "+" : "")\(percent.fixed(0)) %"
    }
}
