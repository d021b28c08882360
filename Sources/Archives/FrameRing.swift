import Glibc
import Machine

/// Blocks that one thread fills, a few others make frames of, and the first takes out again, in order.
///
/// How many there are bounds memory; each has its content and its frame. Other threads start when there is work for them.
///
/// - Note: `@unchecked Sendable`: counters and states are touched under `mutex` only. The memory of a slot belongs to the
///   filling thread until it is submitted and from when it is done, and to the one thread that claimed it in between.
final class FrameRing: @unchecked Sendable {
    private struct Slot {
        let content: UnsafeMutableRawBufferPointer
        let frame: UnsafeMutableRawBufferPointer
        /// Bytes of content, once submitted.
        var count = 0
        /// Bytes of the frame, once done.
        var result: Result<Int, any Error>?
    }

    private let maker: @Sendable () throws -> any FrameMaker
    private let workers: Int
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// There is a block to claim, or nobody wants more.
    private let submission = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// A frame is done, or a thread has ended.
    private let progress = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var slots: [Slot]
    // Blocks ever submitted, claimed and released: number n uses the slot n modulo their count.
    private var submitted = 0
    private var claimed = 0
    private var released = 0
    private var running = 0
    private var idle = 0
    private var abandoned = false

    init(frameSize: Int, frameBound: Int, workers: Int, maker: @escaping @Sendable () throws -> any FrameMaker) {
        self.maker = maker
        self.workers = workers
        // One that is filled, one that is written, one for each thread.
        slots = (0..<workers + 2).map { _ in
            Slot(
                content: .allocate(byteCount: frameSize, alignment: 4096),
                frame: .allocate(byteCount: frameBound, alignment: 4096))
        }
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(submission, nil)
        pthread_cond_init(progress, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(submission)
        pthread_cond_destroy(progress)
        mutex.deallocate()
        submission.deallocate()
        progress.deallocate()
        for slot in slots {
            slot.content.deallocate()
            slot.frame.deallocate()
        }
    }

    // MARK: For the filling thread

    /// Whether one has to be released before the next can be filled.
    var isFull: Bool { locked { submitted - released == slots.count } }
    /// Whether all that was submitted has been released.
    var isDrained: Bool { locked { submitted == released } }
    var oldestIsDone: Bool { locked { released < submitted && slots[released % slots.count].result != nil } }

    /// The block that is to be filled and submitted next; there has to be one.
    var next: UnsafeMutableRawBufferPointer { locked { slots[submitted % slots.count].content } }

    func submit(_ count: Int) {
        let needsWorker = locked {
            slots[submitted % slots.count].count = count
            slots[submitted % slots.count].result = nil
            submitted += 1
            pthread_cond_signal(submission)
            guard submitted - claimed > idle, running < workers else { return false }
            running += 1
            return true
        }
        if needsWorker { startHelperThread("compress") { self.work() } }
    }

    /// The frame of the block submitted first that was not released; valid until it is.
    ///
    /// - Throws: why there is none.
    func waitForOldest() throws -> UnsafeRawBufferPointer {
        let slot = locked {
            while slots[released % slots.count].result == nil { pthread_cond_wait(progress, mutex) }
            return slots[released % slots.count]
        }
        return UnsafeRawBufferPointer(rebasing: slot.frame[..<(try slot.result?.get() ?? 0)])
    }

    func release() { locked { released += 1 } }

    /// Waits until the other threads have ended; what they have not begun is left. A second call does nothing.
    func abandon() {
        locked {
            abandoned = true
            pthread_cond_broadcast(submission)
            while running > 0 { pthread_cond_wait(progress, mutex) }
        }
    }

    // MARK: For the others

    private func work() {
        makeFrames()
        locked {
            running -= 1
            pthread_cond_signal(progress)
        }
    }

    private func makeFrames() {
        let made = Result { try maker() }
        while let (number, slot) = claim() {
            let content = UnsafeRawBufferPointer(rebasing: slot.content[..<slot.count])
            let result = Result { try made.get().makeFrame(of: content, into: slot.frame) }
            locked {
                slots[number % slots.count].result = result
                pthread_cond_signal(progress)
            }
        }
    }

    private func claim() -> (number: Int, slot: Slot)? {
        locked {
            idle += 1
            while claimed == submitted, !abandoned { pthread_cond_wait(submission, mutex) }
            idle -= 1
            if abandoned { return nil }
            claimed += 1
            return (claimed - 1, slots[(claimed - 1) % slots.count])
        }
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
