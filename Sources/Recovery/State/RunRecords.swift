import Glibc
internal import Machine
package import RestorePoints

/// The attempts of which this host has a record: the only truth about them.
package struct RunRecords: Sendable {
    private let state: StateFolder

    package init(_ state: StateFolder) { self.state = state }

    /// The latest, oldest first; files that cannot be read are left out. Nothing is made or changed.
    ///
    /// A record that says `running` although nobody is at work any more is given as `died`.
    package func latest(_ count: Int = RunRecords.kept) -> [RunRecord] {
        guard let folder = try? Descriptor.folder("\(state.path)/\(Self.folderName)"), let names = try? folder.names()
        else { return [] }
        return names.filter { $0.hasSuffix(".json") }.suffix(count).compactMap { name in
            try? Self.look(at: name, in: folder)
        }
    }

    /// What went wrong in the run that made this point, by item; empty where the record is not here.
    package func problems(of point: PointName) -> [String: String] {
        latest().last { $0.point == point.description }?.problems ?? [:]
    }

    /// Marks the runs that died, and removes records that are older than the latest ``kept``; call it only while holding
    /// the lock.
    ///
    /// - Returns: the runs that died.
    func bury(at moment: Timestamp) throws -> [String] {
        let folder = try state.open(Self.folderName)
        try folder.exclusively { try folder.removeUnfinished() }
        let names = try folder.names().filter { $0.hasSuffix(".json") }
        for name in names.dropLast(Self.kept) { try folder.removeTree(name) }
        var died: [String] = []
        for name in names.suffix(Self.kept) {
            guard var record = try? Self.look(at: name, in: folder), record.outcome == .died, record.ended == nil
            else { continue }
            try record.end(.died, at: moment, in: state)
            died.append(record.run)
        }
        return died
    }

    /// A record, `died` where it says `running` and nobody is at work.
    private static func look(at name: String, in folder: Descriptor) throws -> RunRecord {
        let record = try read(name, in: folder)
        guard record.outcome == .running, !FileLock.isHeld(name, in: folder) else { return record }
        // It may have ended between the two looks; then another file has its name, which nobody holds.
        var now = try read(name, in: folder)
        if now.outcome == .running { now.outcome = .died }
        return now
    }

    private static func read(_ name: String, in folder: Descriptor) throws -> RunRecord {
        let file = try folder.open(name, O_RDONLY | O_NOFOLLOW)
        return try JSON.read(RunRecord.self, try file.readAll(limit: 16 << 20), place: file.path)
    }

    static let folderName = "runs"
    /// How many records are kept: a year of nights with backup and prune.
    package static let kept = 750
}
