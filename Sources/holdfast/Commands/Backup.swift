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
            Everything that holdfast.yml names, or only volumes, only files, only databases, or only the items named. With --to
            it is one stand-alone file instead: a tar of volumes that `gpg -d | tar` opens, or one database as SQL for psql.

            Examples: holdfast backup
                      holdfast backup volumes n8n_data --dry-run
                      holdfast backup volumes --to /var/backups/volumes-2026-11-22.tar.gz.gpg
                      holdfast backup databases n8n --to /var/backups/postgres-2026-11-22.sql.gpg

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

    @Option(
        help: ArgumentHelp(
            "This file instead of a restore point: …tar.gz.gpg or …tar.zst.gpg of volumes, …sql.gpg of one database.",
            valueName: "file"))
    var to: String?

    @OptionGroup var volumes: VolumesOptions

    func validate() throws {
        guard to != nil else { return }
        guard ["volumes", "databases"].contains(what.first) else {
            throw ValidationError("--to is for `backup volumes` or `backup databases`.")
        }
        if singleArchive { throw ValidationError("--to is one archive already: leave --single-archive out.") }
    }

    func run() async throws {
        let composition = try Composition(common, volumes)
        let site = try await composition.site()
        var planner = BackupPlanner(site)
        let request = try request
        if dryRun {
            let plan = try await planner.plan(request)
            return try Output.result(BackupPlanReport(plan, to: request.file), json: common.json, text: \.text)
        }
        let result: Result = try await composition.locked("backup", site) { lock in
            let plan = try await planner.plan(request)
            for warning in plan.warnings { composition.console.show(.warning(warning)) }
            if let file = request.file {
                return .file(try await StandAloneRun(plan, to: file, site, holding: lock).run())
            }
            return .point(try await BackupRun(plan, site, holding: lock).run())
        }
        switch result {
        case .point(let result):
            try Output.result(BackupReport(result), json: common.json, text: \.text)
            guard let manifest = result.manifest else { throw ExitStatus.failed }
            if manifest.outcome == .incomplete || !result.problems.isEmpty { throw ExitStatus.incomplete }
        case .file(let result):
            try Output.result(StandAloneReport(result), json: common.json, text: \.text)
            if result.archive == nil { throw ExitStatus.failed }
            if !result.problems.isEmpty { throw ExitStatus.incomplete }
        }
    }

    private enum Result: Sendable {
        case point(BackupRun.Result)
        case file(StandAloneRun.Result)
    }

    private var request: BackupRequest {
        get throws {
            let kinds: [String: Item.Kind] = ["volumes": .volume, "databases": .database, "files": .files]
            guard let word = what.first, let kind = kinds[word] else {
                return BackupRequest(names: what, singleArchive: singleArchive)
            }
            return BackupRequest(
                kind: kind, names: Array(what.dropFirst()), singleArchive: singleArchive,
                to: try to.map { try StandAloneFile($0, holding: kind) })
        }
    }
}

/// What `backup --dry-run` prints.
private struct BackupPlanReport: Encodable {
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

/// What `backup … --to FILE` prints.
private struct StandAloneReport: Encodable {
    let file: String?
    let outcome: String
    let items: [Manifest.ItemRecord]
    let size: Int64
    let keys: [String]
    let seconds: Double
    let problems: [String: String]

    init(_ result: StandAloneRun.Result) {
        file = result.archive.map { _ in result.file }
        outcome = result.archive == nil ? "failed" : result.problems.isEmpty ? "complete" : "incomplete"
        items = result.items
        size = result.archive?.size ?? 0
        keys = result.archive?.keys ?? []
        seconds = result.seconds
        problems = result.problems
    }

    var text: String {
        let style = Style(for: STDOUT_FILENO)
        var text = ""
        // What fails one volume fails the archive that all of them are in.
        for (problem, of) in Dictionary(grouping: problems.keys, by: { problems[$0] ?? "" }).sorted(by: {
            $0.key < $1.key
        }) {
            let items = of.sorted().map { $0.isEmpty ? "this run" : $0 }.joined(separator: ", ")
            text += "\(style.bad("✗")) \(items): \(problem)\n"
        }
        guard let file else { return text + "No file was made: all of it has to be whole.\n" }
        return text
            + "\(file): \(items.map(\.item.description).joined(separator: ", ")), \(ByteCount(size)) in \(durationText(seconds)).\n"
    }
}
