internal import Machine
internal import RestorePoints

/// The words of the news.
extension Standing {
    /// A run that did not go well.
    func news(of run: RunRecord) -> News {
        switch run.command {
        case "backup": newsOfBackup(run)
        case "verify":
            simple(
                run, title: run.isFailure ? "Verification failed" : "Verification incomplete",
                summary: run.isFailure
                    ? "Restore points are not what they were when they were made."
                    : "Nothing wrong was found, but not everything could be checked.",
                next: "holdfast verify --all")
        default:
            simple(
                run, title: "Pruning stopped", summary: "Restore points that could go are still there.",
                next: "holdfast prune --dry-run")
        }
    }

    private func newsOfBackup(_ run: RunRecord) -> News {
        let failing = items.filter { run.items[$0.item.description].map { $0 != .whole } ?? false }
        var wrong = run.ownProblem.map { [News.Part(subject: "the run", text: $0)] } ?? []
        wrong += parts(
            failing.map { ($0.item.description, run.problems[$0.item.description] ?? "it is not whole") })
        let isWhole = run.items.values.filter { $0 == .whole }.count
        let title =
            run.items.isEmpty || isWhole == 0
            ? "Backup failed" : "Backup incomplete: \(run.items.count - isWhole) of \(counted(run.items.count, "item"))"
        return News(
            id: run.run, kind: run.isFailure ? .failed : .incomplete, about: "backup", title: title,
            summary: run.point.map { "The restore point \($0) was made, but not everything is whole in it." }
                ?? "No restore point was made.",
            since: (failing.compactMap(\.failingSince) + [run.moment]).min(), wrong: wrong, good: stillGood(),
            next: nextStep(failing, run))
    }

    private func nextStep(_ failing: [ItemStanding], _ run: RunRecord) -> String {
        guard run.problems[""] == nil, failing.count == 1, let item = failing.first?.item else {
            return "holdfast check && holdfast backup"
        }
        let kind = item.kind == .files ? "files" : item.kind.rawValue + "s"
        return "holdfast backup \(kind) \(item.name)"
    }

    private func simple(_ run: RunRecord, title: String, summary: String, next: String) -> News {
        let own = run.ownProblem.map { [News.Part(subject: "the run", text: $0)] } ?? []
        let others = parts(run.problems.filter { !$0.key.isEmpty }.map { ($0.key, $0.value) })
        return News(
            id: run.run, kind: run.isFailure ? .failed : .incomplete, about: run.command, title: title,
            summary: summary, since: run.moment, wrong: own + others, good: stillGood(), next: next)
    }

    /// Items that are too old; `days`: for how many days beyond the limit.
    func newsOfAge(_ days: [String: Int]) -> News {
        let oldest = stale.compactMap { $0.lastWhole?.moment ?? $0.tries.first?.moment }.min()
        let name = days.sorted { $0.key < $1.key }.map { "\($0.key)#\($0.value)" }.joined(separator: " ")
        let copies = stale.map { $0.lastWhole?.place ?? "never" }.joined(separator: " ")
        let last = lastRun("backup")
        return News(
            id: "stale-\(Digest.of(Array("\(name) \(copies)".utf8)).description.prefix(32))", kind: .stale,
            about: "backup",
            title: items.isEmpty
                ? "No backup was ever made"
                : stale.count == items.count
                    ? "No fresh backup" : "No fresh backup of \(stale.count) of \(counted(items.count, "item"))",
            summary: "The last success is older than \(durationText(maximumAge)). "
                + (last.map { "The last run was begun at \($0.started): \($0.outcome.rawValue)." }
                    ?? "No run is on record."),
            since: oldest ?? made,
            wrong: stale.map { item in
                News.Part(
                    subject: item.item.description,
                    text: (item.lastWhole.map { "last whole in \($0.place), \(ago($0.moment))" } ?? "never saved whole")
                        + (item.tries.last?.problem.map { "; at the last try: \($0)" } ?? ""))
            }, good: stillGood().filter { part in !stale.contains { $0.item.description == part.subject } },
            next: "holdfast status")
    }

    /// All is well again.
    func recovery(of command: String, since: Timestamp?) -> News {
        let run = lastSuccess(command) ?? lastRun(command)
        let lasted = since.map { ", after \(durationText(now.since($0)))" } ?? ""
        let what =
            ["backup": "Backup", "verify": "Verification", "prune": "Pruning", "points": "The backup directory"][
                command] ?? "What was gone"
        return News(
            id: "recovered-\(run?.run ?? command)", kind: .recovered, about: command,
            title: "\(what) is well again", summary: "All is as it should be\(lasted).", since: run?.moment, wrong: [],
            good: command == "backup" ? stillGood() : [], next: nil)
    }

    /// One for each reason.
    func parts(_ texts: [(String, String)]) -> [News.Part] {
        together(Dictionary(texts) { one, _ in one }).map {
            News.Part(subject: $0.things.joined(separator: ", "), text: $0.text)
        }
    }

    /// Whole copies that there are, the newest of each item; none where nobody could look.
    private func stillGood() -> [News.Part] {
        guard !isBlind else { return [] }
        return items.compactMap { item in
            item.lastWhole.map {
                News.Part(subject: item.item.description, text: "whole in \($0.place), \(ago($0.moment))")
            }
        }
    }

    private func ago(_ moment: Timestamp) -> String {
        let age = now.since(moment)
        return age < 60 ? "just now" : "\(durationText(age)) ago"
    }
}
