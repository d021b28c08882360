import Synchronization

/// What one thread found out and another asks for once the first is done.
final class Kept<Value: Sendable>: Sendable {
    private let kept = Mutex<Value?>(nil)

    var value: Value? { kept.withLock { $0 } }
    func keep(_ value: Value) { kept.withLock { $0 = value } }
}
