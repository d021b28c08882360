import Databases
import Glibc
import Machine
import TestKit
import Testing

/// Runs statements with the `sqlite3` program, as somebody other than us would.
func sqlite(_ path: String, _ sql: String) async throws -> String {
    let outcome = try await ChildProcess("sqlite3", ["-batch", "-bail", path]).run(input: .bytes(Array(sql.utf8)))
    guard outcome.succeeded else { throw MachineError(code: "test.sqlite3", what: outcome.errors, place: path) }
    return outcome.text
}

/// Runs a shell command beside the test, with `$db` as the database; it and all that it started are killed at the end.
func withShell<Result>(
    _ command: String, db: String, isolation: isolated (any Actor)? = #isolation,
    _ body: (Running) async throws -> Result
) async throws -> Result {
    let running = try CommandRunner(environment: ["db": db]).start(["sh", "-c", command])
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body(running)) } catch { result = .failure(error) }
    kill(-running.pid, SIGKILL)
    _ = try? await running.wait()
    return try result.get()
}

/// What is needed to make a database in which `a` and `b` always have as many rows, of about so many bytes.
func twins(megabytes: Int, mode: String = "delete") -> String {
    """
    PRAGMA journal_mode=\(mode); PRAGMA synchronous=OFF;
    CREATE TABLE a(id INTEGER PRIMARY KEY, x BLOB); CREATE TABLE b(id INTEGER PRIMARY KEY, x BLOB);
    BEGIN;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(megabytes * 512))
      INSERT INTO a(x) SELECT randomblob(1000) FROM n;
    INSERT INTO b(x) SELECT x FROM a;
    COMMIT;
    """
}

/// A command that goes on and on adding a row to either table in one transaction.
let twinWriter = """
    yes 'BEGIN IMMEDIATE; INSERT INTO a(x) VALUES (1); INSERT INTO b(x) VALUES (2); COMMIT;' \
      | sqlite3 -cmd '.timeout 20000' -cmd 'PRAGMA synchronous=OFF' "$db"
    """

/// Waits for a shell command that touches `PATH.ready` once it is where the test wants it.
func isReady(_ path: String, isolation: isolated (any Actor)? = #isolation) async throws {
    guard try await eventually(within: 60, { contents(of: path + ".ready") != nil }) else {
        throw MachineError(code: "test.late", what: "The command did not come to its point.", place: path)
    }
}

extension SQLiteFile {
    /// Copies on a thread of its own, as it is done in earnest.
    func copied(to destination: String, meter: Meter = Meter()) async throws -> SQLiteFacts {
        try await onThread("copy") { try copy(to: destination, meter: meter, stop: $0) }
    }

    func counted() async throws -> SQLiteFacts { try await onThread("facts") { try facts(stop: $0) } }

    func settled() async throws { try await onThread("settle") { _ in try settle() } }
}

extension SQLiteFacts {
    subscript(table: String) -> Int64? { tables.first { $0.name == table }?.rows }
}

/// The names in a folder.
func names(in folder: String) throws -> [String] { try Descriptor.folder(folder).names() }

/// Expects an error of SQLite's with this code.
func expect(
    _ code: String, _ location: SourceLocation = #_sourceLocation, isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> some Sendable
) async throws {
    let error = await #expect(throws: SQLiteError.self, sourceLocation: location) { _ = try await body() }
    #expect(error?.code == code, "\(String(describing: error))", sourceLocation: location)
}
