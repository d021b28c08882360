import Alerting
import Machine
import Recovery
import Settings

extension Composition {
    /// Whether anybody would hear of a backup that fails, for `check`.
    func messageFindings() -> [Readiness.Finding] {
        let destinations = destinations
        let names = destinations.channels.map(\.label) + destinations.heartbeats.map { "heartbeat \($0.name)" }
        guard !names.isEmpty else {
            return [
                Readiness.Finding(
                    level: .warn, subject: "messages", text: "nobody is told when a backup fails",
                    remedy: "Add `notify:` to \(settings.file), then: holdfast notify test")
            ]
        }
        var findings = [
            Readiness.Finding(level: .ok, subject: "messages", text: names.joined(separator: ", "), remedy: nil)
        ]
        let stuck = ((try? outbox.waiting()) ?? []).filter { $0.isDead || !$0.isKnown }
        if let last = stuck.last {
            findings.append(
                Readiness.Finding(
                    level: .warn, subject: "messages",
                    text: "\(counted(stuck.count, "message")) could not be delivered: \(last.reason ?? "")",
                    remedy: "holdfast notify list, then: holdfast notify send --again"))
        }
        return findings
    }
}
