import Glibc
package import Machine

/// A database that is one file, with a `-wal` or `-journal` beside it while it is in use.
///
/// SQLite's locks are those of POSIX: they belong to the process, and go when *any* descriptor of the file is closed in it.
/// So as long as something here runs, nothing else in this process may open that file, its `-wal` or its `-shm`: the
/// volume or folder that it lies in is to be read before or after.
package struct SQLiteFile: Sendable {
    /// Where it lies; absolute.
    package let path: String
    /// How many seconds to wait for a lock that somebody holds.
    package let limit: Double

    /// Names a file. Nothing is looked at.
    package init(_ path: String, limit: Double = SQLiteFile.usualLimit) {
        self.path = path
        self.limit = limit
    }

    /// What ``limit`` is unless told otherwise: five minutes.
    package static let usualLimit = 300.0

    /// Copies the database as of one moment, while others use it, by SQLite's own means; checks the copy, and counts it.
    ///
    /// The copy is all in one file, byte for byte what the database would be if everybody closed it now; it is not
    /// synchronised. What a dead program left unfinished in the original, SQLite puts right first, as it does for whoever
    /// opens it; beside that nothing of it changes, and no file stays that was not there.
    ///
    /// - Parameters:
    ///   - destination: a new file, made 0600, in a folder where nobody else can make names.
    ///   - meter: learns the bytes copied.
    /// - Throws: ``SQLiteError``, ``Interrupted``, or ``MachineError`` when `destination` cannot be made; the copy is gone
    ///   then.
    package func copy(to destination: String, meter: Meter, stop: StopSignal) throws -> SQLiteFacts {
        let path = try located()
        try Descriptor.open(destination, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600).close()
        do {
            do {
                try fill(destination, from: path, .live, meter, stop)
            } catch let error as SQLiteError where error.mayBeReadOnly && Self.isReadOnly(path) {
                guard isInOneFile(path) else { throw SQLiteError.readOnly(path) }
                // A `-wal` cannot be made there, and none is needed.
                let before = try look(at: path)
                try fill(destination, from: path, .still, meter, stop)
                guard try look(at: path) == before, isInOneFile(path) else { throw error }
            }
            return try SQLiteFile(destination, limit: limit).facts(stop: stop)
        } catch {
            unlink(destination)
            throw error
        }
    }

    private func fill(
        _ destination: String, from path: String, _ way: SQLiteConnection.Way, _ meter: Meter, _ stop: StopSignal
    ) throws {
        let target = try SQLiteConnection(destination, .filling, limit: limit, stop: stop)
        let source = try SQLiteConnection(path, way, limit: limit, stop: stop)
        try source.copyPages(into: target, meter: meter)
    }

    /// What is in a file that nobody writes to, a restored copy for one; checks it first.
    ///
    /// - Throws: ``SQLiteError``, also when a `-wal` or `-journal` is there that belongs to it; ``Interrupted``.
    package func facts(stop: StopSignal) throws -> SQLiteFacts {
        let path = try located()
        guard isInOneFile(path) else { throw SQLiteError.unsettled(path) }
        let mode = try Self.journalMode(path)
        let connection = try SQLiteConnection(path, .still, limit: limit, stop: stop)
        return try connection.interruptibly {
            try connection.check()
            return SQLiteFacts(
                tables: try connection.tables(),
                pageSize: try connection.number("PRAGMA page_size"),
                pages: try connection.number("PRAGMA page_count"),
                encoding: try connection.text("PRAGMA encoding"),
                userVersion: try connection.number("PRAGMA user_version"),
                applicationID: try connection.number("PRAGMA application_id"),
                journalMode: mode, library: SQLiteConnection.library)
        }
    }

    /// Lets SQLite put what lies beside the file into it, and remove that; for a file that nobody has open.
    ///
    /// - Throws: ``SQLiteError`` `sqlite.in-use` when somebody holds a lock, or something still lies there afterwards.
    package func settle() throws {
        let path = try located()
        do {
            try Self.settle(path)
        } catch let error as SQLiteError where error.code == "sqlite.busy" {
            throw SQLiteError.inUse(path)
        }
        for suffix in ["-wal", "-journal"] where try Self.isThere(path + suffix) { throw SQLiteError.inUse(path) }
    }

    private static func settle(_ path: String) throws {
        let connection = try SQLiteConnection(path, .live, limit: settlingLimit, stop: StopSignal())
        // The first thing that is read rolls back, or finds the `-wal`.
        let hasLog = try connection.text("PRAGMA journal_mode") == "wal"
        try connection.run("BEGIN EXCLUSIVE")
        try connection.run("ROLLBACK")
        if hasLog {
            guard try connection.number("PRAGMA wal_checkpoint(TRUNCATE)") == 0 else { throw SQLiteError.inUse(path) }
        } else if try isThere(path + "-journal") {
            // One that is empty or void, kept for the next time: giving up that habit removes it.
            try connection.run("PRAGMA journal_mode=PERSIST")
            try connection.run("PRAGMA journal_mode=DELETE")
        }
    }

    /// Seconds that settling waits for a lock: whoever holds one longer has the file open.
    private static let settlingLimit = 2.0
}

extension SQLiteFile {
    /// The path without symbolic links.
    ///
    /// - Throws: when there is no regular file of that very name.
    private func located() throws -> String {
        guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { throw SQLiteError.missing(path) }
        let name = String(path[path.index(after: slash)...])
        guard let found = realpath(String(path[...slash]), nil) else {
            throw errno == EACCES ? SQLiteError.notPermitted(path) : SQLiteError.missing(path)
        }
        defer { free(found) }
        let folder = String(cString: found)
        let resolved = folder == "/" ? "/" + name : folder + "/" + name
        var status = stat()
        guard lstat(resolved, &status) == 0 else {
            throw errno == EACCES ? SQLiteError.notPermitted(path) : SQLiteError.missing(path)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return resolved
        case S_IFLNK: throw SQLiteError.link(path)
        default: throw SQLiteError.notADatabase(path)
        }
    }

    private static func isThere(_ path: String) throws -> Bool {
        var status = stat()
        if lstat(path, &status) == 0 { return true }
        guard errno == ENOENT else { throw MachineError.call("look at", path) }
        return false
    }

    /// Whether there is a file that is not empty.
    private func hasContent(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_size > 0
    }

    /// Whether no part of the database lies beside it.
    private func isInOneFile(_ path: String) -> Bool { !hasContent(path + "-wal") && !hasContent(path + "-journal") }

    /// Whether nobody can write to it by this path.
    private static func isReadOnly(_ path: String) -> Bool {
        var system = statvfs()
        return statvfs(path, &system) == 0 && system.f_flag & UInt(ST_RDONLY) != 0
    }

    /// What changes when somebody writes to a file.
    private func look(at path: String) throws -> [Int] {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw MachineError.call("look at", path) }
        return [
            Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
            status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
        ]
    }

    /// What the header says; `PRAGMA journal_mode` tells of a connection, not of a file.
    private static func journalMode(_ path: String) throws -> String {
        let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
        var version: UInt8 = 0
        let count = pread(file.raw, &version, 1, readVersionOffset)
        guard count >= 0 else { throw MachineError.call("read", path) }
        return count == 1 && version == 2 ? "wal" : "delete"
    }

    /// Where a file says how it is to be read.
    private static let readVersionOffset = 19
}

extension SQLiteError {
    /// Whether it is what SQLite says of a file system that cannot be written.
    fileprivate var mayBeReadOnly: Bool { ["sqlite.read-only", "sqlite.cannot-open"].contains(code) }
}

extension SQLiteConnection {
    /// - Throws: `sqlite.damaged` with the first thing that is not as it should be.
    fileprivate func check() throws {
        // Conditions are the program's, and may call functions that only it has.
        try run("PRAGMA ignore_check_constraints=ON")
        try each("PRAGMA quick_check(1)") { row in
            let finding = row.text(0)
            guard finding == "ok" else { throw SQLiteError.damaged(path, finding) }
        }
    }

    /// Every table with its rows.
    fileprivate func tables() throws -> [SQLiteFacts.Table] {
        var found: [(name: String, sql: [UInt8])] = []
        try each(
            "SELECT name, printf('SELECT count(*) FROM main.\"%w\"', name) FROM sqlite_master WHERE type = 'table'"
        ) {
            found.append(($0.text(0), $0.bytes(1)))
        }
        return try found.map { table in
            do {
                var rows: Int64?
                try each(table.sql) { rows = $0.number(0) }
                return SQLiteFacts.Table(name: table.name, rows: rows)
            } catch let error as SQLiteError where error.code == "sqlite.failed" {
                return SQLiteFacts.Table(name: table.name, rows: nil)
            }
        }
    }
}
