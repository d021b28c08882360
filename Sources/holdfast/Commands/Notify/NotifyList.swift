import Alerting
import ArgumentParser
import Machine

struct NotifyList: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Messages that are not delivered, and why.",
        discussion: """
            Dead letters were refused for good, or failed for three days: `holdfast notify send --again` tries them once
            more, removing a file forgets its message.

            Example: holdfast notify list

            Exit status: 0, whatever waits.
            """)

    @OptionGroup var common: CommonOptions

    private struct Line: Encodable {
        let channel: String
        let id: String
        let title: String
        let state: String
        let put: String?
        let tries: Int
        let reason: String?
        let next: String?
        let file: String

        init(_ waiting: Waiting) {
            channel = waiting.kind.isEmpty ? "?" : "\(waiting.kind) \(waiting.channel)"
            (id, title) = (waiting.id, waiting.title)
            state = waiting.isDead ? "dead" : waiting.isKnown ? "waiting" : "stranded"
            put = waiting.put?.description
            (tries, reason, file) = (waiting.tries, waiting.reason, waiting.file)
            next = waiting.next?.description
        }
    }

    func run() async throws {
        let lines = try Composition(common).outbox.waiting().map(Line.init)
        try Output.result(lines, json: common.json, text: text)
    }

    private func text(_ lines: [Line]) -> String {
        guard !lines.isEmpty else { return "Nothing waits: all messages are delivered.\n" }
        return lines.map { line in
            """
            \(line.state)  \(line.channel)  \(line.title.isEmpty ? line.id : line.title)
              \(line.put.map { "since \($0), " } ?? "")tried \(counted(line.tries, "time"))\(line.next.map { ", again at \($0)" } ?? "")
              \(line.reason.map { "\($0)\n  " } ?? "")\(line.file)

            """
        }.joined()
    }
}
