import Docker
import Glibc
import Machine
import TestKit
import Testing

/// A host on which commands are killed, what is known of it, and what has to be true of it after each.
struct KillGame {
    private let host: KillHost
    private var live: Live
    /// What each point holds.
    private var points: [String: Live] = [:]
    private var version = 0
    private var rounds = 0
    /// Seconds that a command takes undisturbed.
    private var durations: [KilledCommand: Double] = [:]
    /// By phase: seconds within which a random moment lies, where the whole of the command was too long.
    private var spans: [String: Double] = [:]
    /// How many calls a phase has, as far as it is known.
    private var counts: [String: Int] = [:]
    /// By phase.
    private(set) var kills: [String: Int] = [:]

    init(_ host: KillHost) async throws {
        self.host = host
        live = try await Live(host)
        try await backUp("the first")
    }

    private var demo: DemoHost { host.demo }

    /// What has been killed where, and how often.
    var table: String {
        let rows = kills.sorted { $0.key < $1.key }.map { "torture: killed | \($0.key) | \($0.value)" }
        return (rows + ["torture: killed in all | \(kills.values.reduce(0, +))"]).joined(separator: "\n")
    }

    // MARK: - One round

    /// Brings the host to where the command has something to do, kills it there, and checks everything.
    ///
    /// - Returns: whether the kill met it.
    mutating func play(_ phase: KillPhase, _ random: inout SeededRandom, _ text: String) async throws -> Bool {
        rounds += 1
        version += 1
        let known = try demo.points()
        var candidates = try await prepare(phase.before?.command ?? phase.command, text)
        var pids: [pid_t] = []
        if let before = phase.before {
            let rule = before.rule
            let (pid, outcome, _) = try await kill(before.command, rule, at: before.times, deed: .kill)
            #expect(outcome.status == 128 + SIGKILL, "\(text): \(outcome)")
            pids.append(pid)
        }
        let isMet = try await kill(phase, &random, &pids, &candidates, text)
        let ofPrune = (phase.before?.command ?? phase.command) == .prune
        try await checkAtOnce(known: known, isPruned: ofPrune, candidates, text)
        try await putRight(
            by: phase.command == .resume || Bool.random(using: &random) ? .resume : .backup, candidates, text)
        try await settle(candidates, &random, text)
        try await checkNothingIsLeft(pids, text)
        if isMet { kills[phase.description, default: 0] += 1 }
        if try demo.points().count > Self.mostPoints {
            try await expectDone(demo.holdfast.run([CommandRunner.binary, "prune"]), text)
            try forgetPruned()
        }
        if rounds % Self.comparedEach == 0 {
            try await compare(try #require(points.keys.randomElement(using: &random)), text)
        }
        return isMet
    }

    /// - Returns: what may live afterwards: the old, and the new if there is one.
    private mutating func prepare(_ command: KilledCommand, _ text: String) async throws -> [Live] {
        try await host.change(to: version)
        live = try await Live(host)
        var restored = live
        guard let newest = try demo.points().last, let saved = points[newest] else {
            throw TestKitError(description: "there is no point that is known")
        }
        switch command {
        case .backup, .resume: return [live]
        case .prune:
            while try demo.points().count < KillHost.kept + 2 { try await backUp(text) }
            return [live]
        case .restoreVolume, .undo, .commit: restored.data = saved.data
        case .restoreFiles: restored.files = saved.files
        case .restoreDatabase, .undoDatabase: restored.rows = saved.rows
        }
        let former = live
        let restoring: KilledCommand? =
            switch command {
            case .undo, .commit: .restoreVolume
            case .undoDatabase: .restoreDatabase
            default: nil
            }
        if let restoring {
            try await expectDone(demo.holdfast.run([CommandRunner.binary] + restoring.arguments(host)), text)
            live = restored
        }
        return [former, restored]
    }

    // MARK: - Killing

    private mutating func kill(
        _ phase: KillPhase, _ random: inout SeededRandom, _ pids: inout [pid_t], _ candidates: inout [Live],
        _ text: String
    ) async throws -> Bool {
        guard let rule = phase.rule else {
            let span = spans[phase.description] ?? durations[phase.command] ?? 0.8
            let isMet = try await killAtAnyMoment(phase, within: span, &random, &pids, text)
            // Too late: nearer to the beginning next time.
            spans[phase.description] = isMet ? nil : span * 0.6
            return isMet
        }
        let isFirst = kills[phase.description] == nil
        let number = isFirst ? 1 : Int.random(in: 1...max(1, counts[phase.description] ?? 2), using: &random)
        let deed =
            isFirst ? .kill : [CallDeed.kill, .kill.afterwards, .killGroup].randomElement(using: &random) ?? .kill
        let (pid, outcome, isMet) = try await kill(phase.command, rule, at: number, deed: deed)
        pids.append(pid)
        // How far one may go is found out by going further each time that there was something.
        counts[phase.description] = isMet ? max(counts[phase.description] ?? 2, number * 2) : max(1, number - 1)
        #expect(outcome.status == (isMet ? 128 + SIGKILL : 0), "\(text), call \(number): \(outcome)")
        return isMet
    }

    private func kill(_ command: KilledCommand, _ rule: CallRule, at number: Int, deed: CallDeed) async throws
        -> (pid: pid_t, CommandRunner.Outcome, isMet: Bool)
    {
        let hits = demo.folder + "/hits"
        unlink(hits)
        let runner = try await demo.holdfast.doing(deed, at: number, of: rule, hits: hits)
        let running = try runner.start([CommandRunner.binary] + command.arguments(host))
        let outcome = try await running.wait()
        return (running.pid, outcome, !Call.read(hits).isEmpty)
    }

    private mutating func killAtAnyMoment(
        _ phase: KillPhase, within span: Double, _ random: inout SeededRandom, _ pids: inout [pid_t], _ text: String
    ) async throws -> Bool {
        let moment = Double.random(in: 0...span, using: &random)
        let began = monotonicSeconds()
        let running = try demo.holdfast.start([CommandRunner.binary] + phase.command.arguments(host))
        pids.append(running.pid)
        try await Task.sleep(for: .seconds(moment))
        var isSent = true
        switch phase.victim {
        case .process: running.signal(SIGKILL)
        case .group: Glibc.kill(-running.pid, SIGKILL)
        case .child:
            // One that ends by itself just now is no loss: the next is looked for.
            var child: pid_t?
            while child == nil, isRunning(running.pid) {
                child = children(of: running.pid).randomElement(using: &random)
                if child == nil { try await Task.sleep(for: .milliseconds(2)) }
            }
            if let child { Glibc.kill(child, SIGKILL) } else { isSent = false }
        }
        let outcome = try await running.wait()
        let isDead = outcome.status == 128 + SIGKILL
        if outcome.status == 0 { durations[phase.command] = monotonicSeconds() - began }
        // Without one of its children it says that something went wrong, or had all that it needed of it.
        if phase.victim == .child {
            #expect(!isDead && isSent || outcome.status == 0, "\(text): \(outcome)")
            return isSent
        }
        #expect(isDead || outcome.status == 0, "\(text), \(moment) s: \(outcome)")
        return isDead
    }

    // MARK: - What has to be true

    /// Before anything is put right.
    private mutating func checkAtOnce(known: [String], isPruned: Bool, _ candidates: [Live], _ text: String)
        async throws
    {
        let now = try demo.points()
        let old = Set(known).union(points.keys)
        if isPruned {
            let last = points.keys.sorted().suffix(KillHost.kept)
            #expect(Set(now).isSuperset(of: last) && Set(now).isSubset(of: old), "\(text): \(now)")
            try forgetPruned()
        } else {
            #expect(Set(now).isSuperset(of: old), "\(text): \(now)")
        }
        if !now.isEmpty {
            let verified = try await demo.holdfast("verify", "--all")
            #expect(verified.status == 0, "\(text): \(verified)")
        }
        let found = try await Live(host)
        expect(found, amongst: candidates, text)
        live = found
        for new in now where points[new] == nil && !old.contains(new) { try await take(new) }
    }

    /// Takes note of a point; one that lacks an item is good for what it has, and proves no more here.
    private mutating func take(_ new: String) async throws {
        let shown = try await demo.holdfast("show", new, "--json").json()
        points[new] = shown["outcome"].string == "incomplete" ? nil : live
    }

    private mutating func putRight(by command: KilledCommand, _ candidates: [Live], _ text: String) async throws {
        let old = Set(try demo.points())
        let outcome = try await demo.holdfast.run([CommandRunner.binary] + command.arguments(host))
        #expect(outcome.status == 0, "\(text), put right by \(command): \(outcome)")
        live = try await Live(host)
        expect(live, amongst: candidates, text)
        for new in try demo.points() where !old.contains(new) { points[new] = live }
        for container in host.containers {
            let state = try await host.engine.container(container.id).state
            #expect(state == .running, "\(text): \(container.name) is \(state)")
        }
        #expect(demo.journal == "", "\(text)")
        let names = try demo.names("backups")
        #expect(!names.contains { $0.hasSuffix(".partial") || $0.hasSuffix(".removing") }, "\(text): \(names)")
        let running = try demo.names("state/runs").filter { try demo.read("state/runs/\($0)").contains("\"running\"") }
        #expect(running.isEmpty, "\(text): \(running)")
        let unnamed = try demo.leftovers()
        #expect(unnamed.filter { $0.hasSuffix(".partial") }.isEmpty, "\(text): \(unnamed)")
    }

    /// Undoes or commits what stands.
    private mutating func settle(_ candidates: [Live], _ random: inout SeededRandom, _ text: String) async throws {
        guard demo.has("state/restores"), try !demo.names("state/restores").isEmpty else { return }
        // A commit that has begun is not to be gone back from, and does as if it were done.
        let isUndone = Bool.random(using: &random)
        let outcome = try await demo.holdfast("restore", isUndone ? "undo" : "commit", "--yes")
        #expect(outcome.status == 0, "\(text): \(outcome)")
        live = try await Live(host)
        let expected = candidates[isUndone ? 0 : candidates.count - 1]
        #expect(live.differences(from: expected) == [], "\(text): \(isUndone ? "undone" : "committed")")
    }

    private mutating func checkNothingIsLeft(_ pids: [pid_t], _ text: String) async throws {
        #expect(try demo.leftovers() == [], "\(text)")
        #expect(try !demo.has("state/restores") || demo.names("state/restores").isEmpty, "\(text)")
        for volume in [host.data, host.more] {
            let folder = volume.mountpoint.dropLast("/_data".count)
            #expect(try demo.names(String(folder)).filter { $0 != "_data" && $0 != "opts.json" } == [], "\(text)")
        }
        #expect(try await host.copies() == [], "\(text)")
        let secrets = try demo.names("/dev/shm").filter { name in pids.contains { name.hasPrefix("holdfast-\($0)-") } }
        #expect(secrets == [], "\(text)")
        try await backUp(text)
        let marks = pids.map { "/dev/shm/holdfast-\($0)-" } + [demo.folder]
        let areGone = try await eventually(within: 30) { processes(about: marks).isEmpty }
        #expect(areGone, "\(text): \(processes(about: marks))")
        let session = "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(host.database)'"
        var open = try await host.server.psql(session)
        for _ in 0..<100 where open != "0" {
            try await Task.sleep(for: .milliseconds(50))
            open = try await host.server.psql(session)
        }
        #expect(open == "0", "\(text): sessions are left")
    }

    private mutating func backUp(_ text: String) async throws {
        let point = try await demo.backup()
        points[point] = live
    }

    private mutating func forgetPruned() throws {
        let left = Set(try demo.points())
        points = points.filter { left.contains($0.key) }
    }

    /// Restores all of a point beside what lives, and compares.
    private func compare(_ point: String, _ text: String) async throws {
        let saved = try #require(points[point])
        let beside = demo.folder + "/beside"
        for (words, tree) in [
            (["volume", host.data.name], saved.data), (["volume", host.more.name], saved.more),
            (["files", "compose"], saved.files),
        ] {
            let arguments = ["restore"] + words + ["--from", point, "--to", beside] + host.arguments
            try await expectDone(demo.holdfast.run([CommandRunner.binary] + arguments), text)
            #expect(tree.differences(from: try demo.snapshot(beside)) == [], "\(text): \(point), \(words)")
            try demo.remove("beside")
        }
        let deep = try await demo.holdfast("verify", point, "--deep", "--key", demo.privateKey)
        #expect(deep.status == 0, "\(text): \(deep)")
    }

    /// The same for all points that are there; in a short run, for the newest.
    func compareAtTheEnd() async throws {
        for point in points.keys.sorted().suffix(Torture.seconds == nil ? 1 : .max) {
            try await compare(point, "at the end")
        }
    }

    private func expect(_ found: Live, amongst candidates: [Live], _ text: String) {
        let differences = candidates.map { $0.differences(from: found) }
        #expect(differences.contains([]), "\(text): neither the old nor the new: \(differences)")
    }

    private func expectDone(_ outcome: CommandRunner.Outcome, _ text: String) async throws {
        guard outcome.status == 0 else { throw TestKitError(description: "\(text): \(outcome)") }
    }

    private static let mostPoints = 5
    /// In how many rounds a point is restored and compared.
    private static let comparedEach = 16
}

// MARK: - Processes

/// Processes whose command line holds one of these.
private func processes(about marks: [String]) -> [String] {
    guard let names = try? Descriptor.folder("/proc").names() else { return [] }
    return names.compactMap { name -> String? in
        guard let pid = pid_t(name), pid != getpid(), isRunning(pid), let bytes = contents(of: "/proc/\(name)/cmdline")
        else { return nil }
        let words = String(decoding: bytes.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
        return marks.contains { words.contains($0) } ? "\(pid) \(words)" : nil
    }
}

/// Whichever thread started them.
private func children(of parent: pid_t) -> [pid_t] {
    let threads = (try? Descriptor.folder("/proc/\(parent)/task").names()) ?? []
    return threads.flatMap { thread in
        String(decoding: contents(of: "/proc/\(parent)/task/\(thread)/children") ?? [], as: UTF8.self)
            .split(separator: " ").compactMap { pid_t($0) }
    }
}
