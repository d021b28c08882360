package import Machine

/// Runs the schedule in this process, for hosts on which nobody else would: one job at a time, and messages beside them,
/// for a backup that hangs is what somebody has to hear of.
///
/// Whatever else a later `watch` does runs beside it as a service of the same kind: something with a `run()`.
package struct Watchman: Sendable {
    private let jobs: [Job]
    private let zone: Zone
    private let program: Program
    private let state: Descriptor
    private let clock: any WallClock
    private let report: @Sendable (String) -> Void

    /// - Parameters:
    ///   - state: the state folder, whose ``WatchLock`` the caller holds.
    ///   - report: is given a line a step.
    package init(
        _ jobs: [Job], in zone: Zone, _ program: Program, state: Descriptor, clock: any WallClock = SystemClock(),
        report: @escaping @Sendable (String) -> Void
    ) {
        self.jobs = jobs
        self.zone = zone
        self.program = program
        self.state = state
        self.clock = clock
        self.report = report
    }

    /// Watches until the task is cancelled; a job that runs then gets SIGTERM and is waited for.
    ///
    /// - Throws: ``Interrupted``, or why the stamps cannot be read.
    package func run() async throws {
        let book = StampBook(try Stamps.read(in: state), in: state)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await run(jobs.filter { $0.kind != .notify }, book, announcing: true) }
            group.addTask { try await run(jobs.filter { $0.kind == .notify }, book, announcing: false) }
            try await group.waitForAll()
        }
    }

    /// Runs some of the jobs one after the other.
    ///
    /// - Parameter isAnnouncing: whether it says what it waits for.
    private func run(_ jobs: [Job], _ book: StampBook, announcing isAnnouncing: Bool) async throws {
        var plan = WatchPlan(jobs, in: zone, stamps: book.stamps, now: clock.now())
        write(plan, of: jobs, into: book)
        var announced: WatchPlan.Action?
        while !Task.isCancelled {
            let now = clock.now()
            let action = plan.next(now: now)
            switch action {
            case .run(let job, let due):
                plan.began(job, at: now)
                write(plan, of: jobs, into: book)
                let status = try await run(job, due: due, now: now)
                plan.ended(job, status: status, at: clock.now())
                write(plan, of: jobs, into: book)
            case .wait(let until):
                if isAnnouncing, action != announced {
                    report(until.map { "next: \(zone.text($0))" } ?? "nothing is due any more")
                }
                // A clock that is set, and a host that slept, are noticed after this long.
                let left = until.map { $0.since(now) } ?? Self.longestWait
                try await Task.sleep(for: .seconds(min(max(left, 0.05), Self.longestWait)))
            }
            announced = action
        }
        throw Interrupted()
    }

    /// Writes the stamps of these jobs. A full disk must not end the schedule, least of all what makes room on it.
    private func write(_ plan: WatchPlan, of jobs: [Job], into book: StampBook) {
        do {
            try book.write(plan.stamps, of: jobs)
        } catch {
            report("! what runs cannot be written down, and may run again after a restart: \(explain(error))")
        }
    }

    /// Runs a job.
    ///
    /// - Returns: its exit status; 127, as a shell has it, if it could not be started.
    private func run(_ job: Job, due: Timestamp?, now: Timestamp) async throws -> Int32 {
        let late = due.map { now.since($0) } ?? 0
        let why = late > Self.lateness ? ", due \(due.map(zone.text) ?? "") and missed" : ""
        report("\(job.text)\(why)")
        let words = program.words(job.command)
        let begun = monotonicSeconds()
        let status: ChildProcess.Outcome.Status
        do {
            status = try await PatientChild(words[0], Array(words.dropFirst())).run()
        } catch let error as MachineError {
            report("! \(job.text) could not be started: \(error)")
            return Self.notStarted
        }
        report("\(job.text) ended with \(status) after \(durationText(monotonicSeconds() - begun))")
        return status.number
    }

    private static let notStarted: Int32 = 127
    private static let longestWait = 20.0
    /// Seconds from which on a run counts as one that was missed.
    private static let lateness = 120.0
}

extension ChildProcess.Outcome.Status {
    /// The exit status as a shell has it: 128 and the signal's number if one ended the program.
    fileprivate var number: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        }
    }
}
