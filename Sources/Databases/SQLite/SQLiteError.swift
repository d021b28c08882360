internal import CSQLite3
import Glibc
import Machine

/// What stands between us and an SQLite file.
package struct SQLiteError: Explained {
    /// `sqlite.busy`, `sqlite.damaged`, …
    package let code: String
    package let what: String
    package let place: String?
    package let remedy: String?

    init(_ code: String, _ what: String, _ place: String, remedy: String? = nil) {
        self.code = "sqlite." + code
        self.what = what
        self.place = "\(RawPath(place))"
        self.remedy = remedy
    }

    /// What belongs to a database that is gone lies where the restored one would take it for its own.
    static func strayLog(_ path: String) -> SQLiteError {
        SQLiteError(
            "stray-log", "The database is gone, but what SQLite kept beside it is still there.", path,
            remedy: "Move it away, with the -shm beside it, then restore again.")
    }

    /// The present file cannot be put in order before it is exchanged.
    static func beyondReading(_ path: String) -> SQLiteError {
        SQLiteError(
            "present-damaged", "The present database is damaged, so that what lies beside it cannot be put into it.",
            path,
            remedy: "Move it away by hand, together with its -wal, -shm and -journal, then restore again.")
    }

    /// Whether SQLite cannot make sense of the file at all.
    var isBeyondReading: Bool { ["sqlite.not-a-database", "sqlite.damaged"].contains(code) }

    /// A call of SQLite's that failed.
    ///
    /// - Parameters:
    ///   - result: the extended result code.
    ///   - cause: the `errno` behind it, 0 if there was none.
    ///   - message: SQLite's own words.
    ///   - waited: for how many seconds a lock was waited for.
    static func call(
        _ result: Int32, cause: Int32, message: String, path: String, waited: Double
    ) -> SQLiteError {
        switch result & 0xff {
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: busy(path, waited: waited)
        case SQLITE_NOTADB: notADatabase(path)
        case SQLITE_CORRUPT where result != corruptIndex: damaged(path, message)
        case SQLITE_FULL: diskFull(path)
        case SQLITE_READONLY: readOnly(path)
        case SQLITE_PERM, SQLITE_AUTH: notPermitted(path)
        case SQLITE_NOMEM:
            SQLiteError(
                "memory", "There is not enough memory for SQLite.", path, remedy: "Free some, and run it again.")
        case SQLITE_IOERR, SQLITE_CANTOPEN: system(result, cause: cause, message: message, path: path)
        default: SQLiteError("failed", "SQLite says: \(RawPath(message)) (\(result)).", path)
        }
    }

    /// A virtual table, which is made of others that are judged by themselves, is not as it should be.
    private static let corruptIndex = SQLITE_CORRUPT | 1 << 8

    private static func system(_ result: Int32, cause: Int32, message: String, path: String) -> SQLiteError {
        switch cause {
        case ENOSPC, EDQUOT: return diskFull(path)
        case EROFS: return readOnly(path)
        case EACCES, EPERM: return notPermitted(path)
        default: break
        }
        let why = cause == 0 ? "\(RawPath(message)) (\(result))" : String(cString: strerror(cause))
        guard result & 0xff == SQLITE_IOERR else {
            return SQLiteError(
                "cannot-open", "SQLite cannot open the database: \(why).", path,
                remedy: "Look at owner and rights of the file and of the folder that it lies in.")
        }
        return SQLiteError(
            "io", "The disk refused to do what SQLite asked for: \(why).", path,
            remedy: "See `dmesg`, and look after the disk before anything else.")
    }

    static func missing(_ path: String) -> SQLiteError {
        SQLiteError("missing", "There is no such file.", path, remedy: "Write the path of the database as it is now.")
    }

    static func link(_ path: String) -> SQLiteError {
        SQLiteError(
            "link", "This is a symbolic link, which is not followed.", path,
            remedy: "Name the file itself: `readlink -f` tells its path.")
    }

    static func notADatabase(_ path: String) -> SQLiteError {
        SQLiteError(
            "not-a-database", "This is no SQLite database, or one that is encrypted.", path,
            remedy: "Is it the right file? An encrypted one is backed up with its folder, under `backup.files`.")
    }

    static func busy(_ path: String, waited: Double) -> SQLiteError {
        SQLiteError(
            "busy", "Somebody kept the database locked for more than \(Int(waited.rounded(.up))) seconds.", path,
            remedy: "`fuser -v FILE` shows who has it open; back up when that is done, or stop it meanwhile.")
    }

    static func inUse(_ path: String) -> SQLiteError {
        SQLiteError(
            "in-use", "Somebody has the database open.", path,
            remedy: "`fuser -v FILE` shows who; stop that program first.")
    }

    static func damaged(_ path: String, _ message: String) -> SQLiteError {
        SQLiteError(
            "damaged", "The database is damaged: \(RawPath(String(message.prefix(300)))).", path,
            remedy: "`sqlite3 FILE .recover` saves what can be saved; or restore the last good point.")
    }

    static func diskFull(_ path: String) -> SQLiteError {
        SQLiteError("disk-full", "The disk is full.", path, remedy: "Free some space on that file system (df -h).")
    }

    static func readOnly(_ path: String) -> SQLiteError {
        SQLiteError(
            "read-only",
            "The database lies where nothing can be written, and SQLite has to put its `-wal` or `-journal` in first.",
            path, remedy: "Let the program that uses it close it properly, or make the file system writable.")
    }

    static func notPermitted(_ path: String) -> SQLiteError {
        SQLiteError(
            "not-permitted", "The database may not be opened by this user.", path,
            remedy: "Run holdfast as root, or give this user access to the file and its folder.")
    }

    static func unsettled(_ path: String) -> SQLiteError {
        SQLiteError(
            "unsettled", "A part of the database lies beside it, in its `-wal` or `-journal`.", path,
            remedy: "Open it once with the program that uses it, and close it again.")
    }
}
