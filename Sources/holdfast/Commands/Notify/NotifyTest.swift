import Alerting
import ArgumentParser
import Glibc
import Machine

struct NotifyTest: TalkingCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Sends a message of no meaning on every channel, or on one.",
        discussion: """
            It goes out at once and is not kept in the outbox. A heartbeat is told of a success. On PagerDuty the test is
            an event of severity info, to be resolved by hand.

            Example: holdfast notify test ops

            Exit status: 0 all went out · 1 one did not · 4 there is no such channel.
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "The channel’s name, or an address; else all.")
    var channel: String?

    private struct Line: Encodable {
        let channel: String
        let delivered: Bool
        let words: String

        init(_ channel: String, _ answer: Answer) {
            self.channel = channel
            delivered = if case .delivered = answer { true } else { false }
            words = answer.words
        }
    }

    func run() async throws {
        let destinations = try Composition(common).destinations.named(channel)
        let notice = Self.notice(on: hostName(), at: SystemClock().now())
        var lines: [Line] = []
        for channel in destinations.channels { lines.append(Line(channel.label, try await channel.attempt(notice))) }
        for heartbeat in destinations.heartbeats {
            lines.append(Line("heartbeat \(heartbeat.name)", try await heartbeat.tell(.success)))
        }
        try Output.result(lines, json: common.json, text: text)
        if lines.contains(where: { !$0.delivered }) { throw ExitStatus.failed }
    }

    private static func notice(on host: String, at moment: Timestamp) -> Notice {
        Notice(
            id: "test-\(moment.format("%Y-%m-%dT%H%M%SZ"))", kind: .test, key: "test", host: host, moment: moment,
            title: "Test: messages from \(host) arrive",
            summary: "Somebody typed `holdfast notify test`. Nothing is wrong.", since: moment,
            wrong: [.init(subject: "volume.example", text: "The error would stand here, in the tool's own words.")],
            good: [.init(subject: "volume.other", text: "what is still good, and how old it is")],
            next: "holdfast status")
    }

    private func text(_ lines: [Line]) -> String {
        guard !lines.isEmpty else { return "The configuration names no channel: add `notify:` to it.\n" }
        let style = Style(for: STDOUT_FILENO)
        return lines.map { line in
            let mark = line.delivered ? style.good("✓") : style.bad("✗")
            let sent = line.channel.hasPrefix("heartbeat ") ? "told of a success" : "sent"
            return
                "\(mark) \(line.channel): \(line.delivered ? sent : "not sent")\(line.words.isEmpty ? "" : ": \(line.words)")\n"
        }.joined()
    }
}
