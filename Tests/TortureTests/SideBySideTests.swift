import Glibc
import Machine
import TestKit
import Testing

/// Many at once: one changes something, the others are told so, and whoever only looks sees nothing that is not so.
@Suite struct SideBySideTests {
    private static let busy: Int32 = 75

    @Test func twentyBackupsAtOnce() async throws {
        for round in Torture.rounds(of: "twenty at once", short: 1) {
            try await withDemoHost(.backedUp) { host in
                let before = try host.points()
                let hits = host.folder + "/hits"
                // All stand before the lock, and whoever gets it does not end before the others were told.
                let held = try await host.holdingUpGPG(at: "--encrypt")
                let runner = try await held.holdfast.doing(
                    .stop, at: 1, of: CallRule("lock", "*/state/lock"), hits: hits)
                let all = try (0..<20).map { _ in try runner.start([CommandRunner.binary, "backup"]) }
                #expect(try await eventually(within: 60) { Call.read(hits).count == all.count }, "\(round)")
                for running in all { running.signal(SIGCONT) }
                #expect(try await eventually(within: 60) { all.filter { isRunning($0.pid) }.count == 1 }, "\(round)")
                try host.letGPGGo()
                var outcomes: [CommandRunner.Outcome] = []
                for running in all { outcomes.append(try await running.wait()) }
                #expect(outcomes.filter { $0.status == 0 }.count == 1, "\(round): \(outcomes)")
                #expect(outcomes.filter { $0.status == Self.busy }.count == all.count - 1, "\(round): \(outcomes)")
                #expect(try host.points().count == before.count + 1, "\(round)")
                #expect(try host.runs("skipped") == all.count - 1, "\(round)")
                try await host.expectClean("\(round)")
            }
        }
    }

    /// A command stands still somewhere in the middle: others that change something are told, those that look are served.
    @Test func besideOneThatStandsStill() async throws {
        let commands = [
            ["backup"], ["restore", "volume", "n8n_data", "--yes", "--key"], ["prune"], ["restore", "undo", "--yes"],
        ]
        for var round in Torture.rounds(of: "beside one that stands still", short: commands.count) {
            try await withDemoHost(.backedUp, { $0.backup = ["retention: { keep_last: 1 }"] }) { host in
                var command = commands[round.number % commands.count]
                if command.last == "--key" { command.append(host.privateKey) }
                if command.contains("undo") { #expect(try await host.restore("files", "compose").status == 0) }
                let usual = try await host.looks()
                let hits = host.folder + "/hits"
                // Whatever number it is, the last call of most commands comes after it.
                let number = Int.random(
                    in: 1...([1, 4, 16].randomElement(using: &round.random) ?? 1), using: &round.random)
                let text = "\(round): \(command), call \(number)"
                let running = try await host.holdfast.doing(.stop, at: number, of: host.deeds, hits: hits)
                    .start([CommandRunner.binary] + command)
                let isStill = try await eventually(within: 60) { !Call.read(hits).isEmpty || !isRunning(running.pid) }
                #expect(isStill, "\(text)")
                if isRunning(running.pid) {
                    for other in commands + [["resume"], ["restore", "commit", "--yes"]] {
                        let key = other.last == "--key" ? [host.privateKey] : []
                        let outcome = try await host.holdfast.run([CommandRunner.binary] + other + key)
                        #expect(outcome.status == Self.busy, "\(text), \(other): \(outcome)")
                    }
                    let looks = try await host.looks()
                    #expect(looks == usual, "\(text)")
                }
                running.signal(SIGCONT)
                let outcome = try await running.wait()
                #expect(outcome.status == 0, "\(text): \(outcome)")
                _ = try await host.holdfast("restore", "commit", "--yes")
                try await host.expectClean(text)
            }
        }
    }

    /// Points go while somebody reads them: that is no damage.
    @Test func aPruneBesideThoseWhoLook() async throws {
        let looks = [
            ["verify", "--all", "--json"], ["verify", "--all", "--deep", "--json", "--key"], ["list"], ["status"],
            ["check"],
        ]
        for var round in Torture.rounds(of: "prune beside a look", short: 2 * looks.count) {
            try await withDemoHost(.backedUp, { $0.backup = ["retention: { keep_last: 1 }"] }) { host in
                var look = looks[round.number % looks.count]
                if look.last == "--key" { look.append(host.privateKey) }
                let log = host.folder + "/log"
                let usual = try await host.holdfast.loggingCalls(to: log).run([CommandRunner.binary] + look)
                let openings = CallRule("open,read", "\(host.backups)/*")
                let count = Call.read(log).filter(CallRule("open", "\(host.backups)/*").fits).count
                try #require(count > 0)
                let number = Int.random(in: 1...count, using: &round.random)
                let text = "\(round): \(look), call \(number)"
                let hits = host.folder + "/hits"
                let running = try await host.holdfast.doing(.stop, at: number, of: openings, hits: hits)
                    .start([CommandRunner.binary] + look)
                #expect(
                    try await eventually(within: 60) { !Call.read(hits).isEmpty || !isRunning(running.pid) }, "\(text)")
                let pruned = try await host.holdfast("prune")
                #expect(pruned.status == 0, "\(text): \(pruned)")
                running.signal(SIGCONT)
                let outcome = try await running.wait()
                #expect(outcome.status == usual.status, "\(text): \(outcome)")
                for word in ["unreadable", "No such file", "\"failed\""] where !usual.output.contains(word) {
                    #expect(!(outcome.output + outcome.errors).contains(word), "\(text): \(outcome)")
                }
                try await host.expectClean(text)
            }
        }
    }

    /// The point that was named, and nothing else, went away: then nothing was verified.
    @Test func aVerifyWhosePointGoes() async throws {
        try await withDemoHost(.backedUp, { $0.backup = ["retention: { keep_last: 1 }"] }) { host in
            let oldest = try #require(try host.points().first)
            let hits = host.folder + "/hits"
            let rule = CallRule("open", "\(host.backups)/\(oldest)/*.gpg")
            let running = try await host.holdfast.doing(.stop, at: 1, of: rule, hits: hits)
                .start([CommandRunner.binary, "verify", oldest, "--json"])
            #expect(try await eventually(within: 60) { !Call.read(hits).isEmpty })
            let pruned = try await host.holdfast("prune")
            #expect(pruned.status == 0, "\(pruned)")
            running.signal(SIGCONT)
            let outcome = try await running.wait()
            #expect(outcome.status == 5, "\(outcome)")
            #expect(try outcome.json().all.first?["verdict"].string == "removed meanwhile", "\(outcome)")
        }
    }

    /// A dozen commands of every kind, begun at moments of chance.
    @Test func everythingAtOnce() async throws {
        for var round in Torture.rounds(of: "everything at once", short: 2) {
            try await withDemoHost(.backedUp, { $0.backup = ["retention: { keep_last: 2 }"] }) { host in
                let key = ["--yes", "--key", host.privateKey]
                let allowed: [([String], Set<Int32>)] = [
                    (["backup"], [0, 75]), (["backup"], [0, 75]), (["prune"], [0, 75]), (["resume"], [0, 75]),
                    (["restore", "volume", "web_data"] + key, [0, 4, 75]),
                    (["restore", "files", "compose"] + key, [0, 4, 75]),
                    (["restore", "undo", "--yes"], [0, 4, 75]), (["restore", "commit", "--yes"], [0, 4, 75]),
                    (["list"], [0]), (["show", "latest"], [0]), (["verify", "--all"], [0]),
                    (["status"], [0, 1, 3]), (["check"], [0, 1, 3, 5]),
                ]
                let others = try host.snapshot(host.data())
                var started: [(Running, [String], Set<Int32>)] = []
                for _ in 0..<16 {
                    let (command, statuses) = allowed[Int.random(in: allowed.indices, using: &round.random)]
                    started.append((try host.holdfast.start([CommandRunner.binary] + command), command, statuses))
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...120, using: &round.random)))
                }
                for (running, command, statuses) in started {
                    let outcome = try await running.wait()
                    #expect(statuses.contains(outcome.status), "\(round), \(command): \(outcome)")
                }
                _ = try await host.holdfast("restore", "commit", "--yes")
                try await host.backup()
                // What nobody restored is as it was.
                #expect(try others.differences(from: host.snapshot(host.data())) == [], "\(round)")
                try await host.expectClean("\(round)")
            }
        }
    }
}

extension DemoHost {
    /// Calls by which a command changes the host, all of them made while it holds the lock.
    fileprivate var deeds: CallRule {
        let ops = "create,write,sync,rename,exchange,unlink,mkdir,rmdir"
        return CallRule(ops, "\(backups)/*") + CallRule(ops, "\(volumes)/*") + CallRule(ops, "\(state)/restores/*")
            + CallRule(ops, "\(state)/journal.jsonl")
    }

    /// What those who only look end with.
    fileprivate func looks() async throws -> [String: Int32] {
        var statuses: [String: Int32] = [:]
        for command in ["list", "status", "check", "show latest", "verify --all"] {
            let words = command.split(separator: " ").map(String.init)
            statuses[command] = try await holdfast.run([CommandRunner.binary] + words).status
        }
        return statuses
    }

    /// How many runs are on record as that.
    fileprivate func runs(_ outcome: String) throws -> Int {
        try names("state/runs").filter { try read("state/runs/\($0)").contains("\"outcome\" : \"\(outcome)\"") }.count
    }

    /// Expects that nothing is owed or unfinished, that no run seems to go on, and that every point verifies.
    fileprivate func expectClean(_ text: String, at location: SourceLocation = #_sourceLocation) async throws {
        #expect(try leftovers() == [], "\(text)", sourceLocation: location)
        #expect(try !names("backups").contains { $0.hasSuffix(".removing") }, "\(text)", sourceLocation: location)
        #expect(journal == "", "\(text)", sourceLocation: location)
        #expect(try runs("running") == 0, "\(text)", sourceLocation: location)
        let verified = try await holdfast("verify", "--all")
        #expect(verified.status == 0, "\(text): \(verified)", sourceLocation: location)
    }
}
