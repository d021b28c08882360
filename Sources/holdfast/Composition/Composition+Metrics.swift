import Machine
import Monitoring
import Recovery
import Settings

extension Composition {
    /// Whether `holdfast watch` could measure what it is to measure, for `check`. Where backups are made as well, which do not
    /// depend on it, at worst a warning.
    static func findings(_ metrics: Settings.Metrics, isAlone: Bool) -> [Readiness.Finding] {
        guard let file = metrics.prometheus else { return [] }
        do {
            let plan = try Monitor.Plan.read(from: file, environment: environment(), url: "")
            return [Readiness.Finding(level: .ok, subject: "metrics", text: plan.summary, remedy: nil)]
        } catch {
            let explained = explain(error)
            let text = explained.what + (explained.place.map { " (\($0))" } ?? "")
            return [
                Readiness.Finding(
                    level: isAlone ? .fail : .warn, subject: "metrics", text: text, remedy: explained.remedy)
            ]
        }
    }
}
