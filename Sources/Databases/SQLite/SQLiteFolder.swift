import Glibc
package import Machine

/// A database that is one SQLite file, in its folder: what a database is called is the name of its file.
package struct SQLiteFolder: DatabaseEngine {
    /// Absolute.
    package let folder: String
    /// The file's name.
    package let name: String
    /// Where copies are made while they are dumped.
    private let copies: (folder: String, name: String)

    /// - Parameters:
    ///   - path: the file, absolute. Nothing is looked at.
    ///   - copies: a folder that only we can write to, and a name in it that no other database has.
    package init(holding path: String, copies: (folder: String, name: String)) {
        self.copies = copies
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        folder = slash == path.startIndex ? "/" : String(path[..<slash])
        name = String(path[path.index(after: slash)...])
    }

    package func survey() async throws -> DatabaseSurvey {
        var status = stat()
        var found: [DatabaseSurvey.Found] = []
        if lstat(path(name), &status) == 0 {
            found.append(.init(name: name, size: ByteCount(status.st_size), isOpen: true))
        } else if errno != ENOENT {
            throw MachineError.call("look at the database", path(name))
        }
        return DatabaseSurvey(version: SQLiteConnection.library, databases: found)
    }

    /// Dumps a copy that SQLite makes, which lies in a folder of ours meanwhile: see ``scratch(for:)``.
    package func dump<Result: Sendable>(
        _ database: String, _ body: @escaping @Sendable (any ByteSource & Sendable) async throws -> Result
    ) async throws -> (Result, DatabaseFacts) {
        guard let scratch = scratch(for: database) else { preconditionFailure("BUG: a file has no place for its copy") }
        let parent = try Descriptor.open(scratch.folder, O_RDONLY | O_DIRECTORY)
        try parent.removeTree(scratch.name)
        try parent.makeFolder(scratch.name)
        defer { try? parent.removeTree(scratch.name) }
        let copy = "\(scratch.folder)/\(scratch.name)/copy"
        let facts = try await onThread("sqlite") { stop in
            try SQLiteFile(path(database)).copy(to: copy, meter: Meter(), stop: stop)
        }
        let source = HashedSource(try Descriptor.open(copy, O_RDONLY | O_NOFOLLOW))
        let result = try await body(source)
        guard source.digest != nil else {
            throw DatabaseError(.dumpIncomplete, "The copy was not read to its end.", place: path(database))
        }
        var dumped = self.facts(facts, database)
        dumped.digest = source.digest
        return (result, dumped)
    }

    package func facts(of database: String) async throws -> DatabaseFacts {
        let facts = try await onThread("sqlite") { stop in try SQLiteFile(path(database)).facts(stop: stop) }
        return self.facts(facts, database)
    }

    package func load(
        _ staged: String, like saved: DatabaseFacts?, for live: String,
        _ body: @escaping @Sendable (any ByteSink & Sendable) async throws -> Void
    ) async throws -> DatabaseFacts {
        let place = try Descriptor.open(folder, O_RDONLY | O_DIRECTORY)
        let file = try place.open(staged, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
        try await body(file)
        try likeLive(file, live, place)
        try file.synchronize()
        try place.synchronize()
        let found = try await facts(of: staged)
        if let saved { try found.require(saved, at: path(live)) }
        return found
    }

    package func endOrphans(of staged: String) async throws {}

    package func drop(_ database: String) async throws {
        let place = try Descriptor.open(folder, O_RDONLY | O_DIRECTORY)
        for suffix in ["", "-wal", "-shm", "-journal"] {
            guard unlinkat(place.raw, database + suffix, 0) == 0 || errno == ENOENT else {
                throw MachineError.call("remove", path(database + suffix))
            }
        }
        try place.synchronize()
    }

    /// Exchanges the two files in one step. What SQLite keeps beside the live one goes into it first; nobody may have it
    /// open.
    ///
    /// - Parameter former: the same as `staged`: see ``names(of:for:)``.
    package func exchange(_ live: String, with staged: String, keeping former: String?) async throws {
        try await onThread("sqlite") { _ in
            let place = try Descriptor.open(folder, O_RDONLY | O_DIRECTORY)
            if former == nil {
                // They would be taken for those of the restored file.
                for suffix in ["-wal", "-journal"] where place.has(live + suffix) {
                    throw SQLiteError.strayLog(path(live + suffix))
                }
                try place.rename(staged, to: live)
            } else {
                do { try SQLiteFile(path(live)).settle() } catch let error as SQLiteError where error.isBeyondReading {
                    throw SQLiteError.beyondReading(path(live))
                }
                try place.exchange(live, staged)
            }
            // Neither may find the other's.
            for name in [live, staged] where place.has(name + "-shm") { unlinkat(place.raw, name + "-shm", 0) }
            try place.synchronize()
        }
    }

    package func globals() async throws -> DatabaseGlobals? { nil }

    package var container: String? { nil }
    package func file(of database: String) -> String? { path(database) }

    /// After the exchange the former database has the name that the restored one had.
    package func names(of restore: String, for live: String) -> (staged: String, former: String) {
        let name = ".holdfast-\(restore)-\(live)"
        return (name, name)
    }

    package func identities(of names: [String]) async throws -> [String: String] {
        names.reduce(into: [:]) { found, name in
            var status = stat()
            if lstat(path(name), &status) == 0 { found[name] = "\(status.st_ino)" }
        }
    }

    /// Never in the database's own folder: whoever writes there could exchange the copy.
    package func scratch(for database: String) -> (folder: String, name: String)? { copies }

    // MARK: - Parts

    private func path(_ name: String) -> String { folder == "/" ? "/\(name)" : "\(folder)/\(name)" }

    private func facts(_ facts: SQLiteFacts, _ database: String) -> DatabaseFacts {
        DatabaseFacts(
            engine: "sqlite", version: facts.library, database: database, size: facts.size,
            tables: facts.tables.map { TableRows(TableName(schema: "main", name: $0.name), rows: $0.rows) },
            sqlite: facts)
    }

    /// Owner and rights of the live file; without one, those of the folder, so that whoever had it can have it again.
    private func likeLive(_ file: Descriptor, _ live: String, _ place: Descriptor) throws {
        var status = stat()
        let isThere = fstatat(place.raw, live, &status, AT_SYMLINK_NOFOLLOW) == 0
        if !isThere { status = try place.status() }
        if geteuid() == 0, fchown(file.raw, status.st_uid, status.st_gid) != 0 {
            throw MachineError.call("give to its owner", file.path)
        }
        let rights = isThere ? status.st_mode & 0o777 : 0o640
        guard fchmod(file.raw, rights) == 0 else { throw MachineError.call("set the rights of", file.path) }
    }
}

/// A file whose digest is known once it was read to its end.
///
/// - Note: `@unchecked Sendable`: read by one thread; the digest is asked for when that is done.
private final class HashedSource: ByteSource, @unchecked Sendable {
    private let file: Descriptor
    private let hasher = Hasher256()
    private(set) var digest: String?

    init(_ file: Descriptor) { self.file = file }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try file.read(into: buffer)
        if count > 0 {
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        } else if digest == nil, !buffer.isEmpty {
            digest = hasher.finish().description
        }
        return count
    }
}
