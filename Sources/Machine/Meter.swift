import Synchronization

/// What a long work has done so far; written by the thread that works, read by whoever shows progress.
package final class Meter: Sendable {
    private let countedBytes = Atomic<Int64>(0)
    private let countedEntries = Atomic<Int64>(0)

    package init() {}

    package var bytes: ByteCount { ByteCount(countedBytes.load(ordering: .relaxed)) }
    package var entries: Int64 { countedEntries.load(ordering: .relaxed) }

    package func add(bytes: Int) { countedBytes.add(Int64(bytes), ordering: .relaxed) }
    package func addEntry() { countedEntries.add(1, ordering: .relaxed) }
}
