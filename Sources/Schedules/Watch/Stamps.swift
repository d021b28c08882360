import Glibc
package import Machine

/// What `watch` remembers of each job across restarts: `schedule.json` in the state folder.
package struct Stamps: Codable, Equatable, Sendable {
    package struct Stamp: Codable, Equatable, Sendable {
        /// All that was due up to this moment is done with; RFC 3339, UTC.
        package var covered: String
        /// The last run.
        package var began: String?
        /// Nil while it runs, and for ever if it died.
        package var ended: String?
        /// Of the command that ended it; 128 and the signal's number if one did.
        package var status: Int32?

        package init(covered: Timestamp) { self.covered = covered.description }
    }

    /// By the job's name.
    package var jobs: [String: Stamp] = [:]

    package init() {}

    /// Reads them; empty where there are none yet.
    ///
    /// - Throws: ``ScheduleError`` `schedule.bad-stamps` for a file that says something else.
    package static func read(in state: Descriptor) throws -> Stamps {
        guard state.has(name) else { return Stamps() }
        let file = try state.open(name, O_RDONLY | O_NOFOLLOW)
        let bytes = try file.readAll(limit: 1 << 20)
        do {
            return try JSON.read(Stamps.self, bytes, place: file.path)
        } catch {
            throw ScheduleError.failed(
                "bad-stamps", "What watch remembers of its runs cannot be read. \(explain(error).what)",
                place: file.path,
                remedy: "Remove the file: every job is then due at its next time, and nothing is made up for.")
        }
    }

    /// Writes them; durable when it returns.
    package func write(in state: Descriptor) throws {
        try state.publish(Self.name, try JSON.write(self), replacing: true)
    }

    private static let name = "schedule.json"
}
