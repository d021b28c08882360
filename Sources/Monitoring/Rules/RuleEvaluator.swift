package import Machine
package import PromQL
internal import TimeSeries

/// Evaluates groups of rules when they are due.
///
/// Groups run side by side, each on a thread of its own and never beside itself; what a slow one misses is counted and not made
/// up for.
package actor RuleEvaluator {
    /// Groups that may be evaluated at the same time.
    private static let concurrency = 2
    /// A clock that is set, and a host that slept, are noticed after so many seconds.
    private static let longestWait = 20.0

    private struct Entry {
        /// Nil while a thread has it.
        var state: GroupState?
        var slots: RuleSlots
        var due: Int64
        /// What the group is to be once the thread gives the state back.
        var successor: RuleGroup?
        var isRemoved = false
        var status: RuleGroupStatus
        var counters: RuleGroupCounters
    }

    /// Series of a group that is no more: they end two intervals later, unless another group goes on with them.
    private struct Retired {
        let series: [Labels]
        let time: Int64
        let due: Int64
    }

    private struct Key: Hashable, Comparable {
        let file: String
        let name: String

        static func < (left: Key, right: Key) -> Bool { (left.file, left.name) < (right.file, right.name) }
    }

    private let sink: (any AlertSink)?
    private let clock: any WallClock
    private let report: @Sendable (String) -> Void
    private var context: RuleContext
    private var entries: [Key: Entry] = [:]
    private var retired: [Retired] = []
    private var failing: Set<String> = []
    private var hasApplied = false
    private var running = 0
    /// What the loop waits for; whoever gives it something to do cancels it.
    private var sleeper: Task<Void, Never>?

    /// - Parameter report: is given a line when a rule begins to fail, or recovers.
    package init(
        store: any RuleStore, engine: Engine = Engine(), sink: (any AlertSink)? = nil,
        clock: any WallClock = SystemClock(), report: @escaping @Sendable (String) -> Void
    ) {
        self.sink = sink
        self.clock = clock
        self.report = report
        context = RuleContext(store: store, engine: engine, defaults: RuleDefaults())
    }

    // MARK: Reload

    /// Goes on with these rules. Groups that did not change keep their state and their times; a changed one keeps the state of
    /// rules with the same name and labels. The first rules of all take up alerts of before a restart.
    package func apply(_ set: RuleSet) {
        let now = clock.now().milliseconds
        context.defaults = set.defaults
        var wanted: [Key: RuleGroup] = [:]
        for group in set.groups { wanted[Key(file: group.file, name: group.name)] = group }
        for (key, entry) in entries where wanted[key] == nil { remove(key, entry, now: now) }
        for (key, group) in wanted {
            let slots = RuleSlots(interval: group.interval ?? set.defaults.interval, file: group.file, name: group.name)
            if entries[key] != nil {
                change(key, to: group, slots, now: now)
            } else {
                let state = GroupState(group, restores: !hasApplied)
                entries[key] = Entry(
                    state: state, slots: slots, due: slots.next(after: now),
                    status: state.status(interval: slots.interval), counters: state.counters)
            }
        }
        hasApplied = true
        sleeper?.cancel()
    }

    private func change(_ key: Key, to group: RuleGroup, _ slots: RuleSlots, now: Int64) {
        guard var entry = entries[key] else { return }
        entry.isRemoved = false
        if entry.slots != slots {
            entry.slots = slots
            entry.due = slots.next(after: now)
        }
        if let state = entry.state {
            if state.group != group { entry.state = GroupState(group, after: state) }
            entry.successor = nil
        } else {
            entry.successor = group
        }
        if let state = entry.state { entry.status = state.status(interval: slots.interval) }
        entries[key] = entry
    }

    private func remove(_ key: Key, _ entry: Entry, now: Int64) {
        guard let state = entry.state else {
            entries[key]?.isRemoved = true
            return
        }
        entries[key] = nil
        let due = now + 2 * entry.slots.interval
        if !state.written.isEmpty { retired.append(Retired(series: state.written, time: now, due: due)) }
    }

    // MARK: Running

    /// Evaluates until the task is cancelled; what is at work then is waited for.
    ///
    /// - Throws: ``Interrupted``.
    package func run() async throws {
        await withDiscardingTaskGroup { tasks in
            while !Task.isCancelled {
                endRetired()
                while running < Self.concurrency, let due = begin() {
                    running += 1
                    tasks.addTask { await self.evaluate(due) }
                }
                await sleep()
            }
        }
        throw Interrupted()
    }

    /// A group that a thread is to evaluate.
    private struct Due: Sendable {
        let key: Key
        let state: GroupState
        let time: Int64
        let context: RuleContext
    }

    /// Takes the group that has been due the longest.
    private func begin() -> Due? {
        let now = clock.now().milliseconds
        for (key, entry) in entries where entry.due > now + entry.slots.interval {
            // The clock was set back.
            entries[key]?.due = entry.slots.next(after: now)
        }
        let due = entries.filter { $0.value.state != nil && $0.value.due <= now }.min { $0.value.due < $1.value.due }
        guard let (key, entry) = due, var state = entry.state else { return nil }
        let time = entry.slots.last(upTo: now)
        let missed = (time - entry.due) / entry.slots.interval
        if missed > 0 { state.missed(Int(missed)) }
        entries[key]?.state = nil
        entries[key]?.due = time + entry.slots.interval
        return Due(key: key, state: state, time: time, context: context)
    }

    private func evaluate(_ due: Due) async {
        let now = clock.now().milliseconds
        let result = try? await onThread("rules") { stop in
            var state = due.state
            let changes = state.evaluate(at: due.time, now: now, in: due.context, stop)
            return (state, changes)
        }
        if let (state, changes) = result {
            if let sink { for change in changes { await sink.take(change) } }
            giveBack(state, due.key)
        }
        running -= 1
        sleeper?.cancel()
    }

    private func giveBack(_ state: GroupState, _ key: Key) {
        guard var entry = entries[key] else { return }
        if !Task.isCancelled { reportFailures(of: state) }
        entry.state = state
        if let successor = entry.successor, state.group != successor {
            entry.state = GroupState(successor, after: state)
        }
        entry.successor = nil
        entry.status = entry.state?.status(interval: entry.slots.interval) ?? entry.status
        entry.counters = state.counters
        entries[key] = entry
        if entry.isRemoved { remove(key, entry, now: clock.now().milliseconds) }
    }

    private func reportFailures(of state: GroupState) {
        let prefix = "\(state.group.file), group \(printable(state.group.name)), rule "
        let now = Dictionary(
            state.failures.map { (prefix + printable($0.rule), printable($0.error)) },
            uniquingKeysWith: { first, _ in first })
        for (rule, error) in now.sorted(by: { $0.key < $1.key }) where failing.insert(rule).inserted {
            report("! \(rule): \(error)")
        }
        for rule in failing.sorted() where rule.hasPrefix(prefix) && now[rule] == nil {
            failing.remove(rule)
            report("\(rule): works again")
        }
    }

    private func endRetired() {
        let now = clock.now().milliseconds
        let due = retired.filter { $0.due <= now }
        retired.removeAll { $0.due <= now }
        for group in due {
            let ends = group.series.map { ($0, Double.staleMarker) }
            _ = try? context.store.append(ends, at: group.time, now: now)
        }
    }

    /// Until something is due, a group comes back, or the rules change.
    private func sleep() async {
        let dues = entries.values.filter { $0.state != nil && running < Self.concurrency }.map(\.due)
        let next = (dues + retired.map(\.due)).min()
        let left = next.map { Double($0 - clock.now().milliseconds) / 1000 } ?? Self.longestWait
        let sleeper = Task<Void, Never> {
            // Cancelled is woken.
            try? await Task.sleep(for: .seconds(min(max(left, 0.001), Self.longestWait)))
        }
        self.sleeper = sleeper
        await withTaskCancellationHandler {
            await sleeper.value
        } onCancel: {
            sleeper.cancel()
        }
        self.sleeper = nil
    }

    // MARK: Status

    /// By file and name.
    package func groups() -> [RuleGroupStatus] {
        entries.sorted { $0.key < $1.key }.map(\.value.status)
    }

    /// By file and name.
    package func counters() -> [RuleGroupCounters] {
        entries.sorted { $0.key < $1.key }.map { entry in
            var counters = entry.value.counters
            counters.interval = entry.value.slots.interval
            return counters
        }
    }
}
