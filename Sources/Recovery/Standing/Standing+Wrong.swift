internal import Machine
internal import RestorePoints

extension Standing {
    /// All that is wrong now, whether it was told or not: items first, then runs as a whole.
    package var wrong: [News.Part] {
        if let missing {
            let text =
                "The last point that is known, \(missing), is not in the backup directory, and no other is: is its disk mounted?"
            return [News.Part(subject: "backup", text: text)] + wordsOfUnproven + wrongRuns
        }
        if items.isEmpty {
            return [News.Part(subject: "backup", text: "No backup was ever made.\n  → holdfast backup")]
                + wordsOfUnproven + wrongRuns
        }
        return parts(items.compactMap(wrong) + gone.map { ($0.item.description, wordsOfGone($0)) }) + wrongPoints
            + wrongRuns
    }

    private var wrongPoints: [News.Part] {
        wordsOfUnproven
            + damage.sorted { $0.key < $1.key }.map { point, files in
                News.Part(
                    subject: "point \(point)",
                    text:
                        "It was found damaged: \(files.sorted().joined(separator: ", ")). Nothing counts on that any more."
                        + "\n  → Look after the disk, and make a new backup. If it was mended: holdfast verify \(point)"
                )
            }
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
