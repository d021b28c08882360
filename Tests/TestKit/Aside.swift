import Glibc
import Machine
import Synchronization

/// Runs what only computes on threads of its own that let others go first. On the pool, which has one thread for each core,
/// those who wait for programs would hardly get on beside it.
package func aside<Result: Sendable>(
    _ body: @Sendable () async throws -> Result
) async throws -> Result {
    let executor = PatientExecutor()
    defer { executor.close() }
    return try await withTaskExecutorPreference(executor) { try await body() }
}

/// As many threads as there are cores, of a low priority.
private final class PatientExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let work = Counter()

    init() {
        for _ in 0..<availableCores() { startHelperThread("aside") { self.run() } }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        work.raise()
    }

    /// Ends the threads once there are no more jobs.
    func close() {
        state.withLock { $0.isClosed = true }
        work.raise()
    }

    private func run() {
        // Of this thread alone: Linux has a priority for each.
        _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 10)
        while true {
            work.lower()
            let (job, isClosed): (UnownedJob?, Bool) = state.withLock {
                ($0.jobs.isEmpty ? nil : $0.jobs.removeFirst(), $0.isClosed)
            }
            if let job {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else if isClosed {
                // The next one is to see it as well.
                return work.raise()
            }
        }
    }
}

/// A semaphore of the system's.
///
/// - Note: `@unchecked Sendable`: the memory is only touched by the functions made for it.
private final class Counter: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func raise() { sem_post(semaphore) }
    func lower() { _ = retrying { sem_wait(semaphore) } }
}
