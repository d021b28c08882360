internal import Databases
import Docker
import Machine
import RestorePoints
import Settings

/// The right to change something on this host, and the journal that comes with it.
package struct HeldLock: Sendable {
    package let journal: Journal
    private let lock: FileLock

    /// Takes the lock, and meets what an interrupted run left open: containers started again, staging and unfinished
    /// points removed, keys in memory wiped, dead runs marked.
    ///
    /// - Throws: ``RecoveryError`` `busy` when somebody else holds it.
    package static func take(for command: String, _ site: Site) async throws -> (HeldLock, putRight: [String]) {
        let folder = try site.state.open()
        guard let lock = try FileLock.take(lockName, in: folder, saying: command) else {
            let holder = FileLock.holder(of: lockName, in: folder) ?? "another process"
            throw RecoveryError.refused(
                "busy", "Another holdfast is at work: \(holder).", place: site.state.path,
                remedy: "Wait until it is done. The lock dies with its process; there is nothing to remove by hand.")
        }
        SecretFolder.sweep()
        let held = HeldLock(journal: try Journal(in: folder), lock: lock)
        // First the data, then the containers that use it.
        var putRight = try Restores(site.state).settle()
        putRight += await Restores(site.state).settleDatabases(site)
        putRight += try await held.meetObligations(site)
        putRight += try PointWriter.sweep(site.settings.backup.directory).map { "removed the unfinished point \($0)" }
        putRight += try PointRemoval.sweep(site.settings.backup.directory).map { "removed the rest of the point \($0)" }
        do {
            putRight += try RunRecords(site.state).bury(at: site.clock.now()).map {
                "the run \($0) died before its end"
            }
        } catch {
            // A full disk must not keep anybody from the lock, least of all who makes room.
            site.report(.warning("Run records of the past could not be put right: \(explain(error))"))
        }
        return (held, putRight)
    }

    package func release() { lock.release() }

    /// Meets every open obligation; what cannot be met stays open, and the rest is met all the same.
    private func meetObligations(_ site: Site) async throws -> [String] {
        var done: [String] = []
        let age = journal.age ?? .infinity
        for (id, obligation) in journal.unpaid {
            do {
                if let text = try await meet(obligation, site, age) { done.append(text) }
                try journal.pay(id)
            } catch {
                site.report(.warning("Could not put right what an interrupted run left: \(explain(error))"))
            }
        }
        return done
    }

    /// - Parameter age: seconds since the last of them was written down.
    private func meet(_ obligation: Obligation, _ site: Site, _ age: Double) async throws -> String? {
        switch obligation {
        case .remove(let folder, let name):
            guard let parent = try? Descriptor.folder(folder) else { return nil }
            let wasThere = parent.has(name)
            // Also what is gone already: perhaps it would be back after a power cut.
            try parent.removeTree(name)
            guard wasThere else { return nil }
            let isFile = name.hasSuffix(DurableFile.partialSuffix)
            return "removed the \(isFile ? "unfinished file" : "staging folder") \(folder)/\(name)"
        case .drop(let entry, let name):
            let sources = DatabaseSources(site: site)
            try await sources.engine(for: try sources.entry(entry)).drop(name)
            return "dropped the database \(name), which a restore had not finished"
        case .start(let container, let name), .unpause(let container, let name):
            guard case .reachable(let engine) = site.engine else {
                guard case .absent(let reason) = site.engine else { return nil }
                throw reason
            }
            guard var found = try await engine.find(container) else { return nil }
            // The stop that a killed run had asked for may still be on its way: the engine sees it through.
            let patience = (found.stopTimeout.map { $0 / .seconds(1) } ?? Self.usualStopTimeout) + 2 - max(0, age)
            let end = monotonicSeconds() + patience
            while case .start = obligation, found.state == .running, monotonicSeconds() < end {
                try await Task.sleep(for: .milliseconds(200))
                guard let later = try await engine.find(container) else { return nil }
                found = later
            }
            if found.state == .paused {
                try await engine.unpause(container)
                return "unpaused \(name)"
            }
            guard case .start = obligation, found.state != .running else { return nil }
            try await engine.start(container)
            return "started \(name)"
        }
    }

    static let lockName = "lock"
    /// Seconds that an engine gives a container to stop before it kills it.
    private static let usualStopTimeout = 10.0
}
