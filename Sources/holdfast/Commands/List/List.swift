import ArgumentParser
import Machine
import Recovery
import RestorePoints
import Settings

struct List: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "The restore points, oldest first, and the archives of older scripts.",
        discussion: """
            With --json only the points; with --legacy only the archives in the folders of `backup.legacy`.

            Examples: holdfast list
                      holdfast list --legacy --json

            \(ExitStatus.help)
            """)

    @OptionGroup var common: CommonOptions

    @Flag(help: "Only the archives of older scripts.")
    var legacy = false

    private struct Line: Encodable {
        let point: String
        let age: String
        let outcome: String
        let size: Int64?
        let items: [String: String]
        let problem: String?
    }

    func run() async throws {
        let backup = try Composition(common).settings.backup
        if legacy {
            return try Output.result(
                try backup.legacy.flatMap { try LegacyLine.lines(in: $0.directory) }, json: common.json
            ) { $0.isEmpty ? "There are no older archives.\n" : LegacyLine.text($0) }
        }
        let now = SystemClock().now()
        let points = try Catalog(backup.directory).points()
        let lines = points.map { point in
            let age = durationText(max(0, now.since(point.name.moment)))
            switch point.manifest {
            case .success(let manifest):
                let items = Dictionary(manifest.items.map { ($0.item.description, $0.outcome.rawValue) }) { one, _ in
                    one
                }
                return Line(
                    point: point.name.description, age: age, outcome: manifest.outcome.rawValue,
                    size: manifest.size.bytes, items: items,
                    problem: nil)
            case .failure(let error):
                return Line(
                    point: point.name.description, age: age, outcome: "unreadable", size: nil, items: [:],
                    problem: error.what)
            }
        }
        try Output.result(lines, json: common.json) { text($0) + legacySection(backup.legacy) }
    }

    /// A folder that is not there must not hide the points.
    private func legacySection(_ folders: [Settings.Legacy]) -> String {
        folders.map { folder in
            do {
                let lines = try LegacyLine.lines(in: folder.directory)
                return "\nOlder archives in \(folder.directory)\(lines.isEmpty ? ": none\n" : "\n")"
                    + LegacyLine.text(lines)
            } catch {
                return "\nOlder archives: \(explain(error))\n"
            }
        }.joined()
    }

    private func text(_ lines: [Line]) -> String {
        guard !lines.isEmpty else { return "No restore points yet. Make one: holdfast backup\n" }
        let rows = lines.map { line in
            let whole = line.items.values.filter { $0 == "whole" }.count
            let items = line.problem ?? "\(whole) of \(line.items.count) items whole"
            return [line.point, "\(line.age) ago", line.size.map { "\(ByteCount($0))" } ?? "–", line.outcome, items]
        }
        return columns([["POINT", "AGE", "SIZE", "OUTCOME", "ITEMS"]] + rows)
    }
}
