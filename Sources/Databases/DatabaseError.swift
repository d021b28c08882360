import Machine

/// What stands between us and a database.
package struct DatabaseError: Explained {
    /// What went wrong, for callers that decide.
    package enum Kind: String, Sendable {
        /// No connection came about: nobody listens, a password, a container that does not run.
        case unreachable
        /// `psql`, `pg_dump`, … are not where the server's programs should be.
        case noTools = "no-tools"
        /// The programs are older than the server, and would write or read dumps that are not whole.
        case toolsTooOld = "tools-too-old"
        /// The server is older than we understand.
        case serverTooOld = "server-too-old"
        case noSuchDatabase = "no-such-database"
        case permission
        /// Somebody held a lock for longer than we wait.
        case lockTimeout = "lock-timeout"
        case diskFull = "disk-full"
        /// The server ended the connection, or went away.
        case connectionLost = "connection-lost"
        case dumpFailed = "dump-failed"
        /// The dump ended well and lacks something that is in the database.
        case dumpIncomplete = "dump-incomplete"
        case restoreFailed = "restore-failed"
        /// What was restored is not what was saved.
        case mismatch
        /// The server lacks what the dump needs: roles, extensions.
        case prerequisites
        /// A statement failed for another reason.
        case statementFailed = "statement-failed"
    }

    package let kind: Kind
    package let what: String
    package let place: String?
    package let remedy: String?

    package var code: String { "database.\(kind.rawValue)" }

    package init(_ kind: Kind, _ what: String, place: String? = nil, remedy: String? = nil) {
        self.kind = kind
        self.what = what
        self.place = place
        self.remedy = remedy
    }
}
