import Databases
import Glibc
import Machine
import Synchronization
import TestKit
import Testing

/// Dumps of a real server's databases, and what may go wrong with them.
@Suite(.enabled(if: RealPostgres.isAvailable, Comment(rawValue: RealPostgres.howToGetOne)))
struct PostgresDumpTests {
    @Test func everythingThatIsAwkwardComesBack() async throws {
        try await withPostgres { server in
            try await withDatabase(server, setup: PostgresSample.sql) { live in
                let engine = server.engine()
                let dump = try await engine.dumped(live)
                let expected = PostgresSample.rows.map {
                    TableRows(TableName(schema: $0.schema, name: $0.table), rows: Int64($0.rows))
                }
                #expect(dump.facts.tables == expected.sorted { $0.table < $1.table })
                #expect(dump.facts.postgres?.largeObjects == Int64(PostgresSample.largeObjects.count))
                for (schema, table, _) in PostgresSample.partitioned {
                    let name = TableName(schema: schema, name: table)
                    #expect(dump.facts.postgres?.others.contains("partitioned table \(name)") == true)
                }
                let now = try await engine.facts(of: live)
                #expect(now.comparable == dump.facts.comparable)
                try await withRestoreNames(server, for: live) { staged, _ in
                    let loaded = try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                    #expect(loaded.comparable == dump.facts.comparable)
                    let (before, after) = (try await server.dump(live), try await server.dump(staged))
                    #expect(before == after)
                }
            }
        }
    }

    // MARK: - Who may not, and what is not there

    @Test func aWrongPasswordIsNotShown() async throws {
        try await withPostgres { server in
            let engine = server.engineByURL(password: "not the right one")
            await expectRefusal(
                .unreachable, saying: ["password", "127.0.0.1:\(server.port)"], not: "not the right one"
            ) { try await engine.dumped("postgres") }
            await expectRefusal(.unreachable) { try await engine.survey() }
        }
    }

    @Test func aDatabaseThatIsNotThereIsNamedWithThoseThatAre() async throws {
        try await withPostgres { server in
            try await withDatabase(server) { there in
                let name = uniqueName("gone")
                await expectRefusal(.noSuchDatabase, saying: [name, there]) {
                    try await server.engine(known: [name]).dumped(name)
                }
            }
        }
    }

    @Test func aServerThatIsNotThereIsNamed() async throws {
        try await withPostgres { server in
            try await withTemporaryFolder { folder in
                let engine = PostgresEngine(
                    .host(["PGHOST": folder], folders: [server.binaries]), user: "postgres", password: nil,
                    lockTimeout: 5, known: [])
                await expectRefusal(.unreachable, saying: [folder]) { try await engine.survey() }
                await expectRefusal(.unreachable, saying: [folder]) { try await engine.dumped("postgres") }
            }
        }
    }

    @Test func aTableThatOneMayNotReadIsNamed() async throws {
        try await withPostgres { server in
            try await withRole(server) { role in
                let setup = """
                    CREATE TABLE open (n integer); CREATE TABLE closed (n integer);
                    GRANT SELECT ON open TO \(quotedName(role));
                    """
                try await withDatabase(server, setup: setup) { live in
                    let engine = server.engine(user: role)
                    await expectRefusal(.permission, saying: ["closed"]) { try await engine.dumped(live) }
                    #expect(try await engine.survey().warnings.count == 1)
                    try await server.psql("DROP TABLE closed", database: live)
                    #expect(try await engine.dumped(live).facts["open"] == 0)
                    try await server.psql("DROP OWNED BY \(quotedName(role))", database: live)
                }
            }
        }
    }

    /// Without `row_security = off` the dump would hold the rows that the user sees, and nobody would know.
    @Test func rowsThatOneMayNotSeeAreNotLeftOut() async throws {
        try await withPostgres { server in
            try await withRole(server) { role in
                let name = quotedName(role)
                let setup = """
                    CREATE TABLE guarded AS SELECT n FROM generate_series(1, 10) n;
                    ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
                    CREATE POLICY few ON guarded TO \(name) USING (n < 3);
                    GRANT SELECT ON guarded TO \(name);
                    """
                try await withDatabase(server, setup: setup) { live in
                    let engine = server.engine(user: role)
                    #expect(try await server.psql("SELECT count(*) FROM guarded", database: live, user: role) == "2")
                    await expectRefusal(.dumpFailed, saying: ["row-level security", "guarded"]) {
                        try await engine.dumped(live)
                    }
                    try await server.psql("ALTER ROLE \(name) BYPASSRLS")
                    #expect(try await engine.dumped(live).facts["guarded"] == 10)
                    try await server.psql("DROP OWNED BY \(name)", database: live)
                }
            }
        }
    }

    // MARK: - What happens meanwhile

    @Test func aServerThatIsKilledLeavesNoDump() async throws {
        try await withOwnPostgres { own in
            try await own.server.psql(
                "CREATE TABLE large AS SELECT n, repeat('x', 1000) AS text FROM generate_series(1, 60000) n")
            let engine = own.server.engine()
            await expectRefusal(.dumpFailed, .connectionLost, .unreachable) {
                try await engine.dump("postgres") { source in
                    _ = try await onThread("first") { _ in try firstBytes(of: source, 1 << 20) }
                    try await own.kill()
                    try await onThread("rest") { _ in _ = try source.readAll(limit: 1 << 30) }
                }
            }
            try await own.start()
            #expect(try await engine.dumped("postgres").facts["large"] == 60000)
        }
    }

    @Test func aLockThatLastsIsNotWaitedForForEver() async throws {
        try await withPostgres { server in
            try await withDatabase(server, setup: "CREATE TABLE held (n integer); CREATE TABLE free (n integer)") {
                live in
                let holder = "BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60);"
                async let held: Void = { _ = try? await server.psql(holder, database: live) }()
                let isHeld = try await eventually {
                    try await server.psql(
                        "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'held'::regclass",
                        database: live) == "1"
                }
                #expect(isHeld)
                let start = monotonicSeconds()
                await expectRefusal(.lockTimeout, saying: ["lock"]) {
                    try await server.engine(lockTimeout: 1).dumped(live)
                }
                #expect(monotonicSeconds() - start < 30)
                try await server.psql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = \(quotedText(live)) AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
                )
                await held
                #expect(try await server.engine(lockTimeout: 1).dumped(live).facts["held"] == 0)
            }
        }
    }

    /// Four balances of the same sum at any moment, and a history that only grows.
    @Test func aDumpUnderLoadIsOfOneMoment() async throws {
        try await withPostgres { server in
            try await withDatabase(server) { live in
                let made = try await server.tool("pgbench", ["-i", "-q", "-s", "2", live])
                #expect(made.status == 0, "\(made)")
                let load = try CommandRunner(environment: server.environment).start([
                    "\(server.binaries)/pgbench", "-n", "-c", "2", "-T", "100", live,
                ])
                let count = "SELECT count(*) FROM pgbench_history"
                @Sendable func historyGrows() async throws {
                    let seen = Int(try await server.psql(count, database: live)) ?? 0
                    let grows = try await eventually {
                        Int(try await server.psql(count, database: live)) ?? 0 > seen + 10
                    }
                    #expect(grows, "pgbench does nothing")
                }
                let engine = server.engine()
                let dump = try await afterwards {
                    try await historyGrows()
                    let (bytes, facts) = try await engine.dump(live) { source in
                        var bytes = try await onThread("first") { _ in try firstBytes(of: source, 1) }
                        try await historyGrows()
                        bytes += try await onThread("rest") { _ in try source.readAll(limit: 1 << 30) }
                        return bytes
                    }
                    return Dumped(bytes: bytes, facts: facts)
                } always: {
                    load.signal(SIGKILL)
                    _ = try await load.wait()
                }
                let saved = dump.facts["pgbench_history"] ?? 0
                #expect(saved >= 10)
                #expect(saved < Int64(try await server.psql(count, database: live)) ?? 0)
                try await withRestoreNames(server, for: live) { staged, _ in
                    let loaded = try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                    #expect(loaded["pgbench_history"] == saved)
                    #expect(loaded["pgbench_accounts"] == 200_000)
                    let sums = """
                        SELECT count(DISTINCT sum) FROM (SELECT sum(abalance) FROM pgbench_accounts
                          UNION ALL SELECT sum(tbalance) FROM pgbench_tellers
                          UNION ALL SELECT sum(bbalance) FROM pgbench_branches
                          UNION ALL SELECT sum(delta) FROM pgbench_history) sums
                        """
                    #expect(try await server.psql(sums, database: staged) == "1")
                }
            }
        }
    }

    // MARK: - How much there is

    @Test func aDatabaseWithoutTablesIsDumped() async throws {
        try await withPostgres { server in
            try await withDatabase(server) { live in
                let engine = server.engine()
                let dump = try await engine.dumped(live)
                #expect(dump.facts.tables == [])
                try await withRestoreNames(server, for: live) { staged, _ in
                    let loaded = try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                    #expect(loaded.tables == [])
                }
                // But it is not taken for one that had some.
                var wrong = dump.facts
                wrong.tables = [TableRows(TableName(schema: "public", name: "lost"), rows: 0)]
                try await withRestoreNames(server, for: live) { staged, _ in
                    await expectRefusal(.mismatch, saying: ["public.lost"]) {
                        try await engine.load(dump.bytes, as: staged, like: wrong, for: live)
                    }
                }
            }
        }
    }

    @Test func aThousandTablesAreAllCounted() async throws {
        let setup = """
            DO $$ BEGIN FOR n IN 1..1000 LOOP
              EXECUTE format('CREATE TABLE t%s AS SELECT generate_series(1, %s)', n, n % 7);
            END LOOP; END $$;
            """
        try await withPostgres { server in
            try await withDatabase(server, setup: setup) { live in
                let engine = server.engine()
                let dump = try await engine.dumped(live)
                #expect(dump.facts.tables.count == 1000)
                #expect(dump.facts["t6"] == 6 && dump.facts["t7"] == 0 && dump.facts["t1000"] == 6)
                try await withRestoreNames(server, for: live) { staged, _ in
                    let loaded = try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                    #expect(loaded.tables == dump.facts.tables)
                }
            }
        }
    }

    /// A quote with a combining mark is one `Character`; two spellings of `é` are equal strings. Not so for the server.
    @Test func namesAreCodePoints() async throws {
        let setup = """
            CREATE TABLE "x""\u{301}; DROP TABLE kept; --" (n integer); CREATE TABLE kept (n integer);
            CREATE TABLE "e\u{301}" AS SELECT 1 AS n; CREATE TABLE "\u{e9}" AS SELECT generate_series(1, 2) AS n;
            """
        try await withPostgres { server in
            try await withDatabase(server, setup: setup) { live in
                let engine = server.engine()
                let dump = try await engine.dumped(live)
                #expect(dump.facts.tables.count == 4)
                #expect(dump.facts["kept"] == 0)
                let both = dump.facts.tables.filter { $0.table.name == "\u{e9}" }
                #expect(both.compactMap(\.rows).sorted() == [1, 2])
                let now = try await engine.facts(of: live)
                #expect(now.comparable == dump.facts.comparable)
                try await withRestoreNames(server, for: live) { staged, _ in
                    let loaded = try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                    #expect(loaded.comparable == dump.facts.comparable)
                }
            }
        }
    }

    // MARK: - A pg_dump that is not to be believed

    @Test func aPgDumpThatIsOlderThanTheServerIsRefused() async throws {
        try await withShim("echo 'pg_dump (PostgreSQL) 9.6.24'") { _, live, engine in
            let version = try await engine.server.psql("SHOW server_version_num").prefix(2)
            for ask in [{ _ = try await engine.postgres.dumped(live) }, { _ = try await engine.postgres.survey() }]
                as [@Sendable () async throws -> Void]
            {
                await expectRefusal(.toolsTooOld, saying: ["9.6.24", "\(version)."]) { try await ask() }
            }
        }
    }

    @Test func aFolderWithoutProgramsIsRefused() async throws {
        try await withPostgres { server in
            try await withTemporaryFolder { folder in
                await expectRefusal(.noTools) { try await server.engine(folders: [folder]).survey() }
            }
        }
    }

    @Test(arguments: ["--exclude-table=second", "--exclude-table-data=second", "--schema-only"])
    func aPgDumpThatLeavesSomethingOutIsNotBelieved(_ option: String) async throws {
        try await withShim(dumping: "exec \"$real\" \"$@\" \(option)") { _, live, engine in
            await expectRefusal(.dumpIncomplete, saying: ["public.second"]) { try await engine.postgres.dumped(live) }
        }
    }

    @Test func aPgDumpWithoutLargeObjectsIsNotBelieved() async throws {
        try await withShim(dumping: "exec \"$real\" \"$@\" --no-blobs") { _, live, engine in
            await expectRefusal(.dumpIncomplete, saying: ["0 large objects of 1"]) {
                try await engine.postgres.dumped(live)
            }
        }
    }

    @Test(arguments: [0, 1, 400, 3000, 30_000])
    func aPgDumpThatIsCutButSaysNothingIsNotBelieved(_ bytes: Int) async throws {
        try await withShim(dumping: "\"$real\" \"$@\" | head -c \(bytes)") { _, live, engine in
            let error = await #expect(throws: DumpError.self) { try await engine.postgres.dumped(live) }
            #expect(
                error.map { ["dump.cut", "dump.not-a-dump"].contains($0.code) } == true, "\(String(describing: error))")
        }
    }

    @Test func aPgDumpThatFailsAfterEverythingIsNotBelieved() async throws {
        try await withShim(dumping: "\"$real\" \"$@\"; echo 'no more paper' >&2; exit 1") { _, live, engine in
            await expectRefusal(.dumpFailed, saying: ["exit status 1", "no more paper"]) {
                try await engine.postgres.dumped(live)
            }
        }
    }

    @Test func aPgDumpThatOnlyTalksIsNotBelieved() async throws {
        try await withShim(dumping: "cat /dev/zero | head -c 300000 | tr '\\0' x >&2") { _, live, engine in
            let error = await #expect(throws: DumpError.self) { try await engine.postgres.dumped(live) }
            #expect(error?.code == "dump.cut")
        }
        try await withShim(dumping: "echo 'I would rather not' >&2; exit 3") { _, live, engine in
            await expectRefusal(.dumpFailed, saying: ["exit status 3", "I would rather not"]) {
                try await engine.postgres.dumped(live)
            }
        }
    }

    @Test func aPgDumpThatIsKilledIsNotBelieved() async throws {
        try await withShim(dumping: "\"$real\" \"$@\"; kill -9 $$") { _, live, engine in
            await expectRefusal(.dumpFailed, saying: ["signal 9"]) { try await engine.postgres.dumped(live) }
        }
    }

    // MARK: - Parts

    private struct Shimmed: Sendable {
        let server: TestServer
        let postgres: PostgresEngine
    }

    private func withShim(
        dumping script: String, _ body: (String, String, Shimmed) async throws -> Void
    ) async throws {
        try await withShim("[ \"$1\" != --version ] || exec \"$real\" \"$@\"\n\(script)", body)
    }

    /// A folder of programs in which `pg_dump` is this script, for which `$real` is the real one; and a database.
    private func withShim(
        _ script: String, _ body: (_ folder: String, _ live: String, _ engine: Shimmed) async throws -> Void
    ) async throws {
        try await withPostgres { server in
            try await withTemporaryFolder { folder in
                for name in ["psql", "pg_restore", "pg_dumpall"] {
                    #expect(symlink("\(server.binaries)/\(name)", "\(folder)/\(name)") == 0)
                }
                let lines = "#!/bin/sh\nreal='\(server.binaries)/pg_dump'\n\(script)\n"
                try Descriptor.folder(folder).publish("pg_dump", Array(lines.utf8))
                #expect(chmod("\(folder)/pg_dump", 0o755) == 0)
                let setup = """
                    CREATE TABLE first AS SELECT n, repeat('x', 100) AS text FROM generate_series(1, 1000) n;
                    CREATE TABLE second AS SELECT n FROM generate_series(1, 10) n;
                    SELECT lo_from_bytea(0, 'some bytes') \\g /dev/null
                    """
                try await withDatabase(server, setup: setup) { live in
                    try await body(folder, live, Shimmed(server: server, postgres: server.engine(folders: [folder])))
                    let sessions =
                        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'holdfast%' AND datname = \(quotedText(live))"
                    #expect(try await eventually { try await server.psql(sessions) == "0" })
                }
            }
        }
    }
}
