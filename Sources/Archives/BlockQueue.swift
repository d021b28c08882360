import Glibc
import Machine

/// A few blocks of memory that go round between one thread that fills them and one that empties them.
///
/// - Note: `@unchecked Sendable`: all state is touched under `mutex` only, and a block's memory only by the side that
///   holds it.
final class BlockQueue: @unchecked Sendable {
    typealias Block = UnsafeMutableRawBufferPointer

    static let blockSize = 1 << 19
    private static let blocks = 6

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let all: [Block]
    private var free: [Block]
    private var full: [(block: Block, count: Int)] = []
    private var end: Result<Void, any Error>?
    private var abandoned = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        all = (0..<Self.blocks).map { _ in Block.allocate(byteCount: Self.blockSize, alignment: 4096) }
        free = all
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(changed)
        mutex.deallocate()
        changed.deallocate()
        for block in all { block.deallocate() }
    }

    /// For the filling side: an empty block; nil once nobody wants more.
    func takeFree() -> Block? {
        locked {
            while free.isEmpty, !abandoned { pthread_cond_wait(changed, mutex) }
            return abandoned ? nil : free.popLast()
        }
    }

    /// For the filling side: hands a block on, of which the first `count` bytes are filled.
    func put(_ block: Block, count: Int) { locked { full.append((block, count)) } }

    /// For the filling side, and its last call: there is no more, because of an error or because it was all.
    func finish(_ result: Result<Void, any Error>) { locked { end = result } }

    /// For the emptying side: the next block; nil after the last.
    func takeFull() throws -> (block: Block, count: Int)? {
        let next: (block: Block, count: Int)? = locked {
            while full.isEmpty, end == nil { pthread_cond_wait(changed, mutex) }
            return full.isEmpty ? nil : full.removeFirst()
        }
        if next == nil { try end?.get() }
        return next
    }

    /// For the emptying side: gives a block back.
    func giveBack(_ block: Block) { locked { free.append(block) } }

    /// For the emptying side: waits until the filling side is done with everything that it uses.
    func abandon() {
        locked {
            abandoned = true
            pthread_cond_broadcast(changed)
            while end == nil { pthread_cond_wait(changed, mutex) }
        }
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
        }
        return body()
    }
}
