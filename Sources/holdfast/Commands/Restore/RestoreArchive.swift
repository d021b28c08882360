import ArgumentParser
import Machine
import OpenPGP
import Recovery
import RestorePoints

struct RestoreArchive: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Get back what is in one archive, ours or `tar … | gpg` of any origin.",
        discussion: """
            Nobody's signature is checked: you name the file. What could do harm – devices, set-id files, links that lead out – is
            refused unless it is allowed by its name.

            With --volumes it holds volumes, NAME/_data each: all of it is staged, then you see what it holds, then all are swapped
            in at once.

            With --database it is a dump: ours, or plain SQL as pg_dump writes it. psql’s own commands in it (\\!) are refused.

            Examples: holdfast restore archive volumes-2025-12-08-120000.tar.gz.gpg --to /tmp/volumes --key -
                      holdfast restore archive volumes-2025-12-08-120000.tar.gz.gpg --volumes
                      holdfast restore archive postgres-2025-12-08.sql.gpg --database n8n --key -

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var consent: Consent

    @Argument(help: "The archive: .tar, .tar.gz, .tar.zst, .tar.xz, with or without .gpg.")
    var files: [String]

    @Option(help: "Restore into this folder, new or empty.")
    var to: String?

    @Option(help: "Restore as this volume; its present data is kept until `restore commit`.")
    var volume: String?

    @Flag(help: "Restore all volumes that it holds; their present data is kept until `restore commit`.")
    var volumes = false

    @OptionGroup var place: VolumesOptions

    @Option(help: "Restore as this database of backup.databases; the present one is kept until `restore commit`.")
    var database: String?

    @Option(help: "With --database: a database that is not there yet, instead of the present one.")
    var into: String?

    @Option(parsing: .singleValue, help: "Only this file or folder of it; may be said again.")
    var path: [String] = []

    @Flag(help: "Allow device nodes.")
    var allowDevices = false

    @Flag(name: .customLong("allow-setid"), help: "Allow set-user-id and set-group-id files.")
    var allowSetID = false

    @Flag(name: .customLong("allow-escaping-links"), help: "Allow symbolic links that lead out of the tree.")
    var allowLinksOut = false

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    func validate() throws {
        if into != nil, database == nil { throw ValidationError("--into needs --database.") }
        if volumes, to != nil || volume != nil || database != nil || !path.isEmpty {
            throw ValidationError(
                "--volumes is for all of them, in place: leave --to, --volume, --database and --path out.")
        }
        if database != nil, to != nil || volume != nil || !path.isEmpty {
            throw ValidationError("A dump goes into a database: leave --to, --volume and --path out.")
        }
    }

    func run() async throws {
        let composition = try Composition(common, place)
        let site = try await composition.site()
        let allowed = ArchiveFile.Allowed(devices: allowDevices, setID: allowSetID, linksOut: allowLinksOut)
        let file = try ArchiveFile(files, allowed: allowed)
        if let database { return try await restore(file, as: database, composition, site) }
        let planner = RestorePlanner(site, trust: .nobody(because: "a file was named"))
        if let root = place.volumesRoot { try await planner.requireVolumes(in: root) }
        if volumes { return try await restoreVolumes(of: file, planner, composition, site) }
        if dryRun {
            let plan = try await planner.plan(file, volume: volume, to: to, paths: path)
            return try Output.result(RestorePlanReport(plan, site), json: common.json) {
                $0.text + "Nothing was done.\n"
            }
        }
        let result = try await composition.locked("restore", site) { lock in
            let plan = try await planner.plan(file, volume: volume, to: to, paths: path)
            Output.say(RestorePlanReport(plan, site).text)
            if plan.changesLiveData { try consent.ask("Restore this?") }
            return try await keys.withKey { try await RestoreRun(plan, site, key: $0, holding: lock).run() }
        }
        try Output.result(RestoreReport(result), json: common.json, text: \.text)
        if !result.problems.isEmpty { throw ExitStatus.incomplete }
    }

    /// What is in the archive is known only once it was read: it is staged before it is asked about.
    private func restoreVolumes(
        of file: ArchiveFile, _ planner: RestorePlanner, _ composition: Composition, _ site: Site
    ) async throws {
        if dryRun {
            let plan = try await keys.withKey { try await planner.plan(volumesOf: file, key: $0) }
            return try Output.result(RestorePlanReport(plan, site), json: common.json) {
                $0.text + "Nothing was done.\n"
            }
        }
        try consent.requireAnswer(to: "Restore all volumes in \(RawPath(file.path))?")
        let result = try await composition.locked("restore", site) { lock in
            try await keys.withKey { key in
                Output.say("Stages all volumes in \(RawPath(file.path)); nothing that lives changes yet.\n")
                return try await VolumesStaging.with(file, site, key: key, holding: lock) { staging in
                    let plan = try await planner.plan(staging)
                    Output.say(RestorePlanReport(plan, site).text)
                    try consent.ask("Restore this?")
                    return try await RestoreRun(plan, site, key: key, holding: lock).run()
                }
            }
        }
        try Output.result(RestoreReport(result), json: common.json, text: \.text)
        if !result.problems.isEmpty { throw ExitStatus.incomplete }
    }

    private func restore(_ file: ArchiveFile, as name: String, _ composition: Composition, _ site: Site) async throws {
        let (into, name) = (into, name)
        try await DatabaseRestores(composition, site, keys, consent, json: common.json, dryRun: dryRun).run { key in
            try await DatabaseRestorePlanner(site, trust: .nobody(because: "a file was named"), key: key)
                .plan(file, name: name, into: into)
        }
    }
}
