import Glibc
package import Machine
package import RestorePoints

/// One attempt, written before it begins and again when it ends: a start without an end is a failure too.
package struct RunRecord: Codable, Sendable {
    package enum Outcome: String, Codable, Sendable {
        case running
        case complete
        case incomplete
        case failed
        /// Found still `running` by a later run: killed, or the power went.
        case died
    }

    package let run: String
    package let started: String
    package var ended: String?
    package var outcome: Outcome
    package var point: String?
    /// The file that it was to make instead of a point.
    package var file: String?
    package var items: [String: ItemOutcome] = [:]
    /// Texts of what went wrong, by item; those of the run itself under "".
    package var problems: [String: String] = [:]

    /// Begins a record and writes it down.
    package static func begin(_ command: String, at moment: Timestamp, in state: StateFolder) throws -> RunRecord {
        let folder = try state.open(folderName)
        var name = PointName(moment)
        while folder.has("\(name)-\(command).json") { name = PointName(name.moment.advanced(by: 1)) }
        let record = RunRecord(run: "\(name)-\(command)", started: moment.description, outcome: .running)
        try record.write(in: folder)
        return record
    }

    /// Writes down how it ended.
    package mutating func end(_ outcome: Outcome, at moment: Timestamp, in state: StateFolder) throws {
        self.outcome = outcome
        ended = moment.description
        try write(in: try state.open(Self.folderName))
    }

    /// What went wrong in the run that made this point, by item; empty where the record is not here.
    package static func problems(of point: PointName, in state: StateFolder) -> [String: String] {
        guard let folder = try? Descriptor.folder("\(state.path)/\(folderName)"), let names = try? folder.names() else {
            return [:]
        }
        for name in names.suffix(newest).reversed() where name.hasSuffix("-backup.json") {
            let bytes = try? folder.open(name, O_RDONLY | O_NOFOLLOW).readAll(limit: 16 << 20)
            guard let record = try? JSON.read(RunRecord.self, bytes ?? [], place: name) else { continue }
            if record.point == point.description { return record.problems }
        }
        return [:]
    }

    /// Marks the records that still say `running`; call it only while holding the lock.
    ///
    /// - Returns: the runs that died.
    static func bury(in state: StateFolder, at moment: Timestamp) throws -> [String] {
        let folder = try state.open(folderName)
        try folder.removeUnfinished()
        var died: [String] = []
        for name in try folder.names().suffix(newest) where name.hasSuffix(".json") {
            let bytes = try folder.open(name, O_RDONLY | O_NOFOLLOW).readAll(limit: 16 << 20)
            guard var record = try? JSON.read(RunRecord.self, bytes, place: name), record.outcome == .running else {
                continue
            }
            try record.end(.died, at: moment, in: state)
            died.append(record.run)
        }
        return died
    }

    private func write(in folder: Descriptor) throws {
        try folder.publish("\(run).json", try JSON.write(self), replacing: true)
    }

    private static let folderName = "runs"
    /// How many of the latest records are looked through: a run that died lies among them.
    private static let newest = 100
}
