import HTTPClient
import Machine

/// A way on which notices reach people.
package protocol Channel: Sendable {
    /// The key that `notify` has for it: `email`, `slack`, …
    var kind: String { get }
    /// What people call it; no two channels have the same.
    var name: String { get }

    /// Sends a notice, once.
    ///
    /// - Throws: what kept it from being sent; ``Interrupted``, after which it is not known whether it was.
    func send(_ notice: Notice) async throws -> Answer
}

/// What came of sending.
package enum Answer: Sendable, Equatable {
    /// The other side has it; its own words, perhaps none.
    case delivered(String)
    /// The same may go well later: not before `after` seconds, if the other side named a time.
    case later(after: Double?, String)
    /// The other side will not have it, now or ever.
    case refused(String)

    /// What was said, on one line.
    package var words: String {
        switch self {
        case .delivered(let words), .later(_, let words), .refused(let words): words
        }
    }
}

extension Channel {
    /// Sends a notice; what is in the way of it is a reason to try again, for whoever mends it does not write it anew.
    ///
    /// - Throws: ``Interrupted`` alone.
    package func attempt(_ notice: Notice) async throws -> Answer {
        do {
            return try await send(notice)
        } catch let error as Interrupted {
            throw error
        } catch let error as HTTPError where error.kind == .rejected && !error.isTransient {
            return .refused(oneLine(error))
        } catch {
            return .later(after: nil, oneLine(explain(error)))
        }
    }

    /// `email you@example.org`
    package var label: String { "\(kind) \(name)" }
}

/// An error as part of a line.
private func oneLine(_ error: any Explained) -> String {
    [error.what, error.place.map { "(\($0))" }, error.remedy.map { "→ \($0)" }].compactMap(\.self)
        .joined(separator: " ")
}
