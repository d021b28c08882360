package import Machine

/// Decides what `watch` does next; does nothing itself, and knows the time only from what it is told.
///
/// What was missed while nobody watched is made up for once a job, however often it was missed. A job is stamped before it
/// runs: a run that dies is not tried again before it is due again.
package struct WatchPlan: Sendable {
    package enum Action: Equatable, Sendable {
        /// Stamps have to be on disk before that.
        case run(Job, due: Timestamp?)
        /// Nothing is due before this moment; nil: nothing ever is.
        case wait(until: Timestamp?)
    }

    private let jobs: [Job]
    private let zone: Zone
    package private(set) var stamps: Stamps
    private var hasBooted = false

    /// - Parameters:
    ///   - jobs: in the order in which they run when several are due.
    ///   - stamps: what an earlier `watch` left; jobs it does not know are due from `now` on.
    package init(_ jobs: [Job], in zone: Zone, stamps: Stamps, now: Timestamp) {
        self.jobs = jobs
        self.zone = zone
        self.stamps = stamps
        for job in jobs where job.time != nil && covered(job) == nil {
            self.stamps.jobs[job.kind.rawValue] = Stamps.Stamp(covered: now)
        }
    }

    /// What to do now. Until ``began(_:at:)`` is told, it says the same again.
    package mutating func next(now: Timestamp) -> Action {
        if !hasBooted, let job = jobs.first(where: { $0.start == .boot }) { return .run(job, due: nil) }
        var earliest: Timestamp?
        for job in jobs {
            guard let time = job.time, let covered = settledCover(job, now) else { continue }
            guard let due = time.next(after: covered, in: zone) else { continue }
            if due <= now { return .run(job, due: due) }
            earliest = min(earliest ?? due, due)
        }
        return .wait(until: earliest)
    }

    /// Says that a job begins: what was due up to now is done with.
    package mutating func began(_ job: Job, at now: Timestamp) {
        if job.start == .boot { hasBooted = true }
        var stamp = Stamps.Stamp(covered: now)
        stamp.began = now.description
        stamps.jobs[job.kind.rawValue] = stamp
    }

    /// Says how it ended.
    package mutating func ended(_ job: Job, status: Int32, at now: Timestamp) {
        stamps.jobs[job.kind.rawValue]?.ended = now.description
        stamps.jobs[job.kind.rawValue]?.status = status
    }

    private func covered(_ job: Job) -> Timestamp? {
        stamps.jobs[job.kind.rawValue].flatMap { Timestamp($0.covered) }
    }

    /// Up to when a job is done with. A clock that was far ahead and was set back must not keep it from running until that
    /// time comes again; a small step back must not make it run twice.
    private mutating func settledCover(_ job: Job, _ now: Timestamp) -> Timestamp? {
        guard let covered = covered(job) else { return nil }
        guard covered.since(now) > Self.smallStep else { return covered }
        stamps.jobs[job.kind.rawValue]?.covered = now.description
        return now
    }

    /// Seconds that a clock may be set back without a second look.
    private static let smallStep = 3600.0
}
