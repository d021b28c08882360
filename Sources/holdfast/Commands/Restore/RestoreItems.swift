import ArgumentParser
import Docker
import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints

struct RestoreVolume: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Get volumes back.",
        discussion: "Example: holdfast restore volume n8n_data --key /media/stick/private.asc\n\n\(ExitStatus.help)")

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: RestoreOptions

    func run() async throws { try await options.restore(.volume, common) }
}

struct RestoreFiles: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "files", abstract: "Get folders of backup.files back.",
        discussion: "Example: holdfast restore files compose --to /tmp/compose --key -\n\n\(ExitStatus.help)")

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: RestoreOptions

    func run() async throws { try await options.restore(.files, common) }
}

/// What `restore volume` and `restore files` share.
struct RestoreOptions: ParsableArguments {
    @OptionGroup var keys: KeyOptions
    @OptionGroup var signer: SignerOptions
    @OptionGroup var consent: Consent

    @Argument(help: "What to restore.")
    var names: [String]

    @Option(help: "The restore point; without: the newest in which the item is whole.")
    var from: String?

    @Option(help: "Restore into this folder, new or empty, instead of in place.")
    var to: String?

    @Option(parsing: .singleValue, help: "Only this file or folder of it; may be said again. Needs --to.")
    var path: [String] = []

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    func restore(_ kind: Item.Kind, _ common: CommonOptions) async throws {
        let composition = try Composition(common)
        let site = try await composition.site()
        let planner = RestorePlanner(site, trust: try await signer.trust(site))
        let request = RestoreRequest(kind: kind, names: names, from: from, to: to, paths: path)
        if dryRun {
            let plan = try await planner.plan(request)
            return try Output.result(RestorePlanReport(plan, site), json: common.json) {
                $0.text + "Nothing was done.\n"
            }
        }
        let result = try await composition.locked("restore", site) { lock in
            let plan = try await planner.plan(request)
            Output.say(RestorePlanReport(plan, site).text)
            if plan.changesLiveData { try consent.ask("Restore this?") }
            return try await keys.withKey { try await RestoreRun(plan, site, key: $0, holding: lock).run() }
        }
        try Output.result(RestoreReport(result), json: common.json, text: \.text)
        if !result.problems.isEmpty { throw ExitStatus.incomplete }
    }
}

/// The plan, as it is shown before it is carried out.
struct RestorePlanReport: Encodable {
    let items: [Line]
    let stops: [String]
    let warnings: [String]

    struct Line: Encodable {
        let item: String
        let from: String
        let age: String?
        let bytes: Int64?
        let to: String
        let keepsFormerData: Bool
    }

    init(_ plan: RestorePlan, _ site: Site) {
        items = plan.items.map { item in
            let place: (String, Bool) =
                switch item.target {
                case .live(let folder, let live): ("\(folder)/\(live)", true)
                case .newVolume(let name): ("the volume \(name), made anew", false)
                case .folder(let path): (path, false)
                }
            return Line(
                item: item.item.description, from: item.source.name,
                age: item.source.moment.map { durationText(max(0, site.clock.now().since($0))) },
                bytes: item.source.data?.bytes, to: place.0, keepsFormerData: place.1)
        }
        stops = plan.users.map(\.name)
        warnings = plan.warnings
    }

    var text: String {
        var text = "Plan:\n"
        text += columns(
            items.map { line in
                [
                    "  \(line.item)", "from \(line.from)", line.age.map { "\($0) old" } ?? "",
                    line.bytes.map { "\(ByteCount($0))" } ?? "size not known", "→ \(line.to)",
                ]
            })
        if !stops.isEmpty { text += "  stops meanwhile, and starts again: \(stops.joined(separator: ", "))\n" }
        if items.contains(where: \.keepsFormerData) {
            text += "  the former data is kept until: holdfast restore commit\n"
        }
        for warning in warnings { text += "! \(warning)\n" }
        return text
    }
}

/// What a restore prints at its end.
struct RestoreReport: Encodable {
    let items: [Line]
    let undo: String?
    let problems: [String]

    struct Line: Encodable {
        let item: String
        let from: String
        let place: String
        let entries: Int64
        let notes: [String]
    }

    init(_ result: RestoreRun.Result) {
        items = result.items.map { one in
            Line(
                item: one.item.description, from: one.source, place: one.place, entries: one.entries,
                notes: one.notes)
        }
        undo = result.restore
        problems = result.problems
    }

    var text: String {
        let style = Style(for: STDOUT_FILENO)
        var text = ""
        for line in items {
            text +=
                "\(style.good("✓")) \(line.item) is back from \(line.from): \(line.entries) entries in \(line.place)\n"
            for note in line.notes { text += "\(style.warn("!")) \(note)\n" }
        }
        for problem in problems { text += "\(style.bad("✗")) \(problem)\n" }
        if undo != nil { text += "Not what you wanted? holdfast restore undo. All well? holdfast restore commit\n" }
        return text
    }
}
