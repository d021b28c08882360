import Alerting
import ArgumentParser
import Machine

struct Notify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Messages: try the channels, see what waits, send what is due.",
        discussion: "Example: holdfast notify test\n\n\(ExitStatus.help)",
        subcommands: [NotifyTest.self, NotifyList.self, NotifySend.self])
}
