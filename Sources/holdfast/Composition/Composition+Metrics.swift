import Machine
import Monitoring
import Recovery
import Settings

extension Composition {
    /// Whether `holdfast watch` could measure what it is to measure, for `check`. Backups do not depend on it: at worst a warning.
    func metricsFindings() -> [Readiness.Finding] {
        guard let file = settings.metrics.prometheus else { return [] }
        do {
            let plan = try Monitor.Plan.read(from: file, environment: environment(), url: "")
            let rules = plan.rules.groups.reduce(0) { $0 + $1.rules.count }
            let text = "\(counted(plan.prometheus.scrapes.count, "job")), \(counted(rules, "rule"))"
            return [Readiness.Finding(level: .ok, subject: "metrics", text: text, remedy: nil)]
        } catch {
            let explained = explain(error)
            let text = explained.what + (explained.place.map { " (\($0))" } ?? "")
            return [Readiness.Finding(level: .warn, subject: "metrics", text: text, remedy: explained.remedy)]
        }
    }
}
