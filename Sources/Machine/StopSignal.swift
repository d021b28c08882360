import Synchronization

/// Tells threads that are busy with blocking work that nobody wants its result any more.
package final class StopSignal: Sendable {
    private let stopped = Atomic(false)

    package init() {}

    package func stop() { stopped.store(true, ordering: .releasing) }

    /// - Throws: ``Interrupted`` once somebody called ``stop()``.
    package func check() throws {
        if stopped.load(ordering: .acquiring) { throw Interrupted() }
    }
}

/// Runs blocking work on a thread of its own, so that it never holds up the cooperative pool.
///
/// Where the kernel's calls do not block, as a simulated one's, it needs no thread. When the task is cancelled, the signal that
/// `body` got is set; `body` looks at it between its blocking calls and is waited for.
package func onThread<Result: Sendable>(
    _ name: String, _ body: @escaping @Sendable (StopSignal) throws -> Result
) async throws -> Result {
    let signal = StopSignal()
    guard System.kernel.blocks else { return try body(signal) }
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            startThread(name) {
                continuation.resume(with: Swift.Result { try body(signal) })
            }
        }
    } onCancel: {
        signal.stop()
    }
}
