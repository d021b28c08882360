import Machine
import Schedules
import TestKit
import Testing

/// What `watch` does next, at times that the test makes.
@Suite struct WatchPlanTests {
    private let schedule: Schedule
    private let evening: Timestamp

    init() throws {
        schedule = Schedule(backup: try CalendarExpression("02:00"), verify: try CalendarExpression("Sun 04:00"))
        evening = try #require(Timestamp("2026-11-25T20:00:00Z"))
    }

    private func plan(_ stamps: Stamps = Stamps(), at now: Timestamp) throws -> WatchPlan {
        var plan = WatchPlan(schedule.jobs, in: .utc, stamps: stamps, now: now)
        // First of all what an earlier boot left is put right.
        guard case .run(let job, due: nil) = plan.next(now: now) else {
            Issue.record("nothing at boot")
            return plan
        }
        #expect(job.kind == .resume)
        plan.began(job, at: now)
        plan.ended(job, status: 0, at: now)
        return plan
    }

    /// What an action runs.
    private func run(_ action: WatchPlan.Action) throws -> (Job, due: Timestamp?) {
        guard case .run(let job, let due) = action else {
            throw TestKitError(description: "nothing runs: \(action)")
        }
        return (job, due)
    }

    private func moment(_ text: String) throws -> Timestamp { try #require(Timestamp(text)) }

    @Test func aFirstStartWaitsForTheFirstTime() throws {
        var plan = try plan(at: evening)
        #expect(plan.next(now: evening) == .wait(until: try moment("2026-11-25T21:00:00Z")))
    }

    @Test func whatIsDueRunsOnce() throws {
        var plan = try plan(at: try moment("2026-11-26T01:59:00Z"))
        let due = try moment("2026-11-26T02:00:00Z")
        let (job, at) = try run(plan.next(now: due))
        #expect(job.kind == .backup && at == due)
        plan.began(job, at: due)
        // Then the hourly one, which was due as well.
        let (second, _) = try run(plan.next(now: due))
        #expect(second.kind == .notify)
        plan.began(second, at: due)
        #expect(plan.next(now: due) == .wait(until: try moment("2026-11-26T03:00:00Z")))
    }

    @Test func tenMissedNightsAreMadeUpForOnce() throws {
        let before = try plan(at: evening).stamps
        let later = evening.advanced(by: 10 * 86_400)
        var plan = try plan(before, at: later)
        var run: [Job.Kind] = []
        while case .run(let job, _) = plan.next(now: later) {
            run.append(job.kind)
            plan.began(job, at: later)
            plan.ended(job, status: 0, at: later)
        }
        #expect(run == [.backup, .verify, .notify])
    }

    @Test func aRunThatDiedWaitsForItsNextTime() throws {
        var plan = try plan(at: evening)
        let due = try moment("2026-11-26T02:00:00Z")
        let (job, _) = try run(plan.next(now: due))
        plan.began(job, at: due)
        // Killed here; the stamps were on disk.
        var next = try self.plan(plan.stamps, at: due.advanced(by: 60))
        if case .run(let again, _) = next.next(now: due.advanced(by: 60)) { #expect(again.kind != .backup) }
        #expect(plan.stamps.jobs["backup"]?.ended == nil)
    }

    @Test func aClockThatWasFarAheadDoesNotStopTheNights() throws {
        let wrong = try plan(at: try moment("2036-01-01T00:00:00Z")).stamps
        var plan = try plan(wrong, at: evening)
        #expect(plan.next(now: evening) == .wait(until: try moment("2026-11-25T21:00:00Z")))
    }

    @Test func aSmallStepBackRunsNothingTwice() throws {
        var plan = try plan(at: try moment("2026-11-26T01:59:00Z"))
        let due = try moment("2026-11-26T02:00:00Z")
        while case .run(let job, _) = plan.next(now: due) { plan.began(job, at: due) }
        #expect(plan.next(now: due.advanced(by: -30)) == .wait(until: try moment("2026-11-26T03:00:00Z")))
        #expect(plan.next(now: due.advanced(by: 1)) == .wait(until: try moment("2026-11-26T03:00:00Z")))
    }

    @Test func aJumpAheadRunsOnce() throws {
        var plan = try plan(at: evening)
        let jumped = evening.advanced(by: 3 * 86_400)
        var backups = 0
        while case .run(let job, _) = plan.next(now: jumped) {
            if job.kind == .backup { backups += 1 }
            plan.began(job, at: jumped)
        }
        #expect(backups == 1)
    }

    @Test func behindABackupComesThePrune() throws {
        let jobs = Schedule(backup: try CalendarExpression("daily"), prune: .afterBackup).jobs
        #expect(jobs.map(\.kind) == [.resume, .backup, .notify])
        #expect(jobs[1].text == "holdfast backup --prune")
    }
}
