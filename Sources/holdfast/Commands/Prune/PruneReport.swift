import Machine
import Recovery
import RestorePoints

/// What `prune` prints: the plan, and what was done of it.
struct PruneReport: Encodable {
    let policy: String?
    let points: [Point]
    let legacy: [Archive]
    /// Called like archives, but no regular files.
    let leftAlone: [String]
    let refusals: [Refusal]
    let removes: Int
    /// Bytes of all that goes.
    let frees: Int64
    /// Nil in a dry run.
    let done: Done?

    /// Whether something could not be removed.
    var hasProblems: Bool { done?.problems.isEmpty == false }

    struct Point: Encodable {
        let point: String
        let kept: Bool
        let size: Int64?
        let reasons: [String]
        let items: [Item]
    }

    struct Item: Encodable {
        let item: String
        let kept: Bool
        let reasons: [String]
    }

    struct Archive: Encodable {
        let archive: String
        let kept: Bool
        let size: Int64
        let reason: String
    }

    struct Refusal: Encodable {
        let code: String
        let what: String
        let remedy: String?
    }

    struct Done: Encodable {
        let points: [String]
        let archives: [String]
        let freed: Int64
        let problems: [String: String]
    }

    init(_ plan: PrunePlan, _ result: PruneRun.Result? = nil) {
        policy = plan.policy?.description
        points = plan.points.map { verdict in
            Point(
                point: verdict.point.description, kept: verdict.isKept, size: plan.size(of: verdict.point)?.bytes,
                reasons: verdict.reasons.map(\.description),
                items: verdict.items.map {
                    Item(item: $0.item.description, kept: $0.isKept, reasons: $0.reasons.map(\.description))
                })
        }
        legacy = plan.legacy.flatMap(\.archives).map {
            Archive(archive: $0.archive.path, kept: $0.isKept, size: $0.archive.size.bytes, reason: $0.reason)
        }
        leftAlone = plan.legacy.flatMap { plan in plan.strangers.map { "\(plan.directory)/\(RawPath($0))" } }
        refusals = plan.refusals.map { Refusal(code: $0.code, what: $0.what, remedy: $0.remedy) }
        removes = plan.removed.count + plan.removedArchives.count
        frees = plan.frees.bytes
        done = result.map { result in
            Done(
                points: result.points.map(\.description), archives: result.archives.map(\.path),
                freed: result.freed.bytes, problems: result.problems)
        }
    }

    // MARK: - Text

    var text: String {
        var text = policy.map { "Rules: \($0). Days are UTC.\n" } ?? ""
        if policy != nil, points.isEmpty { text += "There are no restore points.\n" }
        for run in runs(points, by: { [$0.kept ? "keep" : "remove"] + $0.explanation }) { text += self.text(of: run) }
        if !legacy.isEmpty { text += "Older archives:\n" }
        text += columns(
            legacy.map { line in
                [
                    "  \(line.kept ? "keep" : "remove")", "\(RawPath(line.archive))", "\(ByteCount(line.size))",
                    line.reason,
                ]
            })
        for path in leftAlone { text += "  ! \(path) is no regular file: left alone\n" }
        return text + closing
    }

    private func text(of run: ArraySlice<Point>) -> String {
        guard let first = run.first, let last = run.last else { return "" }
        let size = run.reduce(ByteCount(0)) { $0 + ByteCount($1.size ?? 0) }
        var text = "\(first.kept ? "keep  " : "remove")  \(first.point)"
        if run.count > 1 { text += " … \(last.point)" }
        text += "  \(run.count > 1 ? "\(run.count) points, " : "")\(size)"
        guard first.explanation.count > 1 else { return text + "  \(first.explanation.joined())\n" }
        return text + "\n" + first.explanation.map { "          \($0)\n" }.joined()
    }

    private var closing: String {
        guard let done else {
            var text =
                removes == 0
                ? "Nothing would be removed." : "Would remove \(what(removes)), \(ByteCount(frees))."
            for refusal in refusals {
                text += "\nIt would be refused: \(refusal.what)" + (refusal.remedy.map { "\n  → \($0)" } ?? "")
            }
            return text + "\nNothing was done.\n"
        }
        let count = done.points.count + done.archives.count
        var text = count == 0 ? "Nothing was removed." : "Removed \(what(count)), \(ByteCount(done.freed)) freed."
        if !done.problems.isEmpty { text += " \(done.problems.count) could not be removed; see above." }
        return text + "\n"
    }

    private func what(_ count: Int) -> String {
        "\(count) of \(points.count + legacy.count) \(legacy.isEmpty ? "restore points" : "restore points and older archives")"
    }

    /// Neighbours that are alike, together.
    private func runs(_ points: [Point], by key: (Point) -> [String]) -> [ArraySlice<Point>] {
        var runs: [ArraySlice<Point>] = []
        var start = points.startIndex
        for index in points.indices.dropFirst() where key(points[index]) != key(points[index - 1]) {
            runs.append(points[start..<index])
            start = index
        }
        return points.isEmpty ? [] : runs + [points[start...]]
    }
}

extension PruneReport.Point {
    /// Why, in one line where all items say the same; else a line for those that agree.
    var explanation: [String] {
        if !reasons.isEmpty { return [reasons.joined(separator: "; ")] }
        var lines: [(reason: String, items: [String])] = []
        for item in items {
            let reason = item.reasons.joined(separator: "; ")
            if let index = lines.firstIndex(where: { $0.reason == reason }) {
                lines[index].items.append(item.item)
            } else {
                lines.append((reason, [item.item]))
            }
        }
        guard lines.count > 1 else { return lines.map(\.reason) }
        return lines.map { "\($0.items.joined(separator: ", ")): \($0.reason)" }
    }
}
