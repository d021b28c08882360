import ArgumentParser
import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints
import Settings

struct Backup: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a restore point.",
        discussion: """
            Everything that holdfast.yml names, or only volumes, only files, only databases, or only the items named.

            Examples: holdfast backup
                      holdfast backup volumes n8n_data --dry-run

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions

    @Argument(
        help: ArgumentHelp(
            "`volumes`, `files` or `databases`, then names; nothing for everything.",
            valueName: "volumes|files|databases|name")
    )
    var what: [String] = []

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    @Flag(help: "One archive for everything instead of one an item.")
    var singleArchive = false

    func run() async throws {
        let composition = try Composition(common)
        let site = try await composition.site()
        if dryRun {
            var planner = BackupPlanner(site)
            let plan = try await planner.plan(request)
            return try Output.result(BackupPlanReport(plan), json: common.json, text: \.text)
        }
        let aftermath = Aftermath(composition: composition, site: site)
        let result = try await aftermath.follow(beats: what.isEmpty, isWell: { $0.outcome == .complete }) {
            try await composition.locked("backup", site) { lock in
                try await BackupAttempt(request, site, holding: lock).run()
            }
        }
        try Output.result(BackupReport(result), json: common.json, text: \.text)
        guard let manifest = result.manifest else { throw ExitStatus.failed }
        if manifest.outcome == .incomplete || !result.problems.isEmpty { throw ExitStatus.incomplete }
    }

    private var request: BackupRequest {
        switch what.first {
        case "volumes": BackupRequest(kind: .volume, names: Array(what.dropFirst()), singleArchive: singleArchive)
        case "databases":
            BackupRequest(kind: .database, names: Array(what.dropFirst()), singleArchive: singleArchive)
        case "files": BackupRequest(kind: .files, names: Array(what.dropFirst()), singleArchive: singleArchive)
        default: BackupRequest(names: what, singleArchive: singleArchive)
        }
    }
}

/// What `backup --dry-run` prints.
private struct BackupPlanReport: Encodable {
    let directory: String
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

    init(_ plan: BackupPlan) {
        directory = plan.directory
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
        var text = "Would make a restore point in \(directory), for \(recipients.joined(separator: ", ")):\n"
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
        text += singleArchive ? "One archive for all. " : ""
        for warning in warnings { text += "\n! \(warning)" }
        return text + "\nNothing was done.\n"
    }
}

/// What `backup` prints.
private struct BackupReport: Encodable {
    let point: String?
    let outcome: String
    let items: [Manifest.ItemRecord]
    let size: Int64
    let seconds: Double
    let problems: [String: String]

    init(_ result: BackupRun.Result) {
        point = result.manifest?.point.description
        outcome = result.manifest.map { result.problems.isEmpty ? $0.outcome.rawValue : "incomplete" } ?? "failed"
        items = result.manifest?.items ?? []
        size = result.manifest?.size.bytes ?? 0
        seconds = result.seconds
        problems = result.problems
    }

    var text: String {
        let style = Style(for: STDOUT_FILENO)
        var text = ""
        for (item, problem) in problems.sorted(by: { $0.key < $1.key }) {
            text += "\(style.bad("✗")) \(item.isEmpty ? "this run" : item): \(problem)\n"
        }
        guard let point else { return text + "No restore point was made: nothing could be saved.\n" }
        let whole = items.filter { $0.outcome == .whole }.count
        return text
            + "Restore point \(point), \(outcome): \(whole) of \(items.count) items whole, \(ByteCount(size)) in \(durationText(seconds)).\n"
    }
}
