internal import CSQLite3
import Glibc
import Synchronization

/// SQLite's own way to files, but for one thing: it removes no file that is not beside a database that we have open.
///
/// A journal can name another file that is to be removed with it (SQLite, "Atomic Commit", section 5: the super-journal),
/// and whoever owns the database can write one that names any file there is; we are root.
enum GuardedFiles {
    /// What it is called to SQLite; nil if it could not be put up.
    static var name: String? { isThere ? registered : nil }

    /// Until ``forget(_:)``, SQLite may remove what lies beside this database.
    static func add(_ path: String) { open.withLock { $0[path, default: 0] += 1 } }

    static func forget(_ path: String) {
        open.withLock { open in
            let count = (open[path] ?? 0) - 1
            open[path] = count > 0 ? count : nil
        }
    }

    fileprivate static func mayRemove(_ path: String) -> Bool {
        open.withLock { open in
            ["-journal", "-wal", "-shm"].contains { path.hasSuffix($0) && open[String(path.dropLast($0.count))] != nil }
        }
    }

    private static let registered = "holdfast"
    private static let open = Mutex<[String: Int]>([:])

    private static let isThere: Bool = {
        guard let usual = sqlite3_vfs_find(nil), let name = strdup(registered) else { return false }
        // They live as long as the process, as SQLite wants it.
        let guarded = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        guarded.initialize(to: usual.pointee)
        guarded.pointee.zName = UnsafePointer(name)
        guarded.pointee.pNext = nil
        guarded.pointee.xDelete = { _, path, synchronises in
            guard let path, let usual = sqlite3_vfs_find(nil) else { return SQLITE_IOERR }
            guard GuardedFiles.mayRemove(String(cString: path)) else { return SQLITE_OK }
            return usual.pointee.xDelete(usual, path, synchronises)
        }
        return sqlite3_vfs_register(guarded, 0) == SQLITE_OK
    }()
}
