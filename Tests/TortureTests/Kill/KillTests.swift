import Docker
import Glibc
import TestKit
import Testing

private let needsReal = Comment(rawValue: RealEngine.howToGetOne + "; " + RealPostgres.howToGetOne)

/// kill -9 in every named phase of every command that changes something: what has a good name is whole, live data is the
/// old or the new, and the next command puts the rest right.
@Suite(.enabled(if: RealEngine.isAvailable && RealPostgres.isAvailable, needsReal))
struct KillTests {
    /// Hosts side by side share the phases: most of the time is spent waiting for engines and servers.
    private static let hosts = Torture.seconds == nil ? 2 : 4

    /// A random moment may be one at which the command was over; in a long run its turn comes again.
    private static let tries = Torture.seconds == nil ? 10 : 1

    @Test(arguments: 0..<hosts) func killed(share: Int) async throws {
        let phases = KillPhase.all.enumerated().filter { $0.offset % Self.hosts == share }.map(\.element)
        try await withKillHost { host in
            var game = try await KillGame(host)
            var missed: [String: Int] = [:]
            for var round in Torture.rounds(of: "kill \(share)", short: phases.count) {
                let phase = phases[round.number % phases.count]
                let text = "\(round): \(phase.description)"
                do {
                    for _ in 0..<Self.tries {
                        if try await game.play(phase, &round.random, text) { break }
                        missed[phase.description, default: 0] += 1
                    }
                } catch {
                    print(game.table)
                    throw TestKitError(description: "\(text): \(error)")
                }
            }
            try await game.compareAtTheEnd()
            print(game.table)
            // Named phases are there to be met; a random moment is one of luck.
            for phase in phases
            where phase.rule != nil && game.kills[phase.description] == nil && missed[phase.description] != nil {
                Issue.record("no kill met \(phase.description), in \(missed[phase.description] ?? 0) tries")
            }
        }
    }

    /// What the engine fails at once is no reason to have no backup of a volume.
    @Test(arguments: ["pause", "unpause", "start"]) func anEngineThatFailsOnce(verb: String) async throws {
        try await withKillHost { host in
            let hits = host.demo.folder + "/hits"
            let rule = CallRule("send", "unix:*", text: "POST */\(verb)*")
            let outcome = try await host.demo.holdfast.doing(.error(EPIPE), at: 1, of: rule, hits: hits)("backup")
            #expect(outcome.status == 0, "\(outcome)")
            #expect(Call.read(hits).count == 1)
            for container in host.containers {
                #expect(try await host.engine.container(container.id).state == .running)
            }
        }
    }
}
