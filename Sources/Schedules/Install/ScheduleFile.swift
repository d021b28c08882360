/// A file by which somebody else starts our jobs: a unit of systemd's, or a table of cron's.
package struct ScheduleFile: Equatable, Sendable {
    /// Absolute, as the host sees it.
    package let path: String
    package let text: String

    /// The first lines of every file of ours. Without them a file is somebody else's, and left alone.
    static func head(_ program: Program) -> String {
        """
        \(marker)
        \(configurationMark)\(program.configuration)

        """
    }

    /// Whether `text` is of a file that we wrote.
    static func isOurs(_ text: String) -> Bool { text.hasPrefix(marker + "\n") }

    /// The configuration that a file of ours names.
    static func configuration(in text: String) -> String? {
        guard isOurs(text) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix(configurationMark) }
        return line.map { String($0.dropFirst(configurationMark.count)) }
    }

    private static let marker =
        "# Made by `holdfast schedule install`, which writes it anew; `holdfast schedule remove` takes it away."
    private static let configurationMark = "# Configuration: "
}
