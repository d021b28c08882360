internal import CSQLite3
internal import Glibc

/// One open SQLite file of our own; used by one thread at a time.
final class SQLiteFile {
    let path: String
    fileprivate let handle: OpaquePointer
    private var prepared: [String: SQLiteStatement] = [:]

    /// - Parameters:
    ///   - creating: whether a missing file is made.
    ///   - pragmas: `name=value`, in order.
    init(_ path: String, creating: Bool, pragmas: [String]) throws {
        self.path = path
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE
        let result = sqlite3_open_v2(path, &opened, creating ? flags | SQLITE_OPEN_CREATE : flags, nil)
        guard result == SQLITE_OK, let opened else {
            defer { sqlite3_close_v2(opened) }
            throw TimeSeriesError.sqlite(result, opened, path)
        }
        handle = opened
        for pragma in pragmas { try run("PRAGMA \(pragma)") }
    }

    deinit {
        prepared.removeAll()
        sqlite3_close_v2(handle)
    }

    /// Runs statements whose rows nobody wants.
    func run(_ sql: String) throws {
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        guard result == SQLITE_OK else { throw TimeSeriesError.sqlite(result, handle, path) }
    }

    /// A statement, prepared at its first use and kept.
    func statement(_ sql: String) throws -> SQLiteStatement {
        if let statement = prepared[sql] { return statement }
        let statement = try SQLiteStatement(sql, self)
        prepared[sql] = statement
        return statement
    }

    /// The first column of the first row; nil without one.
    func number(_ sql: String) throws -> Int64? {
        var number: Int64?
        try statement(sql).each { if number == nil { number = $0.number(0) } }
        return number
    }

    /// All that `body` writes, or nothing of it.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try run("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            if sqlite3_get_autocommit(handle) == 0 { try? run("ROLLBACK") }
            throw error
        }
    }
}

/// A prepared statement of one ``SQLiteFile``, which has to live as long.
final class SQLiteStatement {
    private let statement: OpaquePointer
    private unowned let file: SQLiteFile

    fileprivate init(_ sql: String, _ file: SQLiteFile) throws {
        var prepared: OpaquePointer?
        let result = sqlite3_prepare_v3(file.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard result == SQLITE_OK, let prepared else { throw TimeSeriesError.sqlite(result, file.handle, file.path) }
        statement = prepared
        self.file = file
    }

    deinit { sqlite3_finalize(statement) }

    /// What a `?` stands for.
    enum Value {
        case number(Int64)
        case bytes([UInt8])
    }

    /// Runs it with these values, and shows each row until `body` throws.
    func each(_ values: [Value] = [], _ body: (SQLiteStatement) throws -> Void = { _ in }) throws {
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            let result =
                switch value {
                case .number(let number): sqlite3_bind_int64(statement, Int32(index + 1), number)
                case .bytes(let bytes):
                    bytes.withUnsafeBytes {
                        sqlite3_bind_blob64(statement, Int32(index + 1), $0.baseAddress, UInt64($0.count), transient)
                    }
                }
            guard result == SQLITE_OK else { throw TimeSeriesError.sqlite(result, file.handle, file.path) }
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: try body(self)
            case SQLITE_DONE: return
            case let result: throw TimeSeriesError.sqlite(result, file.handle, file.path)
            }
        }
    }

    func number(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    func bytes(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(statement, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
    }
}

/// `SQLITE_TRANSIENT`: SQLite makes a copy.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

extension TimeSeriesError {
    /// A call of SQLite's that failed.
    fileprivate static func sqlite(_ result: Int32, _ handle: OpaquePointer?, _ path: String) -> TimeSeriesError {
        let cause = handle.map { sqlite3_system_errno($0) } ?? 0
        let words = cause == 0 ? String(cString: sqlite3_errstr(result)) : String(cString: strerror(cause))
        switch (result & 0xff, cause) {
        case (SQLITE_FULL, _), (_, ENOSPC), (_, EDQUOT):
            return TimeSeriesError(
                .diskFull, "The disk is full.", path, remedy: "Free some space on that file system (df -h).")
        case (SQLITE_CORRUPT, _), (SQLITE_NOTADB, _):
            return TimeSeriesError(.damaged, "The file is damaged: \(words).", path)
        case (SQLITE_IOERR, _), (SQLITE_CANTOPEN, _), (SQLITE_READONLY, _):
            return TimeSeriesError(.io, "The disk refused to do what SQLite asked for: \(words).", path)
        default: return TimeSeriesError(.other, "SQLite says: \(words) (\(result)).", path)
        }
    }
}
