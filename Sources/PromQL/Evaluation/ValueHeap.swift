/// The best values of a step, the worst of them on top: what `topk` and `bottomk` choose.
///
/// A heap as Go's `container/heap` keeps it, so that of equal values the same ones stay as in Prometheus.
struct ValueHeap {
    private(set) var items: [(place: Int, value: Double)] = []
    private let wantsLargest: Bool

    init(wantsLargest: Bool) { self.wantsLargest = wantsLargest }

    mutating func removeAll() { items.removeAll(keepingCapacity: true) }

    /// Takes a value in, if it is among the best `limit` so far.
    @inline(__always) mutating func offer(_ value: Double, at place: Int, limit: Int) {
        if items.count < limit {
            items.append((place, value))
            rise(from: items.count - 1)
        } else if isWorse(items[0].value, value), !value.isNaN {
            items[0] = (place, value)
            sink()
        }
    }

    /// The places, best first; of equal values the first.
    var places: [Int] {
        items.sorted { one, other in
            if one.value == other.value || one.value.isNaN && other.value.isNaN { return one.place < other.place }
            return isWorse(other.value, one.value)
        }.map(\.place)
    }

    /// NaN is worse than anything, another NaN included.
    private func isWorse(_ one: Double, _ other: Double) -> Bool {
        if one.isNaN { return true }
        return wantsLargest ? one < other : one > other
    }

    private mutating func rise(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard isWorse(items[index].value, items[parent].value) else { return }
            items.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func sink() {
        var index = 0
        while true {
            var child = 2 * index + 1
            guard child < items.count else { return }
            if child + 1 < items.count, isWorse(items[child + 1].value, items[child].value) { child += 1 }
            guard isWorse(items[child].value, items[index].value) else { return }
            items.swapAt(index, child)
            index = child
        }
    }
}
