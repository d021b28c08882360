import Glibc
import Machine
import TestKit
import Testing

/// Killed at any moment: what has a good name is whole, live data is old or new, and the next command puts the rest right.
@Suite(.serialized) struct CrashTests {
    /// A tree that takes a while to read: large files, and many small ones.
    private static let bulk = """
        for i in 1 2 3; do head -c 24M /dev/urandom > $tree/large$i; done
        mkdir $tree/small; for i in $(seq 1500); do echo $i > $tree/small/$i; done
        """

    @Test func aBackupThatIsKilled() async throws {
        try await withDemoHost(.backedUp) { host in
            try await host.shell("tree=\(host.data())\n" + Self.bulk)
            let began = monotonicSeconds()
            try await host.backup()
            let seconds = monotonicSeconds() - began
            var points = try host.points()
            try await host.kill(["backup"], seed: 3, times: 12, typically: seconds) { text in
                // Before anything is put right.
                let now = try host.points()
                #expect(Array(now.prefix(points.count)) == points, "\(text)")
                for new in now.dropFirst(points.count) {
                    let verified = try await host.holdfast("verify", new)
                    #expect(verified.status == 0, "\(text): \(verified)")
                }
                points = now
                try await host.resume(text)
                #expect(try host.leftovers() == [], "\(text)")
                #expect(try host.points() == points, "\(text)")
            }
            let died = try host.names("state/runs").filter { try host.read("state/runs/\($0)").contains("\"died\"") }
            #expect(!died.isEmpty)
            try await host.backup()
            let verified = try await host.holdfast("verify", "--all", "--deep", "--key", host.privateKey)
            #expect(verified.status == 0, "\(verified)")
        }
    }

    @Test func aRestoreThatIsKilled() async throws {
        try await withDemoHost(.ready) { host in
            try await host.shell("tree=\(host.data())\n" + Self.bulk)
            let new = try host.snapshot(host.data())
            try await host.backup("volumes", "n8n_data")
            try host.write("\(host.data())/config.json", "since then")
            try host.remove("\(host.data())/large2")
            let old = try host.snapshot(host.data())
            let began = monotonicSeconds()
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            let seconds = monotonicSeconds() - began
            #expect(try await host.holdfast("restore", "undo", "--yes").status == 0)
            let arguments = ["restore", "volume", "n8n_data", "--yes", "--key", host.privateKey]
            try await host.kill(arguments, seed: 5, times: 12, typically: seconds) { text in
                let right = try host.snapshot(host.data())
                let isOld = old.differences(from: right).isEmpty
                #expect(isOld || new.differences(from: right).isEmpty, "\(text)")
                try await host.resume(text)
                if host.has("\(host.data())/large2") {
                    try expectSame(new, host.snapshot(host.data()), "\(text)")
                    #expect(try await host.holdfast("restore", "undo", "--yes").status == 0, "\(text)")
                }
                try expectSame(old, host.snapshot(host.data()), "\(text)")
                #expect(try host.leftovers() == [], "\(text)")
            }
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            try expectSame(new, host.snapshot(host.data()))
        }
    }

    @Test(arguments: ["undo", "commit"])
    func anUndoAndACommitThatAreKilled(command: String) async throws {
        try await withDemoHost(.ready) { host in
            try await host.shell("mkdir \(host.data())/small; cd \(host.data())/small; seq 3000 | xargs touch")
            let new = try host.snapshot(host.data())
            try await host.backup("volumes", "n8n_data")
            var random = SeededRandom(seed: 9)
            for round in 0..<6 {
                let text = "\(command), round \(round)"
                try host.write("\(host.data())/config.json", "since then, \(round)")
                let old = try host.snapshot(host.data())
                #expect(try await host.restore("volume", "n8n_data").status == 0, "\(text)")
                let running = try host.holdfast.start([CommandRunner.binary, "restore", command, "--yes"])
                try await Task.sleep(for: .milliseconds(Int.random(in: 5...200, using: &random)))
                running.signal(SIGKILL)
                _ = try await running.wait()
                try await host.resume(text)
                let right = try host.snapshot(host.data())
                let isOld = old.differences(from: right).isEmpty
                #expect(isOld && command == "undo" || new.differences(from: right).isEmpty, "\(text)")
                if !(try host.names("state/restores").isEmpty) {
                    #expect(try await host.holdfast("restore", "commit", "--yes").status == 0, "\(text)")
                }
                #expect(try host.leftovers() == [], "\(text)")
            }
        }
    }
}

/// Ctrl-C and SIGTERM: the work ends in order, at once, and says by its status why.
@Suite struct InterruptionTests {
    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func aBackup(signal: Int32) async throws {
        try await withDemoHost(.backedUp) { host in
            let held = try await host.holdingUpGPG(at: "--encrypt")
            let before = try Possessions(of: host)
            let running = try held.holdfast.start([CommandRunner.binary, "backup", "--json"])
            try await host.untilGPGIsHeld()
            #expect(try host.leftovers().count > 0)
            running.signal(signal)
            let outcome = try await running.wait()
            #expect(outcome.status == 128 + signal, "\(outcome)")
            #expect(try outcome.json()["error"]["code"].string == "interrupted")
            try await before.expectUntouched(host)
            let record = try #require(try host.names("state/runs").last { $0.hasSuffix("-backup.json") })
            #expect(try host.read("state/runs/\(record)").contains("\"failed\""))
            try await host.backup()
        }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func aRestore(signal: Int32) async throws {
        try await withDemoHost(.backedUp) { host in
            let held = try await host.holdingUpGPG(at: "--decrypt")
            let before = try Possessions(of: host)
            let running = try held.holdfast.start(
                [CommandRunner.binary, "restore", "volume", "n8n_data", "--yes", "--key", host.privateKey])
            try await host.untilGPGIsHeld()
            running.signal(signal)
            let outcome = try await running.wait()
            #expect(outcome.status == 128 + signal, "\(outcome)")
            try await before.expectUntouched(host)
            #expect(!(try host.names("/dev/shm").contains { $0.hasPrefix("holdfast-\(running.pid)-") }))
        }
    }

    @Test func aVerify() async throws {
        try await withDemoHost(.backedUp) { host in
            let held = try await host.holdingUpGPG(at: "--decrypt")
            let running = try held.holdfast.start([CommandRunner.binary, "verify", "--deep", "--key", host.privateKey])
            try await host.untilGPGIsHeld()
            running.signal(SIGTERM)
            #expect(try await running.wait().status == 143)
        }
    }

    /// A key that is still being typed in, or pasted, or that never comes.
    @Test func whileItWaitsForTheKey() async throws {
        try await withDemoHost(.backedUp) { host in
            let before = try Possessions(of: host)
            let stdin = try Pipe("a key that does not come")
            let running = try host.holdfast.start(
                [CommandRunner.binary, "restore", "volume", "n8n_data", "--yes", "--key", "-"], reading: stdin.reader)
            while !(try running.errorsSoFar().contains("Plan:")) { try await Task.sleep(for: .milliseconds(10)) }
            running.signal(SIGTERM)
            #expect(try await running.wait().status == 143)
            try stdin.writer.close()
            try await before.expectUntouched(host)
        }
    }

    /// Where a person is asked, on a terminal.
    @Test(arguments: [("\\003", 130), ("n\\n", 4), ("\\n", 4), ("\\004", 4), ("y\\n", 0)] as [(String, Int32)])
    func atTheQuestion(typed: String, status: Int32) async throws {
        try await withDemoHost(.backedUp) { host in
            let before = try Possessions(of: host)
            // script(1) gives the terminal: what comes from the pipe is typed.
            let outcome = try await host.tools.run([
                "timeout", "60", "bash", "-c",
                """
                mkfifo keys; : > said
                script -qefc '\(CommandRunner.binary) restore volume n8n_data --key \(host.privateKey)' said < keys > /dev/null &
                exec 3> keys
                until grep -q 'y/N' said; do sleep 0.02; done
                printf '\(typed)' >&3
                wait $!
                """,
            ])
            #expect(outcome.status == status, "\(outcome) \((try? host.read("said")) ?? "")")
            if status != 0 { try await before.expectUntouched(host) }
        }
    }
}
