import Machine
import Monitoring
import PromQL
import Settings
import Synchronization
import TimeSeries

/// The only group of a rule file.
func group(_ text: String) throws -> RuleGroup {
    let groups = try RuleFile(PlacedDocument(text, file: "rules.yml")).groups
    precondition(groups.count == 1, "one group")
    return groups[0]
}

/// All groups of a rule file.
func ruleSet(_ text: String, _ defaults: RuleDefaults = RuleDefaults()) throws -> RuleSet {
    RuleSet(groups: try RuleFile(PlacedDocument(text, file: "rules.yml")).groups, defaults: defaults)
}

extension RuleContext {
    init(_ store: any RuleStore, _ defaults: RuleDefaults = RuleDefaults()) {
        self.init(store: store, engine: Engine(), defaults: defaults)
    }
}

extension RuleStore {
    /// Appends one value of each series.
    func put(_ time: Int64, _ values: KeyValuePairs<String, Double>) throws {
        for (series, value) in values {
            let labels = try SeriesNotation.labels(of: series)
            _ = try append([(labels, value)], at: time, now: time)
        }
    }
}

/// A clock that a test sets.
final class SetClock: WallClock {
    private let time: Mutex<Int64>

    init(_ time: Int64) { self.time = Mutex(time) }

    /// Milliseconds.
    func set(_ milliseconds: Int64) { time.withLock { $0 = milliseconds } }

    func now() -> Timestamp {
        let milliseconds = time.withLock { $0 }
        return Timestamp(seconds: milliseconds / 1000, nanoseconds: Int32(milliseconds % 1000) * 1_000_000)
    }
}

/// Collects what alerts do.
final class SinkForTests: AlertSink {
    private let taken = Mutex<[AlertChange]>([])

    var changes: [AlertChange] { taken.withLock { $0 } }

    func take(_ changes: [AlertChange]) { taken.withLock { $0 += changes } }
}
