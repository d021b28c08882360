internal import Synchronization

/// Work that is added while it runs: each piece has an owner, may be stopped by itself, and ends with the whole.
package final class Workers: Sendable {
    private let pieces: AsyncStream<Worker>
    private let continuation: AsyncStream<Worker>.Continuation

    package init() { (pieces, continuation) = AsyncStream.makeStream() }

    /// Begins a piece; nothing happens before ``run()``.
    package func add(_ work: @escaping @Sendable () async -> Void) -> Worker {
        let worker = Worker(work)
        continuation.yield(worker)
        return worker
    }

    /// Runs what was added and what will be, until the task is cancelled and all of it has ended.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await worker in pieces { group.addTask { await worker.run() } }
        }
    }
}

/// A piece of work of ``Workers``.
package final class Worker: Sendable {
    private enum State {
        case waiting(@Sendable () async -> Void)
        case running(Task<Void, Never>)
        case stopped
    }

    private let state: Mutex<State>

    fileprivate init(_ work: @escaping @Sendable () async -> Void) { state = Mutex(.waiting(work)) }

    fileprivate func run() async {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard case .waiting(let work) = state else { return nil }
            let task = Task { await work() }
            state = .running(task)
            return task
        }
        guard let task else { return }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        state.withLock { $0 = .stopped }
    }

    /// Cancels it and waits for its end; what has not begun never begins.
    package func stop() async {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard case .running(let task) = state else {
                state = .stopped
                return nil
            }
            return task
        }
        task?.cancel()
        await task?.value
    }
}
