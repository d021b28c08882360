import Dispatch

/// Calls `body` with each number below `count`, as many at a time as there are cores, and waits for all of them.
///
/// For short work that computes, from any thread; what waits for others belongs into ``onThread(_:_:)``.
package func onAllCores<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Result) -> [Result] {
    let results = UnsafeMutableBufferPointer<Result>.allocate(capacity: count)
    defer {
        results.deinitialize()
        results.deallocate()
    }
    // Each call fills a place of its own, and all have ended before anybody reads.
    nonisolated(unsafe) let places = results
    DispatchQueue.concurrentPerform(iterations: count) { index in
        places.initializeElement(at: index, to: body(index))
    }
    return Array(results)
}
