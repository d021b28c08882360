import Glibc
import Machine
import Synchronization
import TestKit
import Testing

private struct Trouble: Error, Equatable { let number: Int }
private struct Late: Error {}

@Suite(.timeLimit(.minutes(1))) struct ThreadTests {
    @Test func resultAndErrorComeBack() async throws {
        #expect(try await onThread("a name that is longer than fifteen bytes") { _ in 7 } == 7)
        await #expect(throws: Trouble(number: 3)) { try await onThread("t") { _ in throw Trouble(number: 3) } }
    }

    @Test func cancellingTellsTheThreadAndWaitsForIt() async throws {
        let ended = Mutex(false)
        let task = Task {
            try await onThread("t") { stop in
                defer { ended.withLock { $0 = true } }
                while true {
                    usleep(1000)
                    try stop.check()
                }
            }
        }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        await #expect(throws: Interrupted.self) { try await task.value }
        #expect(ended.withLock { $0 })
    }

    @Test func whatIsCancelledBeforeItBeginsIsToldAtOnce() async throws {
        let task = Task {
            try? await Task.sleep(for: .seconds(60))
            try await onThread("t") { try $0.check() }
        }
        task.cancel()
        await #expect(throws: Interrupted.self) { try await task.value }
    }

    /// Blocking work must not hold up the cooperative pool, which has a thread a core.
    @Test func moreThreadsThanCoresBlockSideBySide() async throws {
        let began = monotonicSeconds()
        _ = try await sideBySide(Array(0..<100), limit: 100) { _ in try await onThread("t") { _ in usleep(500_000) } }
        #expect(monotonicSeconds() - began < 20)
    }
}

@Suite(.timeLimit(.minutes(1))) struct DeadlineTests {
    @Test func resultInTimeComesBack() async throws {
        #expect(try await withDeadline(60, { 5 }, late: { Late() }) == 5)
        let nothing: Int? = try await withDeadline(60, { nil }, late: { Late() })
        #expect(nothing == nil)
    }

    @Test func lateIsAnErrorOfItsOwnAndTheBodyHasEnded() async throws {
        let ended = Mutex(false)
        let began = monotonicSeconds()
        await #expect(throws: Late.self) {
            try await withDeadline(
                0.1,
                {
                    defer { ended.withLock { $0 = true } }
                    try await Task.sleep(for: .seconds(60))
                }, late: { Late() })
        }
        #expect(ended.withLock { $0 })
        #expect(monotonicSeconds() - began < 50)
    }

    @Test func lateIsSaidAlsoForABodyThatEndsWellAfterwards() async throws {
        await #expect(throws: Late.self) {
            try await withDeadline(
                0.05,
                {
                    try? await Task.sleep(for: .seconds(60))
                    return 5
                }, late: { Late() })
        }
    }

    @Test func errorOfTheBodyIsItsOwn() async throws {
        await #expect(throws: Trouble(number: 1)) {
            try await withDeadline(60, { throw Trouble(number: 1) }, late: { Late() })
        }
    }

    @Test func cancellingFromOutsideIsNotLate() async throws {
        let task = Task { try await withDeadline(60, { try await Task.sleep(for: .seconds(60)) }, late: { Late() }) }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        do {
            try await task.value
            Issue.record("it was cancelled")
        } catch {
            #expect(explain(error) is Interrupted)
        }
    }

    @Test func childThatIsLateIsEnded() async throws {
        let began = monotonicSeconds()
        await #expect(throws: Late.self) {
            try await withDeadline(0.2, { try await ChildProcess("sleep", ["60"]).run() }, late: { Late() })
        }
        #expect(monotonicSeconds() - began < 15)
    }
}

@Suite(.timeLimit(.minutes(1))) struct SideBySideTests {
    @Test func resultsComeInTheOrderOfTheInputs() async throws {
        let outputs = try await sideBySide(Array(0..<100), limit: 8) { number in
            try await Task.sleep(for: .milliseconds((number * 7) % 20))
            return number * 2
        }
        #expect(outputs == (0..<100).map { $0 * 2 })
        #expect(try await sideBySide([Int]()) { $0 } == [])
    }

    @Test(arguments: [1, 3, 16, 0]) func neverMoreThanTheLimitAtOnce(limit: Int) async throws {
        let state = Mutex((now: 0, most: 0))
        _ = try await sideBySide(Array(0..<40), limit: limit) { _ in
            state.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            try await Task.sleep(for: .milliseconds(3))
            state.withLock { $0.now -= 1 }
        }
        #expect(state.withLock { $0.most } <= max(1, limit))
    }

    @Test func firstErrorEndsTheRestAndBeginsNoMore() async throws {
        let begun = Mutex(0)
        let ended = Mutex(0)
        let start = monotonicSeconds()
        await #expect(throws: Trouble(number: 2)) {
            try await sideBySide(Array(0..<100), limit: 4) { number in
                begun.withLock { $0 += 1 }
                defer { ended.withLock { $0 += 1 } }
                if number == 2 { throw Trouble(number: number) }
                try await Task.sleep(for: .seconds(60))
            }
        }
        #expect(monotonicSeconds() - start < 40)
        #expect(begun.withLock { $0 } == ended.withLock { $0 })
        #expect(begun.withLock { $0 } <= 4)
    }
}
