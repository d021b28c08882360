import ArgumentParser
import Machine
import Recovery
import RestorePoints
import Settings

struct Show: TalkingCommand {
    static let configuration = CommandConfiguration(
        abstract: "What is in one restore point.",
        discussion: "Example: holdfast show latest\n\n\(ExitStatus.help)")

    @OptionGroup var common: CommonOptions

    @Argument(help: "The point, or `latest`.")
    var point: String

    func run() async throws {
        let settings = try Composition(common).settings
        let found = try Catalog(settings.backup.directory).point(point)
        let manifest = try found.manifest.get()
        let problems = RunRecords(StateFolder(settings.state)).problems(of: manifest.point)
        try Output.result(manifest, json: common.json) { text($0) + reasons(problems) }
    }

    /// Why items are not whole; known where the point was made.
    private func reasons(_ problems: [String: String]) -> String {
        problems.isEmpty
            ? ""
            : "\n"
                + problems.sorted { $0.key < $1.key }.map { "✗ \($0.key.isEmpty ? "the run" : $0.key): \($0.value)\n" }
                .joined()
    }

    private func text(_ manifest: Manifest) -> String {
        var text = """
            point       \(manifest.point), \(manifest.outcome.rawValue)
            host        \(manifest.host)
            made        \(manifest.started) to \(manifest.finished), by holdfast \(manifest.holdfast)
            recipients  \(manifest.recipients.joined(separator: ", "))
            follows     \(manifest.previous.map { "\($0.point)" } ?? "nothing: the first")
            size        \(manifest.size)


            """
        text += columns(
            [["ITEM", "OUTCOME", "ENTRIES", "DATA", "ARCHIVE", "TOOK"]]
                + manifest.items.map { record in
                    let size = record.archive.flatMap { manifest.archive(named: $0)?.size }
                    return [
                        record.item.description, record.outcome.rawValue, "\(record.entries)",
                        "\(ByteCount(record.bytes))",
                        size.map { "\(ByteCount($0))" } ?? record.error ?? "–", durationText(record.seconds),
                    ]
                })
        return text
    }
}
