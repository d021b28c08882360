import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints
import Settings

/// What `backup --dry-run` prints.
struct BackupPlanReport: Encodable {
    let directory: String
    let file: String?
    let recipients: [String]
    let items: [Line]
    let forecast: Int64?
    let free: Int64?
    let singleArchive: Bool
    let warnings: [String]

    struct Line: Encodable {
        let item: String
        let path: String
        let quiesce: [String]
        let hooks: [String]
        let expected: Int64?
        let problem: String?
    }

    init(_ plan: BackupPlan, to file: StandAloneFile?) {
        directory = plan.directory
        self.file = file?.path
        recipients = plan.recipients.map(\.name)
        items = plan.items.map { item in
            Line(
                item: item.item.description, path: item.path,
                quiesce: item.still.map { "\($0.mode.rawValue) \($0.name)" },
                hooks: (item.before + item.after).map { "\($0.name): \($0.command)" }, expected: item.expected?.bytes,
                problem: item.problem?.description)
        }
        forecast = plan.forecast?.bytes
        free = plan.free?.bytes
        singleArchive = plan.singleArchive
        warnings = plan.warnings
    }

    var text: String {
        let what = file.map { "the file \($0)" } ?? "a restore point in \(directory)"
        var text = "Would make \(what), for \(recipients.joined(separator: ", ")):\n"
        text += columns(
            items.map { line in
                let around = line.quiesce + line.hooks + (line.problem.map { ["will fail: \($0)"] } ?? [])
                return [
                    "  \(line.item)", line.path, line.expected.map { "about \(ByteCount($0))" } ?? "size not known yet",
                    around.joined(separator: "; "),
                ]
            })
        text +=
            "Forecast: \(forecast.map { "\(ByteCount($0))" } ?? "unknown"), free: \(free.map { "\(ByteCount($0))" } ?? "unknown"). "
        text += singleArchive && file == nil ? "One archive for all. " : ""
        for warning in warnings { text += "\n! \(warning)" }
        return text + "\nNothing was done.\n"
    }
}

/// What `backup` prints.
struct BackupReport: Encodable {
    let point: String?
    let outcome: String
    let items: [Manifest.ItemRecord]
    let size: Int64
    let seconds: Double
    let problems: [String: String]

    init(_ result: BackupResult) {
        let manifest: Manifest? = if case .point(let manifest) = result.made { manifest } else { nil }
        point = manifest?.point.description
        outcome = result.outcome.rawValue
        items = manifest?.items ?? []
        size = manifest?.size.bytes ?? 0
        seconds = result.seconds
        problems = result.problems
    }

    var text: String {
        let style = Style(for: STDOUT_FILENO)
        var text = ""
        for (items, problem) in together(problems) { text += problemLine(items, problem, style) }
        guard let point else { return text + "No restore point was made: nothing could be saved.\n" }
        let whole = items.filter { $0.outcome == .whole }.count
        return text
            + "Restore point \(point), \(outcome): \(whole) of \(items.count) items whole, \(ByteCount(size)) in \(durationText(seconds)).\n"
    }
}

/// What `backup … --to FILE` prints.
struct StandAloneReport: Encodable {
    let file: String?
    let outcome: String
    let items: [Manifest.ItemRecord]
    let size: Int64
    let keys: [String]
    let seconds: Double
    let problems: [String: String]

    init(_ result: BackupResult) {
        let made: (path: String, archive: Manifest.Archive)? =
            if case .file(let path, let archive) = result.made { (path, archive) } else { nil }
        file = made?.path
        outcome = result.outcome.rawValue
        items = result.items
        size = made?.archive.size ?? 0
        keys = made?.archive.keys ?? []
        seconds = result.seconds
        problems = result.problems
    }

    var text: String {
        let style = Style(for: STDOUT_FILENO)
        var text = ""
        for (items, problem) in together(problems) { text += problemLine(items, problem, style) }
        guard let file else { return text + "No file was made: all of it has to be whole.\n" }
        return text
            + "\(file): \(items.map(\.item.description).joined(separator: ", ")), \(ByteCount(size)) in \(durationText(seconds)).\n"
    }
}

private func problemLine(_ items: [String], _ problem: String, _ style: Style) -> String {
    "\(style.bad("✗")) \(items.map { $0.isEmpty ? "this run" : $0 }.joined(separator: ", ")): \(problem)\n"
}
