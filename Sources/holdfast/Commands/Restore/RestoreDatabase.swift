import ArgumentParser
import Databases
import Docker
import Machine
import OpenPGP
import Recovery
import RestorePoints

struct RestoreDatabase: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "database", abstract: "Get a database back.",
        discussion: """
            New database → load in one transaction → compare tables and rows → exchange names. Until that, nothing live changes;
            clients are disconnected for a moment, and the former database is kept until `restore commit`.

            Examples: holdfast restore database n8n --key /media/stick/private.asc
                      holdfast restore database n8n --into n8n_yesterday --from 2026-11-22T020000Z --key -

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var signer: SignerOptions
    @OptionGroup var consent: Consent

    @Argument(help: "The database, as `holdfast show` names it, without `database.`.")
    var name: String

    @Option(help: "The restore point; without: the newest in which the database is whole.")
    var from: String?

    @Option(help: "Restore as this database, which is not there yet, instead of the live one.")
    var into: String?

    @Option(help: "The entry of backup.databases whose server it goes to; without: the one that it was saved from.")
    var entry: String?

    @Flag(help: "Apply what the backup has of roles and memberships and the server has not; see --dry-run.")
    var globals = false

    @Flag(help: "Show what would be done, and do nothing. Needs the key as well.")
    var dryRun = false

    func run() async throws {
        let composition = try Composition(common)
        let site = try await composition.site()
        let trust = try await signer.trust(site)
        let request = DatabaseRestoreRequest(
            name: name, from: from, into: into, entry: entry, appliesGlobals: globals)
        try await DatabaseRestores(composition, site, keys, consent, json: common.json, dryRun: dryRun).run { key in
            try await DatabaseRestorePlanner(site, trust: trust, key: key).plan(request)
        }
    }
}

/// What `restore database` and `restore archive --database` share: plan, show, ask, do, report.
struct DatabaseRestores {
    private let composition: Composition
    private let site: Site
    private let keys: KeyOptions
    private let consent: Consent
    private let json: Bool
    private let dryRun: Bool

    init(
        _ composition: Composition, _ site: Site, _ keys: KeyOptions, _ consent: Consent, json: Bool, dryRun: Bool
    ) {
        self.composition = composition
        self.site = site
        self.keys = keys
        self.consent = consent
        self.json = json
        self.dryRun = dryRun
    }

    func run(_ plan: @Sendable (DecryptionKey) async throws -> DatabaseRestorePlan) async throws {
        if dryRun {
            let report = try await keys.withKey { DatabasePlanReport(try await plan($0), site) }
            try Output.result(report, json: json) { report in
                report.text + (report.problem.map { "✗ \($0)\n" } ?? "") + "Nothing was done.\n"
            }
            if report.problem != nil { throw ExitStatus.refused }
            return
        }
        let result = try await composition.locked("restore", site) { lock in
            try await keys.withKey { key in
                let plan = try await plan(key)
                Output.say(DatabasePlanReport(plan, site).text)
                if plan.problem == nil { try consent.ask("Restore this?") }
                return try await DatabaseRestoreRun(plan, site, key: key, holding: lock).run()
            }
        }
        try Output.result(DatabaseReport(result), json: json, text: \.text)
        if !result.problems.isEmpty { throw ExitStatus.incomplete }
    }
}

/// The plan, as it is shown before it is carried out.
private struct DatabasePlanReport: Encodable {
    let item: String
    let from: String
    let age: String?
    let database: String
    let entry: String
    let tables: Int?
    let rows: Int64?
    let keepsFormer: Bool
    let presentSize: Int64?
    /// What the backup has of roles and the server has not; without passwords.
    let globals: [String]
    let appliesGlobals: Bool
    let stops: [String]
    let warnings: [String]
    let problem: String?

    init(_ plan: DatabaseRestorePlan, _ site: Site) {
        item = plan.item.description
        from = plan.source.name
        age = plan.source.moment.map { durationText(max(0, site.clock.now().since($0))) }
        database = plan.target
        entry = plan.entry
        tables = plan.facts?.tables.count
        rows = plan.facts?.rows
        keepsFormer = plan.replaces
        presentSize = plan.present?.bytes
        globals = plan.globals?.shown ?? []
        appliesGlobals = plan.appliesGlobals
        stops = plan.users.map(\.name)
        warnings = plan.warnings
        problem = plan.problem?.description
    }

    var text: String {
        let content = tables.map { "\(counted($0, "table")), \(counted(rows ?? 0, "row"))" } ?? "contents not known yet"
        var text =
            "Plan:\n  \(item)  from \(from)\(age.map { ", \($0) old" } ?? "")  \(content)  → database \(RawPath(database)) of \(entry)\n"
        if keepsFormer {
            let size = presentSize.map { " (\(ByteCount($0)))" } ?? ""
            text +=
                "  its clients are disconnected while names are exchanged; the present database\(size) is kept until: holdfast restore commit\n"
        } else {
            text += "  there is no such database now: it is made\n"
        }
        if !stops.isEmpty { text += "  stops meanwhile, and starts again: \(stops.joined(separator: ", "))\n" }
        if !globals.isEmpty {
            text +=
                appliesGlobals
                ? "  applies to the server, whose other databases may use these roles too:\n"
                : "  roles differ from the backup’s; applied only with --globals:\n"
            for line in globals { text += "    + \(line)\n" }
        }
        for warning in warnings { text += "! \(warning)\n" }
        return text
    }
}

/// What a restore of a database prints at its end.
private struct DatabaseReport: Encodable {
    let item: String
    let from: String
    let database: String
    let tables: Int
    let rows: Int64
    let undo: String?
    let notes: [String]
    let problems: [String]

    init(_ result: DatabaseRestoreRun.Result) {
        item = result.item.description
        from = result.source
        database = result.database
        tables = result.tables
        rows = result.rows
        undo = result.restore
        notes = result.notes
        problems = result.problems
    }

    var text: String {
        var text =
            "✓ \(item) from \(from) is the database \(RawPath(database)): \(counted(tables, "table")), \(counted(rows, "row"))\n"
        for note in notes { text += "  \(note)\n" }
        for problem in problems { text += "✗ \(problem)\n" }
        if undo != nil {
            text +=
                "To go back: holdfast restore undo. To stay, and drop what was there before: holdfast restore commit\n"
        }
        return text
    }
}
