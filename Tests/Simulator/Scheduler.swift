import Glibc
import TestKit

/// Decides at each step of a process whether it is done, fails, or was the last; and lets others have their turn.
final class Scheduler {
    /// What is going to happen, by the numbers of steps.
    struct Fate {
        /// The step before which the process dies.
        var death: Int?
        /// The steps from which on the next that can fail does.
        var failures: [(step: Int, code: Int32)] = []
        /// The steps before which somebody else has a turn.
        var visits: [Int] = []

        /// Nothing happens.
        static let calm = Fate()
    }

    private(set) var fate: Fate
    /// Who has a turn at a visit.
    private let visit: (() -> Void)?
    private(set) var steps = 0
    /// Folders that the process has locked: others wait for their turn until it lets go.
    var heldFolders = 0
    /// Whether the process is dead.
    private(set) var isOver = false
    /// Whether anything failed that could have gone well.
    private(set) var hadFailures = false
    private let trace: Trace?
    private let ids: IDs

    /// Numbers for open files, each once in a history.
    final class IDs { var next = 0 }

    /// What was done, in words, when somebody wants to know.
    final class Trace { var lines: [String] = [] }

    init(_ fate: Fate, ids: IDs, trace: Trace?, visit: (() -> Void)? = nil) {
        self.fate = fate
        self.ids = ids
        self.trace = trace
        self.visit = visit
    }

    func freshID() -> Int {
        ids.next += 1
        return ids.next
    }

    /// - Returns: nil when the step is to be done; otherwise the `errno` with which it fails.
    func next(_ step: Step) -> Int32? {
        guard step.isChange || step.canFail else { return nil }
        steps += 1
        if let first = fate.visits.first, first <= steps, heldFolders == 0 {
            fate.visits.removeFirst()
            visit?()
        }
        if fate.death == steps {
            trace?.lines.append("  ✝ before: \(step.text)")
            isOver = true
            return EIO
        }
        if let first = fate.failures.first, first.step <= steps, step.canFail {
            fate.failures.removeFirst()
            hadFailures = true
            trace?.lines.append("  ✗ \(step.text): \(String(cString: strerror(first.code)))")
            return first.code
        }
        trace?.lines.append("  \(step.text)")
        return nil
    }
}
