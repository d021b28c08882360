internal import CSQLite3
import Glibc
import Machine
import Synchronization

/// One open SQLite file; used by one thread.
///
/// It never makes a file that is to be read, waits for locks up to a limit, and looks at the stop signal meanwhile. What
/// SQLite keeps in memory is bounded.
final class SQLiteConnection {
    /// How a file is opened.
    enum Way {
        /// As a program that uses it would: what SQLite has to put right first, it does.
        case live
        /// As a file that nobody else writes to and we neither; without any lock or file beside it.
        case still
        /// To be filled; what is in it is worth nothing before all is.
        case filling
    }

    let path: String
    fileprivate let handle: OpaquePointer
    private let limit: Double
    private let stop: StopSignal

    /// Opens a file that has to be there.
    ///
    /// - Parameter limit: how many seconds to wait for a lock.
    init(_ path: String, _ way: Way, limit: Double, stop: StopSignal) throws {
        guard let files = GuardedFiles.name else {
            throw SQLiteError("failed", "SQLite could not be kept to the database’s own files.", path)
        }
        GuardedFiles.add(path)
        var opened: OpaquePointer?
        let usual = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let result =
            way == .still
            ? sqlite3_open_v2(Self.immutable(path), &opened, usual | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, files)
            : sqlite3_open_v2(path, &opened, usual | SQLITE_OPEN_READWRITE, files)
        guard result == SQLITE_OK, let opened else {
            let cause = opened.map { sqlite3_system_errno($0) } ?? 0
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            GuardedFiles.forget(path)
            throw SQLiteError.call(result, cause: cause, message: message, path: path, waited: limit)
        }
        self.path = path
        self.limit = limit
        self.stop = stop
        handle = opened
        // The schema is somebody else's: it may not call functions with side effects.
        var pragmas = ["trusted_schema=OFF", "cache_size=-\(Self.cacheKibibytes)", "mmap_size=0"]
        if way == .filling { pragmas += ["journal_mode=OFF", "synchronous=OFF"] }
        for pragma in pragmas { try run("PRAGMA \(pragma)") }
        // Orders that only the program knows do not matter for copying and counting.
        sqlite3_collation_needed(handle, nil) { _, handle, encoding, name in
            sqlite3_create_collation_v2(
                handle, name, encoding, nil,
                { _, length, bytes, otherLength, otherBytes in
                    guard let bytes, let otherBytes else { return length - otherLength }
                    let order = memcmp(bytes, otherBytes, Int(min(length, otherLength)))
                    return order == 0 ? length - otherLength : order
                }, nil)
        }
    }

    deinit {
        sqlite3_close_v2(handle)
        GuardedFiles.forget(path)
    }

    private static let cacheKibibytes = 4096

    /// The address of a file that does not change.
    private static func immutable(_ path: String) -> String {
        var text = "file:"
        for byte in path.utf8 {
            let letter = byte | 0x20
            let isPlain =
                letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
                || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || "/._-".utf8.contains(byte)
            text += isPlain ? String(UnicodeScalar(byte)) : "%" + [byte].hex
        }
        return text + "?immutable=1"
    }

    /// Runs a statement whose rows nobody wants.
    func run(_ sql: String) throws { try each(sql) { _ in } }

    /// The first column of the first row.
    func number(_ sql: String) throws -> Int64 {
        var number: Int64 = 0
        try each(sql) { number = $0.number(0) }
        return number
    }

    /// The first column of the last row.
    func text(_ sql: String) throws -> String {
        var text = ""
        try each(sql) { text = $0.text(0) }
        return text
    }

    /// Runs a statement and shows each of its rows.
    func each(_ sql: String, _ body: (Row) throws -> Void) throws { try each(Array(sql.utf8), body) }

    /// Runs a statement, which may hold any bytes, and shows each of its rows.
    func each(_ sql: [UInt8], _ body: (Row) throws -> Void) throws {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        let prepared = try patiently {
            sql.withUnsafeBytes { bytes in
                sqlite3_prepare_v2(
                    handle, bytes.assumingMemoryBound(to: CChar.self).baseAddress, Int32(bytes.count), &statement, nil)
            }
        }
        guard prepared == SQLITE_OK, let statement else { throw error(prepared) }
        var result = try patiently {
            let result = sqlite3_step(statement)
            if Self.isLock(result) { sqlite3_reset(statement) }
            return result
        }
        while result == SQLITE_ROW {
            try body(Row(statement: statement))
            result = sqlite3_step(statement)
        }
        guard result == SQLITE_DONE else { throw error(result) }
    }

    /// One row of a result, for as long as it is shown.
    struct Row {
        fileprivate let statement: OpaquePointer

        func number(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

        func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

        /// A text in UTF-8, whatever the encoding of the database is; not all that is kept there need be valid.
        func bytes(_ column: Int32) -> [UInt8] {
            guard let start = sqlite3_column_text(statement, column) else { return [] }
            return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
        }
    }

    /// From now on all that is read is as of this moment.
    ///
    /// Writers wait for the end of it, unless there is a `-wal`.
    func holdMoment() throws {
        try run("BEGIN")
        _ = try number("PRAGMA schema_version")
    }

    /// Runs `body`, which is ended when nobody wants it any more.
    func interruptibly<Result>(_ body: () throws -> Result) throws -> Result {
        let watch = Watch(handle)
        let stop = stop
        startHelperThread("sqlite-watch") {
            while watch.interrupt(if: stop) { usleep(50_000) }
        }
        defer { watch.end() }
        do {
            return try body()
        } catch {
            try stop.check()
            throw error
        }
    }

    /// - Note: `@unchecked Sendable`: `sqlite3_interrupt` may be called by any thread as long as the connection is open, and
    ///   it is until ``end()`` has returned; after that nothing is called any more.
    private final class Watch: @unchecked Sendable {
        private let handle: OpaquePointer
        private let isOver = Mutex(false)

        init(_ handle: OpaquePointer) { self.handle = handle }

        /// Whether there is still something to watch.
        func interrupt(if stop: StopSignal) -> Bool {
            isOver.withLock { isOver in
                if isOver { return false }
                if (try? stop.check()) == nil { sqlite3_interrupt(handle) }
                return true
            }
        }

        func end() { isOver.withLock { $0 = true } }
    }

    /// Repeats a call while somebody holds a lock, up to the limit.
    fileprivate func patiently(_ call: () -> Int32) throws -> Int32 {
        let end = monotonicSeconds() + limit
        while true {
            try stop.check()
            let result = call()
            guard Self.isLock(result), monotonicSeconds() < end else { return result }
            usleep(20_000)
        }
    }

    private static func isLock(_ result: Int32) -> Bool { [SQLITE_BUSY, SQLITE_LOCKED].contains(result & 0xff) }

    private func error(_ result: Int32) -> SQLiteError {
        .call(
            result, cause: sqlite3_system_errno(handle), message: String(cString: sqlite3_errmsg(handle)), path: path,
            waited: limit)
    }
}

extension SQLiteConnection {
    /// The version of the library.
    static var library: String { String(cString: sqlite3_libversion()) }

    /// Fills `destination` with all pages of this database, as of one moment.
    ///
    /// With a `-wal` that moment is now, and writers go on. Without one they take turns with us, and what they change makes
    /// us begin again; after ``restartLimit`` times they wait until we have all.
    ///
    /// - Throws: leaves something useless in `destination`.
    func copyPages(into destination: SQLiteConnection, meter: Meter) throws {
        let pageSize = try number("PRAGMA page_size")
        let hasLog = try text("PRAGMA journal_mode") == "wal"
        if hasLog { try holdMoment() }
        guard let backup = sqlite3_backup_init(destination.handle, "main", handle, "main") else {
            throw destination.error(sqlite3_extended_errcode(destination.handle))
        }
        var isFinished = false
        defer { if !isFinished { sqlite3_backup_finish(backup) } }
        var (done, counted, restarts): (Int32, Int32, Int) = (0, 0, 0)
        while true {
            let result = try patiently { sqlite3_backup_step(backup, Self.stepPages) }
            guard result == SQLITE_OK || result == SQLITE_DONE else { throw copyError(result, destination) }
            let now = sqlite3_backup_pagecount(backup) - sqlite3_backup_remaining(backup)
            if now > counted {
                meter.add(bytes: Int(now - counted) * Int(pageSize))
                counted = now
            }
            if result == SQLITE_DONE { break }
            if now <= done {
                restarts += 1
                if restarts == Self.restartLimit, !hasLog { try holdMoment() }
            }
            done = now
            if !hasLog, restarts < Self.restartLimit { usleep(1000) }
        }
        isFinished = true
        let result = sqlite3_backup_finish(backup)
        guard result == SQLITE_OK else { throw copyError(result, destination) }
    }

    /// Whose fault it is that a page could not be copied.
    private func copyError(_ result: Int32, _ destination: SQLiteConnection) -> SQLiteError {
        let isReading =
            switch result & 0xff {
            case SQLITE_FULL: false
            case SQLITE_IOERR: sqlite3_extended_errcode(handle) == result
            default: true
            }
        let guilty = isReading ? self : destination
        return .call(
            result, cause: sqlite3_system_errno(guilty.handle), message: String(cString: sqlite3_errstr(result)),
            path: guilty.path, waited: limit)
    }

    private static let stepPages: Int32 = 1000
    private static let restartLimit = 5
}
