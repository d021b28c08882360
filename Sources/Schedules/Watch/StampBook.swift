internal import Machine
internal import Synchronization

/// The stamps of all jobs, of which several who run jobs side by side each write their own.
final class StampBook: Sendable {
    private let all: Mutex<Stamps>
    private let state: Descriptor

    /// - Parameter state: the state folder.
    init(_ stamps: Stamps, in state: Descriptor) {
        all = Mutex(stamps)
        self.state = state
    }

    var stamps: Stamps { all.withLock { $0 } }

    /// Takes the stamps of these jobs; durable when it returns.
    func write(_ stamps: Stamps, of jobs: [Job]) throws {
        try all.withLock { all in
            for job in jobs { all.jobs[job.kind.rawValue] = stamps.jobs[job.kind.rawValue] }
            try all.write(in: state)
        }
    }
}
