import Glibc
import Machine
import TestKit
import Testing

extension DemoHost {
    /// Puts right what a killed command left, and expects that nothing is owed and nothing seems to run afterwards.
    func resume(_ text: String) async throws {
        let resumed = try await holdfast("resume", "--json")
        #expect(resumed.status == 0, "\(text): \(resumed)")
        #expect(journal == "", "\(text)")
        #expect(
            try !names("state/runs").contains { try read("state/runs/\($0)").contains("\"running\"") },
            "\(text)")
    }

    /// Runs a command again and again, and kills it at moments spread over the time that it takes undisturbed.
    func kill(
        _ arguments: [String], seed: UInt64, times: Int, typically seconds: Double,
        then check: (String) async throws -> Void
    ) async throws {
        var random = SeededRandom(seed: seed)
        for round in 0..<times {
            let moment = seconds * (Double(round) + Double.random(in: 0..<1, using: &random)) / Double(times)
            let running = try holdfast.start([CommandRunner.binary] + arguments)
            try await Task.sleep(for: .seconds(moment))
            running.signal(SIGKILL)
            let outcome = try await running.wait()
            try await check("seed \(seed), round \(round), \(moment) s, \(outcome)")
        }
    }
}
