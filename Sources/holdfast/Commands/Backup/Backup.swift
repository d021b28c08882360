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

    @Flag(help: "Though the points made before are not in the backup directory.")
    var acceptEmpty = false

    @Flag(help: "Then prune, as by night, unless the backup failed.")
    var prune = false

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
        let request = try request
        if dryRun {
            var planner = BackupPlanner(site)
            let plan = try await planner.plan(request)
            return try Output.result(BackupPlanReport(plan, to: request.file), json: common.json, text: \.text)
        }
        let aftermath = Aftermath(composition: composition, site: site)
        let result = try await aftermath.follow(beats: what.isEmpty, isWell: { $0.outcome == .complete }) {
            try await composition.locked("backup", scope: request.scope, site) { lock in
                try await BackupAttempt(request, site, holding: lock).run()
            }
        }
        if request.file != nil {
            try Output.result(StandAloneReport(result), json: common.json, text: \.text)
        } else {
            try Output.result(BackupReport(result), json: common.json, text: \.text)
        }
        if result.outcome == .failed { throw ExitStatus.failed }
        let isPruned = prune ? try await Pruning(composition, site).followsBackup() : true
        if result.outcome == .incomplete || !isPruned { throw ExitStatus.incomplete }
    }

    private var request: BackupRequest {
        get throws {
            let kinds: [String: Item.Kind] = ["volumes": .volume, "databases": .database, "files": .files]
            guard let word = what.first, let kind = kinds[word] else {
                return BackupRequest(
                    names: what, singleArchive: singleArchive, acceptsEmptyDirectory: acceptEmpty)
            }
            return BackupRequest(
                kind: kind, names: Array(what.dropFirst()), singleArchive: singleArchive,
                to: try to.map { try StandAloneFile($0, holding: kind) }, acceptsEmptyDirectory: acceptEmpty)
        }
    }
}
