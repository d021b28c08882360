package import Machine
package import RestorePoints

/// How one item stands: its last whole copies, and what became of the last try.
package struct ItemStanding: Sendable {
    package let item: Item
    /// Its whole copies, oldest first: in restore points, and stand-alone archives that are still there.
    package internal(set) var copies: [Copy] = []
    /// What became of it in each run that was about it, oldest first.
    package internal(set) var tries: [Try] = []

    package struct Copy: Sendable, Equatable {
        /// A restore point's name, or an archive's path.
        package let place: String
        package let moment: Timestamp
        /// Entries and bytes of data; nil where only the archive itself knows.
        package var entries: Int64?
        package var data: ByteCount?
    }

    package struct Try: Sendable, Equatable {
        package let moment: Timestamp
        package let outcome: ItemOutcome
        /// Why it is not whole, in words.
        package let problem: String?
    }

    /// The newest whole copy.
    package var lastWhole: Copy? { copies.last }

    /// Whether the last try did not save it whole.
    package var isFailing: Bool { tries.last.map { $0.outcome != .whole } ?? false }

    /// The first try since the newest whole copy that did not save it.
    package var failingSince: Timestamp? {
        guard isFailing else { return nil }
        return tries.first { $0.outcome != .whole && $0.moment > lastWhole?.moment ?? .distantPast }?.moment
    }

    /// Seconds since it was last saved whole, or since it was first tried.
    package func age(at now: Timestamp) -> Double? { (lastWhole?.moment ?? tries.first?.moment).map { now.since($0) } }

    /// How much its data has grown since the copy before, as a part of that; nil if there is none to compare with.
    package var growth: Double? {
        guard copies.count > 1, let new = copies[copies.count - 1].data, let old = copies[copies.count - 2].data,
            old.bytes > 0
        else { return nil }
        return Double(new.bytes - old.bytes) / Double(old.bytes)
    }
}
