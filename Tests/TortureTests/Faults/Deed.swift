import Glibc
import Machine
import TestKit
import Testing

/// What a command does that changes something.
enum Deed: String, CaseIterable, CustomTestStringConvertible, CustomStringConvertible {
    case backup, backupAndPrune, archive, prune, restore, restoreElsewhere, undo, commit, resume, initialise

    var description: String { rawValue }
    var testDescription: String { rawValue }

    /// Brings a host that was backed up twice to where the command has something to do.
    fileprivate func arrange(on host: DemoHost) async throws {
        switch self {
        case .backup, .archive, .restore, .restoreElsewhere: break
        case .backupAndPrune, .prune: try host.configure { $0.backup = ["retention: { keep_last: 1 }"] }
        case .undo, .commit:
            let restored = try await host.restore("volume", "n8n_data")
            #expect(restored.status == 0, "\(restored)")
        case .resume: try await leaveUnfinished(on: host)
        case .initialise: try await host.shell("rm -r state/* backups/*")
        }
    }

    /// A restore, a backup and a removal that were killed.
    private func leaveUnfinished(on host: DemoHost) async throws {
        let held = try await host.holdingUpGPG(at: "--decrypt")
        let running = try held.holdfast.start(
            [CommandRunner.binary, "restore", "volume", "n8n_data", "--yes", "--key", host.privateKey])
        try await host.untilGPGIsHeld()
        running.signal(SIGKILL)
        _ = try await running.wait()
        try host.letGPGGo()
        try await host.shell(
            """
            cp -a backups/$(ls backups | head -1) backups/2020-01-01T000000Z.partial
            cp -a backups/$(ls backups | head -1) backups/2020-01-02T000000Z.removing
            touch state/runs/2020-01-01T000000Z-backup.json.partial
            """)
    }

    func command(on host: DemoHost) -> [String] {
        let key = ["--yes", "--key", host.privateKey, "--json"]
        let words =
            switch self {
            case .backup: ["backup", "--json"]
            case .backupAndPrune: ["backup", "--prune", "--json"]
            case .archive: ["backup", "volumes", "--to", host.path(Self.archiveName), "--json"]
            case .prune: ["prune", "--json"]
            case .restore: ["restore", "volume", "n8n_data"] + key
            case .restoreElsewhere: ["restore", "volume", "n8n_data", "--to", host.path("out")] + key
            case .undo: ["restore", "undo", "--yes", "--json"]
            case .commit: ["restore", "commit", "--yes", "--json"]
            case .resume: ["resume", "--json"]
            case .initialise: ["init", "--signing-key-only", "--config", host.config, "--json"]
            }
        return [CommandRunner.binary] + words
    }

    fileprivate static let archiveName = "volumes.tar.zst.gpg"

    /// How often it makes calls of each kind below the host's folder, when none fails.
    func countCalls() async throws -> [Fault.Kind: Int] {
        try await withDemoHost(.backedUp) { host in
            try await arrange(on: host)
            let log = host.path("calls")
            let outcome = try await host.holdfast.loggingCalls(to: log, reads: true).run(command(on: host))
            #expect(outcome.status == 0, "\(self): \(outcome)")
            let calls = Call.read(log)
            let counts = Fault.Kind.allCases.filter { $0 != .any }.map { kind in
                (kind, calls.filter { kind.rule(below: host.folder).fits($0) }.count)
            }
            return Dictionary(uniqueKeysWithValues: counts.filter { $0.1 > 0 })
        }
    }
}

/// One deed on one host: what was there before, and what has to be true afterwards, whatever went wrong meanwhile.
struct Trial {
    let deed: Deed
    let host: DemoHost
    private let before: Belongings
    /// What the volume is once the deed is done, where it changes it.
    private let saved: TreeSnapshot?

    /// Brings the host to where the deed can begin.
    init(_ deed: Deed, on host: DemoHost) async throws {
        self.deed = deed
        self.host = host
        try await deed.arrange(on: host)
        switch deed {
        case .restore, .restoreElsewhere:
            let there = try await host.restore("volume", "n8n_data", "--to", host.path("expected"))
            #expect(there.status == 0, "\(there)")
            saved = deed == .restore ? try host.snapshot("expected") : nil
        case .undo:
            let record = try host.names("state/restores").first { $0.hasSuffix(".json") } ?? ""
            saved = try host.snapshot("volumes/n8n_data/.holdfast-\(record.dropLast(".json".count))-_data")
        default: saved = nil
        }
        before = try Belongings(of: host)
    }

    /// Does it, on a host on which something goes wrong.
    func run(on faulty: DemoHost) async throws -> CommandRunner.Outcome {
        try await faulty.holdfast.run(deed.command(on: host))
    }

    /// Looks at what is left, now that nothing goes wrong any more, and expects that the next commands put everything right.
    ///
    /// - Parameter couldSpeak: whether there was room for what the command had to say.
    func judge(_ outcome: CommandRunner.Outcome, couldSpeak: Bool = true, _ text: String) async throws {
        if couldSpeak { try expectHonest(outcome, text) }
        let isOther = try before.expectLive(or: saved, text)
        let mayGo: Set<String> = [.prune, .backupAndPrune].contains(deed) ? Set(before.points.keys) : []
        try before.expectPoints(except: mayGo, text)
        try await expectDone(outcome, isOther: isOther, text)
        try await host.expectRecovery(before, or: saved, text)
    }

    /// Expects that a command which says that it is done has done it.
    private func expectDone(_ outcome: CommandRunner.Outcome, isOther: Bool, _ text: String) async throws {
        let isDone = outcome.status == 0
        switch deed {
        case .backup: try await host.expectNewPoint(outcome, before, text)
        case .backupAndPrune:
            // Whatever of the two went wrong, a whole point is there.
            #expect(try host.points().count >= 1, "\(text): \(outcome)")
            if isDone { #expect(try host.points().count == 1, "\(text): \(outcome)") }
        case .archive:
            let isThere = host.has(Deed.archiveName)
            #expect(isThere || !isDone, "\(text): \(outcome)")
            guard isThere else { return }
            let verified = try await host.holdfast(
                "verify", host.path(Deed.archiveName), "--deep", "--key", host.privateKey)
            #expect(verified.status == 0, "\(text): \(verified)")
        case .prune:
            #expect(try host.points().last == before.points.keys.max(), "\(text): \(outcome)")
            // What cannot be read stays, and that is said.
            let isLeft = outcome.output.contains("cannot be read: left alone")
            if isDone, !isLeft { #expect(try host.points().count == 1, "\(text): \(outcome)") }
        case .restore, .undo: if isDone { #expect(isOther, "\(text): \(outcome)") }
        case .restoreElsewhere:
            #expect(host.has("out") || !isDone, "\(text): \(outcome)")
            guard host.has("out") else { return }
            #expect(try host.snapshot("expected").differences(from: host.snapshot("out")) == [], "\(text)")
        case .commit: if isDone { #expect(try host.leftovers() == [], "\(text): \(outcome)") }
        case .resume: if isDone { #expect(host.journal == "", "\(text): \(outcome)") }
        case .initialise:
            // Half a state folder must not stand in the way of the next try.
            let again = isDone ? outcome : try await host.holdfast.run(deed.command(on: host))
            #expect(again.status == 0, "\(text): \(again)")
        }
    }
}
