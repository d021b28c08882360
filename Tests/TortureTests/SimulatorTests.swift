import Machine
import Simulator
import TestKit
import Testing

/// Backups, prunes, restores, undos, commits and what puts them right, over a simulated disk; `docs/simulator.md`.
@Suite(.serialized) struct SimulatorTests {
    /// How many runs a history has: enough for points to be pruned and restores to be committed.
    private static let runs = 24

    @Test func everyPromiseIsKeptInEveryHistory() async throws { try await aside { try await histories() } }

    private func histories() async throws {
        let began = monotonicSeconds()
        var total = 0
        var (published, condemned, restores) = (0, 0, 0)
        for batch in batches(of: "simulator", short: 300) {
            let results = try await sideBySide(batch) { try await History.play($0.random, runs: Self.runs) }
            for result in results {
                total += result.runs
                published += result.published
                condemned += result.condemned
                restores += result.restores
            }
            guard let index = results.firstIndex(where: { $0.broken != nil }) else { continue }
            let again = try await History.play(batch[index].random, runs: Self.runs, traced: true)
            print(again.trace.suffix(400).joined(separator: "\n"))
            Issue.record("\(batch[index]): \(results[index].broken ?? "")")
            return
        }
        let seconds = monotonicSeconds() - began
        print(
            "simulator: \(total) runs, \(Int(Double(total) / seconds * 60)) a minute; \(published) points made, \(condemned) to go, \(restores) restores"
        )
        #expect(published > total / 50 && condemned > total / 200 && restores > total / 50)
    }

    /// Bugs that are put in on purpose: a simulator that does not find them would not find others.
    @Test(arguments: Sabotage.Kind.allCases) func bugPutInOnPurposeIsFound(_ kind: Sabotage.Kind) async throws {
        try await aside { try await find(kind) }
    }

    private func find(_ kind: Sabotage.Kind) async throws {
        var total = 0
        for batch in batches(of: "sabotage", short: 400) {
            let results = try await sideBySide(batch) {
                try await History.play($0.random, runs: Self.runs, sabotage: kind)
            }
            total += results.reduce(0) { $0 + $1.runs }
            guard let index = results.firstIndex(where: { $0.broken != nil }) else { continue }
            print(
                "simulator: “\(kind.rawValue)” found within \(total) runs: \(batch[index]), \(results[index].broken ?? "")"
            )
            return
        }
        Issue.record("“\(kind.rawValue)” was not found in \(total) runs, HOLDFAST_SEED=\(Torture.seed)")
    }

    /// Rounds, some at a time, so that all cores have work.
    private func batches(of suite: String, short: Int) -> some Sequence<[Torture.Round]> {
        var rounds = Torture.rounds(of: suite, short: short).makeIterator()
        return AnyIterator {
            var batch: [Torture.Round] = []
            while batch.count < 16, let round = rounds.next() { batch.append(round) }
            return batch.isEmpty ? nil : batch
        }
    }
}
