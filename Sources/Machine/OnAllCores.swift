import Dispatch

/// Calls `body` with each number below `count`, as many at a time as there are cores, and waits for all of them.
///
/// For short work that computes, from any thread; over a simulated kernel, which is one thread's, on that one. What waits for
/// others belongs into ``onThread(_:_:)``.
package func onAllCores<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Result) -> [Result] {
    guard System.kernel.blocks else { return (0..<count).map(body) }
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
