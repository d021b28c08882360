import Alerting
import ArgumentParser
import Glibc
import Machine

struct NotifySend: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Looks how things stand, and sends what is news or waits.",
        discussion: """
            What the schedule runs every hour, so that a backup which never starts is noticed as well: when the last success of
            anything is older than `backup.max_age`, that is news. Sends nothing while another holdfast sends.

            Example: holdfast notify send

            Exit status: 0 nothing is in the way · 1 something was not delivered, or the outbox could not be written.
            """)

    @OptionGroup var common: CommonOptions

    @Flag(help: "Try dead letters again as well, once what was in their way is mended.")
    var again = false

    private struct Line: Encodable {
        let channel: String
        let id: String
        let title: String
        let result: String
        let words: String
        let next: String?

        init(_ delivery: Delivery) {
            channel = "\(delivery.kind) \(delivery.channel)"
            (id, title) = (delivery.id, delivery.title)
            words = delivery.answer.words
            next = delivery.next?.description
            result = delivery.isDead ? "dead" : delivery.next == nil ? "delivered" : "waiting"
        }
    }

    func run() async throws {
        let composition = try Composition(common)
        let aftermath = Aftermath(composition: composition, site: try await composition.site())
        var lines: [Line] = []
        let isDone = await aftermath.look { lines = try await composition.outbox.deliver(again: again).map(Line.init) }
        try Output.result(lines, json: common.json, text: text)
        if !isDone || lines.contains(where: { $0.result != "delivered" }) { throw ExitStatus.failed }
    }

    private func text(_ lines: [Line]) -> String {
        guard !lines.isEmpty else { return "Nothing was due.\n" }
        let style = Style(for: STDOUT_FILENO)
        return lines.map { line in
            let mark = line.result == "delivered" ? style.good("✓") : style.bad("✗")
            let tail = line.next.map { "; again at \($0)" } ?? (line.result == "dead" ? "; not tried any more" : "")
            let words = line.words.isEmpty ? "" : " (\(line.words))"
            return "\(mark) \(line.channel): \(line.title): \(line.result)\(words)\(tail)\n"
        }.joined()
    }
}
