import Glibc
import Schedules

/// What `schedule install` and `remove` print.
struct InstallationReport: Encodable {
    let by: String?
    let done: Bool
    let files: [File]
    let systemctl: [String]

    struct File: Encodable {
        let deed: String
        let path: String
        /// What is written; absent for what is removed or stays.
        let text: String?
    }

    private init(_ plan: InstallationPlan, done: Bool) {
        by = plan.way?.rawValue
        self.done = done
        files = plan.steps.map { step in
            let isWritten = step.deed == .write || step.deed == .rewrite
            return File(
                deed: step.deed.rawValue, path: plan.path(of: step.file), text: isWritten ? step.file.text : nil)
        }
        systemctl = (plan.before + plan.after).map { $0.joined(separator: " ") }
    }

    /// Shows the plan, and carries it out unless it is only to be seen.
    static func carryOut(_ plan: InstallationPlan, dryRun: Bool, json: Bool) async throws {
        if !dryRun {
            if !json { Output.say(InstallationReport(plan, done: false).text) }
            try await plan.execute()
        }
        try Output.result(InstallationReport(plan, done: !dryRun), json: json) { report in
            guard dryRun else { return report.conclusion(plan) }
            let texts = report.files.compactMap { file in file.text.map { "\n# \(file.path)\n\($0)" } }
            return report.text + texts.joined()
        }
    }

    private var text: String {
        guard !files.isEmpty else { return "" }
        return columns(files.map { [$0.deed, $0.path] }) + systemctl.map { "run     systemctl \($0)\n" }.joined()
    }

    private func conclusion(_ plan: InstallationPlan) -> String {
        let good = Style(for: STDOUT_FILENO).good("✓")
        guard plan.host.isLive else { return "\(good) done below \(plan.host.root)\n" }
        switch plan.way {
        case .systemd: return "\(good) systemd starts it; see: holdfast schedule show\n"
        case .cron: return "\(good) cron starts it; see: holdfast schedule show\n"
        case nil:
            return files.isEmpty
                ? "Nothing of that name is installed.\n" : "\(good) removed; nothing of it starts by itself any more\n"
        }
    }
}
