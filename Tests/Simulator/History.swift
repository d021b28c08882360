import Archives
import Docker
import Glibc
import Machine
import OpenPGP
import Recovery
import RestorePoints
package import TestKit

/// One history of a simulated host: runs one after another, each interrupted, failing or left in peace as the seed says, with
/// whoever comes next putting things right, and every promise checked after each.
package final class History: @unchecked Sendable {
    enum Command: String, CaseIterable {
        case backup, prune, restore, undo, commit, resume
    }

    private let host: Host
    private let sabotage: Sabotage?
    private let trace: Scheduler.Trace?
    private let ids = Scheduler.IDs()
    private let site: Site

    /// How it ended.
    package struct Result: Sendable {
        /// How many runs there were.
        package let runs: Int
        /// How many points were made, how many were to go, and how many restores were begun: a simulator in which nothing happens
        /// keeps every promise.
        package let published: Int
        package let condemned: Int
        package let restores: Int
        /// The promise that was broken, if one was.
        package let broken: String?
        /// The steps, if they were asked for.
        package let trace: [String]
    }

    private init(_ random: SeededRandom, _ sabotage: Sabotage.Kind?, traced: Bool, _ engine: Engine) {
        host = Host(random)
        self.sabotage = sabotage.map(Sabotage.init)
        trace = traced ? Scheduler.Trace() : nil
        site = host.site(engine)
    }

    /// Plays a history of `runs` runs; the same one for the same randomness.
    ///
    /// - Parameters:
    ///   - sabotage: the bug that is put in.
    ///   - traced: whether every step is kept, to be read.
    package static func play(
        _ random: SeededRandom, runs: Int, sabotage: Sabotage.Kind? = nil, traced: Bool = false
    ) async throws -> Result {
        let history = History(random, sabotage, traced: traced, try await SimulatedEngine.connected.value)
        for number in 0..<runs {
            do {
                try await history.run(number)
            } catch {
                return history.result(number + 1, broken: "run \(number): \(error)")
            }
        }
        return history.result(runs, broken: nil)
    }

    private func result(_ runs: Int, broken: String?) -> Result {
        Result(
            runs: runs, published: host.ledger.published, condemned: host.ledger.condemned.count,
            restores: host.ledger.newest, broken: broken, trace: trace?.lines ?? [])
    }

    // MARK: - One run

    private func run(_ number: Int) async throws {
        letTimePass()
        let command = choose()
        trace?.lines.append("run \(number), \(host.now): \(command.rawValue)")
        let before = (live: host.ledger.live, kept: host.ledger.kept)
        let held = host.newestWhole()
        let end = try await live(command.rawValue, fate(command), meetsVisitors: true) { process in
            try await self.carryOut(command, process)
        }
        if !end.isCalm { try await putRight() }
        try host.checkTidy()
        try checkData(command, before, end)
        for (item, point) in held.sorted(by: { $0.key < $1.key })
        where host.ledger.points[point] == nil && !host.ledger.touched.contains(point) {
            throw Broken("\(item) was whole in \(point) last, which is gone")
        }
    }

    /// How a process ended.
    private struct End {
        /// What it threw, if it lived long enough.
        let error: (any Error)?
        /// Whether nothing happened to it.
        let isCalm: Bool
    }

    /// One process from its start to its end or death.
    private func live(
        _ name: String, _ fate: Scheduler.Fate, meetsVisitors: Bool = false,
        _ body: @escaping (SimulatedProcess) async throws -> Void
    ) async throws -> End {
        let scheduler = Scheduler(
            fate, ids: ids, trace: trace, visit: meetsVisitors ? { [unowned self] in visit() } : nil)
        let process = SimulatedProcess(name, on: host, scheduler, sabotage: sabotage)
        sabotage?.process = name
        var thrown: (any Error)?
        do {
            try await System.$kernel.withValue(process) { try await body(process) }
        } catch {
            thrown = error
            if let broken = error as? Broken { throw broken }
            if !process.isDead { trace?.lines.append("  \(name) failed: \(explain(error))") }
        }
        host.holder = nil
        process.end()
        sabotage?.end(died: process.isDead)
        if process.isDead { cutPowerPerhaps() }
        if let broken = host.broken { throw broken }
        try host.checkPoints()
        return End(error: thrown, isCalm: !process.isDead && !scheduler.hadFailures)
    }

    private func cutPowerPerhaps() {
        var random = SeededRandom(seed: host.random.next())
        guard Int.random(in: 0..<4, using: &random) > 0 else { return }
        let cut = PowerCut.allCases[Int.random(in: 0..<3, using: &random)]
        trace?.lines.append("  the power is cut: \(cut)")
        host.disk.cutPower(cut, &random)
    }

    /// Whoever comes next, who may be interrupted too, and whoever comes after that.
    private func putRight() async throws {
        while host.chance(1, in: 4) {
            trace?.lines.append(" resume")
            let fate = Scheduler.Fate(death: Int.random(in: 1...25, using: &host.random))
            _ = try await live("resume", fate) { try await self.carryOut(.resume, $0) }
        }
        trace?.lines.append(" resume, in peace")
        let end = try await live("resume", .calm) { try await self.carryOut(.resume, $0) }
        if let error = end.error { throw Broken("nobody can put it right: \(explain(error))") }
    }

    // MARK: - What the seed decides

    private func letTimePass() {
        let jump: ClosedRange<Int64> =
            switch Int.random(in: 0..<20, using: &host.random) {
            case 0: -200_000...0
            case 1: 500_000...5_000_000
            case 2..<6: 0...2
            default: 600...90_000
            }
        host.now = host.now.advanced(by: Int64.random(in: jump, using: &host.random))
    }

    private func choose() -> Command {
        switch Int.random(in: 0..<20, using: &host.random) {
        case 0..<9: .backup
        case 9..<13: .prune
        case 13..<16: host.ledger.kept.count < 2 ? .restore : .commit
        case 16: .undo
        case 17: .commit
        default: .resume
        }
    }

    private func fate(_ command: Command) -> Scheduler.Fate {
        var fate = Scheduler.Fate()
        let length = command == .backup ? 75 : command == .restore ? 55 : 25
        func someStep() -> Int { Int.random(in: 1...length, using: &host.random) }
        switch Int.random(in: 0..<10, using: &host.random) {
        case 0..<2: break
        case 2..<8: fate.death = someStep()
        default:
            let codes = [EIO, ENOSPC]
            for _ in 0..<Int.random(in: 1...3, using: &host.random) {
                fate.failures.append((someStep(), codes[Int.random(in: 0..<2, using: &host.random)]))
            }
            fate.failures.sort { $0.step < $1.step }
            if host.chance(1, in: 4) { fate.death = someStep() }
        }
        if host.chance(1, in: 6) { fate.visits = [someStep()] }
        return fate
    }

    // MARK: - Commands

    private func carryOut(_ command: Command, _ process: SimulatedProcess) async throws {
        let (lock, _) = try await HeldLock.take(for: command.rawValue, site)
        host.holder = process
        defer {
            host.holder = nil
            lock.release()
        }
        switch command {
        case .backup: try await backUp(lock, process)
        case .prune: try await prune(lock)
        case .restore: try await restore(lock, process)
        case .undo: _ = try await Undo(site).run(holding: lock)
        case .commit: try await Commit(site).run(holding: lock)
        case .resume: break
        }
    }

    private func backUp(_ lock: HeldLock, _ process: SimulatedProcess) async throws {
        let attempt = BackupAttempt(BackupRequest(acceptsEmptyDirectory: true), site, holding: lock)
        let result = try await attempt.run { (self.host.plan(), SimulatedProducers(host: self.host, process: process)) }
        if case .point = result.made { host.ledger.published += 1 }
        guard !process.isDead, case .point(let manifest) = result.made,
            !host.ledger.touched.contains(manifest.point)
        else { return }
        try host.checkDurable(manifest.point)
    }

    private func prune(_ lock: HeldLock) async throws {
        let options = PruneOptions(
            acceptDrops: [PruneOptions.all], acceptJumps: host.chance(3, in: 4), afterFailure: host.chance(3, in: 4))
        let plan = try await PrunePlanner(site).plan(options)
        if plan.refusals.isEmpty { host.ledger.condemned.formUnion(plan.removed) }
        _ = try await PruneRun(plan, site, holding: lock).run()
    }

    /// As ``VolumesStaging`` does it: everything extracted and durable, then moved beside what lives, then exchanged.
    private func restore(_ lock: HeldLock, _ process: SimulatedProcess) async throws {
        host.ledger.newest += 1
        let staging = ".holdfast-volumes"
        let home = "\(Host.volumes)/\(Host.volumeNames[0])"
        let file = try ArchiveFile(
            ["/simulated/archive.tar"], allowed: .init(devices: false, setID: false, linksOut: false))
        let obligation = try lock.journal.owe(.remove(folder: home, name: staging))
        let parent = try Descriptor.folder(home)
        do {
            try parent.makeFolder(staging)
            for name in Host.volumeNames where !process.isDead {
                host.disk.lay("\(home)/\(staging)/\(name)/_data/file", Host.text(host.ledger.newest, name))
            }
            let items = Host.volumeNames.map { name in
                RestoreItem(
                    item: Item(.volume, name),
                    source: .staged(
                        .init(
                            name: name, file: file, folder: "\(home)/\(staging)/\(name)",
                            report: ExtractionReport(entries: 1, bytes: 1, ownersKept: true))),
                    target: .live(folder: "\(Host.volumes)/\(name)", live: "_data"))
            }
            let users = host.engine.containers.map { Container(id: $0.id, name: $0.name) }
            // Never used: nothing is decrypted any more.
            let key = DecryptionKey.agent(home: nil)
            _ = try await RestoreRun(RestorePlan(items: items, users: users), site, key: key, holding: lock).run()
        } catch {
            if (try? parent.removeTree(staging)) != nil { try? lock.journal.pay(obligation) }
            throw error
        }
        try parent.removeTree(staging)
        try lock.journal.pay(obligation)
    }

    // MARK: - Others

    /// Somebody else has a turn between two steps of the process at hand.
    private func visit() {
        guard host.broken == nil else { return }
        let visitor = SimulatedProcess(
            "visitor", on: host, Scheduler(.calm, ids: ids, trace: nil),
            sabotage: sabotage?.kind == .lockExcludesNobody ? sabotage : nil)
        do {
            try System.$kernel.withValue(visitor) {
                switch Int.random(in: 0..<6, using: &host.random) {
                case 0..<3: try read()
                case 3, 4: try tryAsWell()
                default: layHands()
                }
            }
        } catch {
            host.broken = error as? Broken ?? Broken("a visitor could not look: \(explain(error))")
        }
        visitor.end()
    }

    /// `list`, `verify` and `status` look at any moment.
    private func read() throws {
        trace?.lines.append("  somebody looks")
        try host.checkPoints()
        for point in try site.catalog.points() where !host.ledger.touched.contains(point.name) {
            if case .failure(let error) = point.manifest { throw Broken("a reader saw half a point: \(error)") }
        }
        let runs = RunRecords(site.state).latest()
        if let holder = host.holder, !holder.scheduler.hadFailures,
            let dead = runs.first(where: { $0.outcome == .died && $0.ended == nil })
        {
            throw Broken("the run \(dead.run) is at work, and looks dead")
        }
    }

    /// A second holdfast, which has to be refused, and leaves a record of that.
    private func tryAsWell() throws {
        trace?.lines.append("  a second holdfast tries")
        guard let lock = try FileLock.take("lock", in: try site.state.open(), saying: "second") else {
            return try RunRecord.refuse(
                "backup", .skipped, because: "another one is at work", at: host.now, in: site.state)
        }
        lock.release()
        if host.holder != nil { throw Broken("two have the lock at once") }
    }

    /// A person removes a point by hand.
    private func layHands() {
        guard let backups = host.disk.look(Host.backups),
            let name = backups.entries.keys.compactMap(PointName.init).min()
        else { return }
        trace?.lines.append("  a person removes the point \(name)")
        host.ledger.touched.insert(name)
        host.disk.set([(backups, name.description, nil)])
    }

    // MARK: - Data

    /// What lives is the old or the new, and former data is there until its commit.
    private func checkData(_ command: Command, _ before: (live: Int, kept: [Int]), _ end: End) throws {
        let (live, kept) = try host.readData()
        try host.checkVolumes(kept.count)
        var allowed = [(before.live, before.kept)]
        switch command {
        case .restore: allowed.append((host.ledger.newest, before.kept + [before.live]))
        case .undo: if let last = before.kept.last { allowed.append((last, before.kept.dropLast())) }
        case .commit:
            for index in before.kept.indices { allowed.append((before.live, [before.kept[index]])) }
            allowed.append((before.live, []))
        case .backup, .prune, .resume: break
        }
        if end.isCalm, end.error == nil, let last = allowed.last { allowed = [last] }
        guard allowed.contains(where: { $0 == live && $1 == kept }) else {
            throw Broken(
                "after \(command.rawValue), generation \(live) lives and \(kept) are kept; before it was \(before.live) and \(before.kept)"
            )
        }
        host.ledger.live = live
        host.ledger.kept = kept
    }
}
