import Machine
import Schedules
import Yams

extension Schedule {
    private static let help = "Write `schedule: { backup: \"*-*-* 02:00\", prune: \"after backup\" }`."

    /// Reads the `schedule` section.
    init?(reading reader: NodeReader) {
        guard let fields = reader.fields(of: .schedule, remedy: Self.help) else { return nil }
        self.init(
            backup: fields["backup"].flatMap { $0.calendar() }, verify: fields["verify"].flatMap { $0.calendar() },
            prune: fields["prune"].flatMap(Self.prune))
        guard prune == .afterBackup, fields["backup"] == nil, let reader = fields["prune"] else { return }
        reader.badValue(
            "\(reader.label) waits for a backup that never runs.",
            remedy: "Add `schedule.backup`, or write a time: `prune: \"Sun 05:00\"`.")
    }

    private static func prune(reading reader: NodeReader) -> Prune? {
        let words = reader.node.scalar?.string.split(separator: " ").map { $0.lowercased() }
        guard words?.first == "after" else { return reader.calendar().map { .at($0) } }
        if words == ["after", "backup"] { return .afterBackup }
        reader.badValue("\(reader.label) can only wait for the backup.", remedy: "Write `after backup`, or a time.")
        return nil
    }
}

extension NodeReader {
    /// When something is to happen.
    fileprivate func calendar() -> CalendarExpression? {
        let help = "Write when: `daily`, `02:00`, `Sun 04:00`, `*-*-1 03:30`."
        guard let text = string(expected: "a time", remedy: help) else { return nil }
        do {
            return try CalendarExpression(text)
        } catch {
            let problem = explain(error)
            findings.report(
                "bad-value", "\(label): \(problem.what) (`\(printable(text))`)",
                at: place(of: (error as? ScheduleError)?.column ?? 1), remedy: problem.remedy ?? help)
            return nil
        }
    }

    /// Where that column of the text stands in the file; where the text begins if it is not written out in one line.
    private func place(of column: Int) -> SettingsProblem.Position? {
        guard let position, let scalar = node.scalar else { return position }
        switch scalar.style {
        case .plain: return .init(line: position.line, column: position.column + column - 1)
        case .singleQuoted, .doubleQuoted: return .init(line: position.line, column: position.column + column)
        default: return position
        }
    }
}
