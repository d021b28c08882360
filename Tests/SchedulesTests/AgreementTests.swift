import Glibc
import Machine
import Schedules
import TestKit
import Testing

/// What holdfast understands it understands as the real systemd does.
@Suite(.enabled(if: SystemdAnalyze.isAvailable, Comment(rawValue: SystemdAnalyze.howToGetOne)))
struct AgreementTests {
    /// Zones, and moments shortly before and in the middle of what their clocks do.
    static let surroundings: [(zone: String, base: String)] = [
        ("UTC", "2026-11-25T17:00:00Z"),
        ("Europe/Berlin", "2026-03-28T12:00:00Z"), ("Europe/Berlin", "2026-10-24T12:00:00Z"),
        ("Europe/Berlin", "2026-10-25T00:45:00Z"), ("Europe/Berlin", "2026-10-25T01:15:00Z"),
        ("America/New_York", "2026-03-07T20:00:00Z"), ("America/New_York", "2026-11-01T05:40:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T12:00:00Z"), ("Australia/Lord_Howe", "2026-10-03T12:00:00Z"),
        ("Asia/Kolkata", "2028-02-28T18:31:00Z"), ("Europe/Berlin", "2045-03-25T12:00:00Z"),
    ]

    @Test(arguments: surroundings)
    func onTheListOfExpressions(zone: String, base: String) async throws {
        #expect(Expressions.good.count + Expressions.bad.count >= 200)
        try await compare(Expressions.good + Expressions.bad, zone, try #require(Timestamp(base)))
    }

    @Test(arguments: surroundings)
    func onExpressionsMadeByChance(zone: String, base: String) async throws {
        let seed = getenv("HOLDFAST_TEST_SEED").flatMap { UInt64(String(cString: $0)) } ?? 252
        print("AgreementTests: seed \(seed), \(zone)")
        var random = SeededRandom(seed: seed)
        let expressions = (0..<150).map { _ in Expressions.random(&random) }
        try await compare(expressions, zone, try #require(Timestamp(base)), "seed \(seed)")
    }

    private func compare(_ expressions: [String], _ zone: String, _ base: Timestamp, _ note: String = "") async throws {
        let answers = try await SystemdAnalyze.ask(expressions, zone: zone, after: base, count: 5)
        let here = try Zone(named: zone)
        for (text, theirs) in zip(expressions, answers) {
            guard !theirs.gaveUp else { continue }
            // Started within an hour that comes twice, systemd 252 sometimes goes back to its first time, and with days from
            // the end of a month forgets which of the two it was in.
            let isTwice = here.moments(of: here.civil(at: base)).count > 1
            if isTwice, text.contains("~") || theirs.moments.first.map({ $0 <= base }) == true { continue }
            let expression = try? CalendarExpression(text)
            var ours = SystemdAnalyze.Answer(normal: expression?.description)
            ours.next = (expression?.next(5, after: base, in: here) ?? []).map { Zone.utc.text($0) }
            #expect(ours == theirs, "“\(text)” in \(zone) after \(base) \(note)")
        }
    }

    @Test func everyShorthandAndRefusalIsTheirs() async throws {
        for text in Expressions.good {
            #expect(throws: Never.self, "“\(text)”") { try CalendarExpression(text) }
        }
        for text in Expressions.bad {
            #expect(throws: ScheduleError.self, "“\(text)”") { try CalendarExpression(text) }
        }
    }
}
