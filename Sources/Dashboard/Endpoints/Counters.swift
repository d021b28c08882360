internal import Synchronization

/// What the interface counts of itself.
final class Counters: Sendable {
    struct Requests: Hashable, Sendable {
        let handler: String
        let status: Int
    }

    struct Numbers: Sendable {
        var requests: [Requests: Int] = [:]
        /// Seconds from the end of a request to the end of its answer, by handler.
        var seconds: [String: Double] = [:]
        var queries = 0
        var querySeconds = 0.0
        /// Of these, how long queries waited for others.
        var waitedSeconds = 0.0
        var refused = 0
    }

    private let state = Mutex(Numbers())

    var numbers: Numbers { state.withLock { $0 } }

    func countRequest(_ handler: String, status: Int, seconds: Double) {
        state.withLock { state in
            state.requests[Requests(handler: handler, status: status), default: 0] += 1
            state.seconds[handler, default: 0] += seconds
        }
    }

    func countQuery(seconds: Double, waited: Double) {
        state.withLock { state in
            state.queries += 1
            state.querySeconds += seconds
            state.waitedSeconds += waited
        }
    }

    /// Somebody who was not let in.
    func countRefused() { state.withLock { $0.refused += 1 } }
}
