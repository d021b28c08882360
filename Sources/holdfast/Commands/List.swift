import ArgumentParser
import Machine
import Recovery
import RestorePoints
import Settings

struct List: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "The restore points, oldest first.", discussion: "Example: holdfast list\n\n\(ExitStatus.help)")

    @OptionGroup var common: CommonOptions

    private struct Line: Encodable {
        let point: String
        let age: String
        let outcome: String
        let size: Int64?
        let items: [String: String]
        let problem: String?
    }

    func run() async throws {
        let now = SystemClock().now()
        let points = try Catalog(try Composition(common).settings.backup.directory).points()
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
        try Output.result(lines, json: common.json, text: text)
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
