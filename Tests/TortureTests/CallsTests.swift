import Glibc
import TestKit
import Testing

/// What the other suites rely on: the call that is meant is the one that is met, whatever the threads do.
@Suite struct CallsTests {
    private static let publishing = CallRule("rename", "*/backups/*Z")

    @Test func aLogAndAKillAtOneOfItsCalls() async throws {
        try await withDemoHost { host in
            let log = host.folder + "/log"
            let logged = try await host.holdfast.loggingCalls(to: log)("backup")
            #expect(logged.status == 0, "\(logged)")
            let calls = Call.read(log)
            let renames = calls.filter { $0.op == "rename" && $0.path.hasPrefix(host.backups) }
            #expect(renames.last?.other.hasSuffix("Z") == true, "\(renames)")
            #expect(calls.filter(Self.publishing.fits).count == 1)

            let hits = host.folder + "/hits"
            for (deed, published) in [(CallDeed.kill, 1), (.kill.afterwards, 2)] {
                let killer = try await host.holdfast.doing(deed, at: 1, of: Self.publishing, hits: hits)
                let outcome = try await killer("backup")
                #expect(outcome.status == 128 + SIGKILL, "\(outcome)")
                #expect(try host.points().count == published)
            }
            #expect(Call.read(hits).map(\.op) == ["rename", "rename"])
        }
    }

    @Test func aCallThatFails() async throws {
        try await withDemoHost { host in
            let hits = host.folder + "/hits"
            let broken = try await host.holdfast.doing(.error(EIO), at: 1, of: Self.publishing, hits: hits)
            let outcome = try await broken("backup")
            #expect(outcome.status == 1, "\(outcome)")
            #expect(outcome.errors.contains(String(cString: strerror(EIO))), "\(outcome)")
            #expect(try host.points().isEmpty && host.leftovers().isEmpty)
            #expect(Call.read(hits).count == 1)
            // In others than it was meant for, nothing happens.
            let other = try await host.holdfast.doing(.error(EIO), at: 1, of: Self.publishing, hits: hits, of: "gpg")
            #expect(try await other("backup").status == 0)
        }
    }
}
