import Glibc
import Machine
import TestKit
import Testing

/// Killed at any moment, a prune leaves points that are whole, and rests that do not look like points.
@Suite struct PruneCrashTests {
    @Test func aPruneThatIsKilled() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            let points = try await host.backUp(on: -8 ... -1)
            try host.keep("keep_last: 2")
            try await host.shell("cp -a backups full")
            let slow = try await host.removingSlowly()
            let began = monotonicSeconds()
            try await slow.prune()
            let seconds = monotonicSeconds() - began
            var interrupted = 0
            try await host.shell("rm -rf backups && cp -a full backups")
            try await slow.kill(["prune"], seed: 11, times: 12, typically: seconds) { text in
                let left = try host.points()
                #expect(Set(left).isSubset(of: points) && left.suffix(2) == points.suffix(2), "\(text)")
                let verified = try await host.holdfast("verify", "--all")
                #expect(verified.status == 0, "\(text): \(verified)")
                let rests = try host.names("backups").filter { !$0.hasSuffix("Z") && $0 != "host.asc" }
                #expect(rests.allSatisfy { $0.hasSuffix("Z.removing") } && rests.count <= 1, "\(text): \(rests)")
                interrupted += rests.count
                try await host.resume(text)
                #expect(try host.points() == left, "\(text)")
                #expect(!(try host.names("backups").contains { $0.hasSuffix(".removing") }), "\(text)")
                try await host.prune()
                #expect(try host.points() == points.suffix(2), "\(text)")
                try await host.shell("rm -rf backups && cp -a full backups")
            }
            #expect(interrupted > 0, "no kill met a removal")
        }
    }

    @Test(arguments: [SIGINT, SIGTERM]) func aPruneThatIsStopped(signal: Int32) async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            try await host.backUp(on: -6 ... -1)
            try host.keep("keep_last: 1")
            let slow = try await host.removingSlowly()
            let running = try slow.holdfast.start([CommandRunner.binary, "prune"])
            while try host.points().count == 6 { try await Task.sleep(for: .milliseconds(2)) }
            running.signal(signal)
            let outcome = try await running.wait()
            #expect(outcome.status == 128 + signal, "\(outcome)")
            #expect(try host.names("backups").filter { $0.hasSuffix(".removing") } == [])
            let record = try #require(try host.names("state/runs").last { $0.hasSuffix("-prune.json") })
            #expect(try host.read("state/runs/\(record)").contains("\"failed\""))
            try await host.prune()
            #expect(try host.points().count == 1)
        }
    }

    /// What fills the disk is what prune is for: it goes on where not even its own record can be begun.
    @Test(.enabled(if: isRoot, needsRoot)) func onAFullDisk() async throws {
        try await withDemoHost { host in
            let host = try await host.withClock(offBy: 0)
            try await host.shell(
                "mkdir disk && mount -t tmpfs -o size=8m none disk && mkdir disk/backups && cp -a state disk/state")
            do {
                try host.keep("keep_last: 1") {
                    $0.directory = host.folder + "/disk/backups"
                    $0.state = host.folder + "/disk/state"
                }
                for day in -4 ... -1 { try await host.on(day: day).backup() }
                try await host.shell("head -c 9M /dev/zero > disk/fill || true")
                let outcome = try await host.holdfast("prune", "--json")
                #expect(outcome.status == 0 && outcome.errors.contains("No run record could be begun"), "\(outcome)")
                #expect(try outcome.json().removed.count == 3)
                #expect(try host.names("disk/state/runs").contains { $0.hasSuffix("-prune.json") })
            } catch {
                try await host.shell("umount disk")
                throw error
            }
            try await host.shell("umount disk")
        }
    }
}
