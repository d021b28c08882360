internal import Machine
internal import RestorePoints

extension Standing {
    /// All that is wrong now, whether it was told or not: items first, then runs as a whole.
    package var wrong: [News.Part] {
        if items.isEmpty, !overdue.isEmpty {
            return [News.Part(subject: "backup", text: "No backup was ever made.")] + wrongRuns
        }
        return parts(items.compactMap(wrong)) + wrongRuns
    }

    private func wrong(_ item: ItemStanding) -> (String, String)? {
        let name = item.item.description
        if let last = item.tries.last, item.isFailing {
            return (name, last.problem ?? "\(last.outcome.rawValue) at the last try")
        }
        return isStale(item) ? (name, "the last success is older than \(durationText(maximumAge))") : nil
    }

    private var wrongRuns: [News.Part] {
        ["backup", "prune", "verify"].flatMap { command -> [News.Part] in
            guard let run = lastRun(command), run.outcome != .complete, command != "backup" || run.concernsMany else {
                return []
            }
            let own = run.ownProblem.map { [News.Part(subject: command, text: $0)] } ?? []
            // Those of a backup's items stand with the items.
            let others = command == "backup" ? [:] : run.problems.filter { !$0.key.isEmpty }
            return own + parts(others.map { ("\(command) \($0.key)", $0.value) })
        }
    }
}
