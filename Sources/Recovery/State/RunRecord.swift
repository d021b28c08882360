import Glibc
package import Machine
package import RestorePoints

/// One attempt, written before it begins and again when it ends: a start without an end is a failure too.
///
/// Whoever began it keeps its file locked until it ends, so that others can tell a run that is at work from one that died.
package struct RunRecord: Codable, Sendable {
    package enum Outcome: String, Codable, Sendable {
        case running
        case complete
        case incomplete
        case failed
        /// Not begun, because another holdfast was at work.
        case skipped
        /// Found still `running` by a later run: killed, or the power went.
        case died
    }

    /// Its name: the moment it began, then the command.
    package let run: String
    package let started: String
    package var ended: String?
    package var outcome: Outcome
    /// What a backup was about: `all`, or the kind of its items; nil if a person named single ones.
    package var scope: String?
    package var point: String?
    /// The stand-alone archive that it made instead of a point.
    package var file: String?
    package var items: [String: ItemOutcome] = [:]
    /// Texts of what went wrong, by item; those of the run itself under "".
    package var problems: [String: String] = [:]
    /// Of a verification: the points that were looked at, with what was wrong in each; those that could not be checked are
    /// left out.
    package var verified: [String: [String]]?

    private var alive: FileLock?

    private enum CodingKeys: CodingKey {
        case run, started, ended, outcome, scope, point, file, items, problems, verified
    }

    /// When it began.
    package var moment: Timestamp { Timestamp(started) ?? .distantPast }

    /// `backup`, `prune`, `restore`, `verify`.
    package var command: String { run.lastIndex(of: "-").map { String(run[run.index(after: $0)...]) } ?? run }
}

extension RunRecord {
    /// Begins a record and writes it down.
    package static func begin(
        _ command: String, scope: String? = nil, at moment: Timestamp, in state: StateFolder
    ) throws -> RunRecord {
        let folder = try state.open(RunRecords.folderName)
        return try folder.exclusively { try begin(command, scope, moment, in: folder) }
    }

    /// Others begin at the same moment, without the lock: whoever verifies, or is told that another is at work.
    private static func begin(
        _ command: String, _ scope: String?, _ moment: Timestamp, in folder: Descriptor
    ) throws -> RunRecord {
        var record = RunRecord(
            run: try freshName(command, moment, in: folder), started: moment.description, outcome: .running,
            scope: scope)
        // Held before it has its name: nobody finds one that seems to have died.
        let file = try DurableFile(in: folder, name: "\(record.run).json")
        do {
            try file.write(try JSON.write(record))
            record.alive = try FileLock.hold(file.name + DurableFile.partialSuffix, in: folder)
        } catch {
            file.discard()
            throw error
        }
        try file.publish()
        return record
    }

    /// Writes down an attempt that could not begin: `skipped` if another holdfast was at work, else `failed`.
    package static func refuse(
        _ command: String, _ outcome: Outcome, scope: String? = nil, because text: String, at moment: Timestamp,
        in state: StateFolder
    ) throws {
        let folder = try state.open(RunRecords.folderName)
        try folder.exclusively {
            let record = RunRecord(
                run: try freshName(command, moment, in: folder), started: moment.description,
                ended: moment.description, outcome: outcome, scope: scope, problems: ["": text])
            try record.write(in: folder)
        }
    }

    /// Writes down how it ended.
    package mutating func end(_ outcome: Outcome, at moment: Timestamp, in state: StateFolder) throws {
        self.outcome = outcome
        ended = moment.description
        let folder = try state.open(RunRecords.folderName)
        try folder.exclusively { try write(in: folder) }
        alive?.release()
        alive = nil
    }

    private func write(in folder: Descriptor) throws {
        try folder.publish("\(run).json", try JSON.write(self), replacing: true)
    }

    private static func freshName(_ command: String, _ moment: Timestamp, in folder: Descriptor) throws -> String {
        var name = PointName(moment)
        while folder.has("\(name)-\(command).json") { name = PointName(name.moment.advanced(by: 1)) }
        return "\(name)-\(command)"
    }
}
