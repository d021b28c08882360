import Databases
import Glibc
import Machine
import TestKit
import Testing

/// Dumps put back into a real server, and what may go wrong with that.
@Suite(.enabled(if: RealPostgres.isAvailable, Comment(rawValue: RealPostgres.howToGetOne)))
struct PostgresLoadTests {
    // MARK: - What a database has beside its contents

    @Test(arguments: [
        "ENCODING 'UTF8' LOCALE 'C.UTF-8'", "ENCODING 'LATIN1' LOCALE 'C'",
        "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
        "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-u-kn-true' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C'",
    ])
    func theDatabaseItselfComesBack(_ options: String) async throws {
        try await withPostgres { server in
            try await withRole(server, name: uniqueName("own\"er's")) { owner in
                try await withRole(server) { reader in
                    let live = uniqueName("it's \"this\"")
                    let (name, owner, reader) = (quotedName(live), quotedName(owner), quotedName(reader))
                    try await server.psql("CREATE DATABASE \(name) TEMPLATE template0 OWNER \(owner) \(options)")
                    try await afterwards {
                        try await server.psql(
                            """
                            CREATE TABLE t AS SELECT 1 AS n;
                            ALTER TABLE t OWNER TO \(owner);
                            ALTER DATABASE \(name) CONNECTION LIMIT 7;
                            ALTER DATABASE \(name) SET search_path = "My, \"\"Schema\"\"", public;
                            ALTER DATABASE \(name) SET work_mem = '3MB';
                            ALTER DATABASE \(name) SET app.note = 'it''s "this", \\that
                            and more';
                            ALTER DATABASE \(name) SET default_transaction_read_only = on;
                            ALTER DATABASE \(name) SET statement_timeout = '7s';
                            ALTER ROLE \(reader) IN DATABASE \(name) SET search_path = '';
                            ALTER ROLE \(reader) IN DATABASE \(name) SET temp_tablespaces = pg_default, "x y";
                            REVOKE ALL ON DATABASE \(name) FROM PUBLIC;
                            GRANT CONNECT ON DATABASE \(name) TO \(reader) WITH GRANT OPTION;
                            GRANT TEMPORARY ON DATABASE \(name) TO PUBLIC;
                            COMMENT ON DATABASE \(name) IS E'a \\\\ comment\\nof ''two'' lines';
                            """, database: live)
                        let engine = server.engine()
                        let dump = try await engine.dumped(live)
                        #expect(dump.facts.postgres?.connectionLimit == 7)
                        #expect(dump.facts.postgres?.settings.count == 2)
                        try await withRestoreNames(server, for: live) { staged, former in
                            try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                            let before = try await properties(of: live, server)
                            #expect(try await properties(of: staged, server) == before)
                            try await engine.exchange(live, with: staged, keeping: former)
                            #expect(try await properties(of: live, server) == before)
                            let path = try await server.psql("SHOW search_path", database: live)
                            #expect(path == #""My, ""Schema""", public"#)
                        }
                    } always: {
                        try await server.psql("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
                    }
                }
            }
        }
    }

    /// All that the server knows of a database and no dump of its contents has.
    private func properties(of database: String, _ server: TestServer) async throws -> String {
        try await server.psql(
            """
            SELECT to_jsonb(d) - 'oid' - 'datname' - 'datfrozenxid' - 'datminmxid', shobj_description(oid, 'pg_database')
              FROM pg_database d WHERE datname = \(quotedText(database));
            SELECT setrole::regrole, setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
              WHERE datname = \(quotedText(database)) ORDER BY 1;
            """)
    }

    @Test func missingRolesAndExtensionsAreNamedBeforeAnythingIsMade() async throws {
        try await withPostgres { server in
            let role = uniqueName("will be gone")
            try await withRole(server, name: role) { role in
                try await withDatabase(
                    server, setup: "CREATE TABLE t (n integer); ALTER TABLE t OWNER TO \(quotedName(role))"
                ) {
                    live in
                    let engine = server.engine()
                    let dump = try await engine.dumped(live)
                    #expect(dump.facts.postgres?.roles.contains(role) == true)
                    try await server.psql("DROP TABLE t; DROP ROLE \(quotedName(role))", database: live)
                    try await withRestoreNames(server, for: live) { staged, _ in
                        await expectRefusal(.prerequisites, saying: ["role", role, "--globals"]) {
                            try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                        }
                        var wrong = dump.facts
                        wrong.postgres?.roles = []
                        wrong.postgres?.extensions["timescale_of_mars"] = "1.0"
                        await expectRefusal(.prerequisites, saying: ["extension", "timescale_of_mars"]) {
                            try await engine.load(dump.bytes, as: staged, like: wrong, for: live)
                        }
                        let isThere = try await server.has(staged)
                        #expect(!isThere)
                    }
                }
            }
        }
    }

    @Test func aTablespaceThatIsGoneIsDoneWithout() async throws {
        try await withPostgres { server in
            let space = uniqueName("space")
            let make = "SET allow_in_place_tablespaces = on; CREATE TABLESPACE \(quotedName(space)) LOCATION ''"
            try await server.psql(make)
            try await afterwards {
                try await withDatabase(server) { live in
                    try await server.psql(
                        "CREATE TABLE t TABLESPACE \(quotedName(space)) AS SELECT 1 AS n; CREATE INDEX ON t (n)",
                        database: live)
                    let engine = server.engine()
                    let dump = try await engine.dumped(live)
                    #expect(dump.facts.postgres?.tablespaces == [space])
                    let whereIsIt =
                        "SELECT coalesce((SELECT spcname FROM pg_tablespace s WHERE s.oid = reltablespace), '') FROM pg_class WHERE relname = 't'"
                    try await withRestoreNames(server, for: live) { staged, _ in
                        try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                        #expect(try await server.psql(whereIsIt, database: staged) == space)
                    }
                    try await server.psql("DROP TABLE t; DROP TABLESPACE \(quotedName(space))", database: live)
                    try await withRestoreNames(server, for: live) { staged, _ in
                        let loaded = try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                        #expect(loaded.tables == dump.facts.tables)
                        #expect(try await server.psql(whereIsIt, database: staged) == "")
                    }
                }
            } always: {
                try await server.psql("DROP TABLESPACE IF EXISTS \(quotedName(space))")
            }
        }
    }

    /// All that it takes: CREATEDB, and to own the database.
    @Test func anOwnerWhoIsNoSuperuserRestores() async throws {
        try await withPostgres { server in
            try await withRole(server, "LOGIN CREATEDB") { role in
                try await withDatabase(server) { live in
                    try await server.psql("ALTER DATABASE \(quotedName(live)) OWNER TO \(quotedName(role))")
                    try await server.psql("CREATE TABLE t AS SELECT 1 AS n", database: live, user: role)
                    let engine = server.engine(user: role)
                    let dump = try await engine.dumped(live)
                    try await withRestoreNames(server, for: live) { staged, former in
                        try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                        try await server.psql("DROP TABLE t", database: live, user: role)
                        try await engine.exchange(live, with: staged, keeping: former)
                        #expect(try await server.psql("SELECT n FROM t", database: live, user: role) == "1")
                        try await engine.exchange(live, with: former, keeping: staged)
                        try await engine.drop(staged)
                        #expect(try await server.has(staged) == false)
                    }
                    try await server.psql("ALTER ROLE \(quotedName(role)) NOCREATEDB")
                    try await withRestoreNames(server, for: live) { staged, _ in
                        await expectRefusal(.permission, saying: ["CREATEDB"]) {
                            try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                        }
                    }
                }
            }
        }
    }

    // MARK: - Dumps and disks

    @Test func aDamagedDumpChangesNothing() async throws {
        try await withPostgres { server in
            let setup = "CREATE TABLE t AS SELECT n, md5(n::text) AS text FROM generate_series(1, 5000) n"
            try await withDatabase(server, setup: setup) { live in
                let engine = server.engine()
                let dump = try await engine.dumped(live)
                let whole = dump.bytes
                var noise = whole
                for index in 600..<700 { noise[index] ^= 0x5a }
                var noTabs = whole
                for index in (whole.count - 1000)..<whole.count where noTabs[index] == 0x09 { noTabs[index] = 0x20 }
                let damaged = [[], Array(whole.prefix(5)), Array(whole.prefix(whole.count / 2)), noise, noTabs]
                for bytes in damaged {
                    try await withRestoreNames(server, for: live) { staged, _ in
                        await expectRefusal(.restoreFailed, .mismatch, saying: [live]) {
                            try await engine.load(bytes, as: staged, like: dump.facts, for: live)
                        }
                        try await engine.drop(staged)
                        #expect(try await server.has(staged) == false)
                    }
                }
                #expect(try await engine.facts(of: live).tables == dump.facts.tables)
            }
        }
    }

    @Test(.enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)))
    func aFullDiskChangesNothing() async throws {
        try await withPostgres { large in
            let setup = "CREATE TABLE t AS SELECT n, repeat('x', 1000) AS text FROM generate_series(1, 90000) n"
            try await withDatabase(large, setup: setup) { live in
                let dump = try await large.engine().dumped(live)
                try await withTemporaryFolder { folder in
                    try await withTmpfs(folder + "/data", "size=128m") {
                        // What is written in the transaction that makes its table needs no log, which may not be full.
                        let settings = [
                            "wal_level=minimal", "max_wal_senders=0", "max_wal_size=32MB", "min_wal_size=32MB",
                        ]
                        try await withOwnPostgres(settings: settings, folder: folder + "/data") { own in
                            let server = own.server
                            try await server.psql("CREATE DATABASE small")
                            try await server.psql("CREATE TABLE t AS SELECT 1 AS n", database: "small")
                            let engine = server.engine()
                            let (staged, _) = engine.freshNames(for: "small")
                            await expectRefusal(.restoreFailed, .diskFull, saying: ["No space left on device"]) {
                                try await engine.load(dump.bytes, as: staged, like: dump.facts, for: "small")
                            }
                            try await engine.drop(staged)
                            #expect(try await server.has(staged) == false)
                            #expect(try await server.psql("SELECT n FROM t", database: "small") == "1")
                            try await server.psql(
                                "CREATE TABLE again AS SELECT generate_series(1, 10000)", database: "small")
                        }
                    }
                }
            }
        }
    }

    // MARK: - The exchange

    /// Clients that never give up, and some that never go away by themselves.
    @Test func clientsEndUpInTheRestoredDatabase() async throws {
        try await withPostgres { server in
            try await withDatabase(server, setup: "CREATE TABLE t (at timestamptz)") { live in
                let engine = server.engine()
                let dump = try await engine.dumped(live)
                let psql = "\(server.binaries)/psql"
                let runner = CommandRunner(environment: server.environment.merging(["PGDATABASE": live]) { $1 })
                let insert = "INSERT INTO t VALUES (clock_timestamp())"
                let coming = "while :; do \(psql) -X -q -c '\(insert)' >/dev/null 2>&1; done"
                let staying =
                    "while :; do yes '\(insert); SELECT pg_sleep(0.01);' | \(psql) -X -q >/dev/null 2>&1; done"
                let clients = try [coming, coming, staying].map { try runner.start(["sh", "-c", $0]) }
                try await withRestoreNames(server, for: live) { staged, former in
                    try await afterwards {
                        try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                        let rows = "SELECT count(*) FROM t"
                        #expect(try await eventually { Int(try await server.psql(rows, database: live)) ?? 0 > 10 })
                        try await engine.exchange(live, with: staged, keeping: former)
                        #expect(
                            try await eventually {
                                (try? await server.psql(rows, database: live)).flatMap { Int($0) } ?? 0 > 10
                            })
                        await #expect(throws: TestKitError.self) { try await server.psql("SELECT 1", database: former) }
                    } always: {
                        for client in clients {
                            kill(-client.pid, SIGKILL)
                            _ = try await client.wait()
                        }
                    }
                    try await server.psql("ALTER DATABASE \(quotedName(former)) ALLOW_CONNECTIONS true")
                    let last = try await server.psql("SELECT max(at) FROM t", database: former)
                    #expect(
                        try await server.psql("SELECT min(at) > '\(last)' FROM t", database: live) == "t",
                        "somebody wrote into the former one after the exchange")
                }
            }
        }
    }

    @Test func aPreparedTransactionIsInTheWay() async throws {
        try await withOwnPostgres(settings: ["max_prepared_transactions=2"]) { own in
            let server = own.server
            try await server.psql("CREATE DATABASE live")
            try await server.psql("CREATE TABLE t AS SELECT 1 AS n", database: "live")
            let engine = server.engine()
            let dump = try await engine.dumped("live")
            let (staged, former) = engine.freshNames(for: "live")
            try await engine.load(dump.bytes, as: staged, like: dump.facts, for: "live")
            try await server.psql("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'half'", database: "live")
            let before = try await engine.identities(of: ["live", staged, former])
            await expectRefusal(.statementFailed, saying: ["live", "55006"]) {
                try await engine.exchange("live", with: staged, keeping: former)
            }
            #expect(try await engine.identities(of: ["live", staged, former]) == before)
            try await server.psql("COMMIT PREPARED 'half'", database: "live")
            #expect(try await server.psql("SELECT sum(n) FROM t", database: "live") == "3")
            try await engine.exchange("live", with: staged, keeping: former)
            #expect(try await server.psql("SELECT sum(n) FROM t", database: "live") == "1")
        }
    }

    /// The way an exchange ends that is stopped between its two names.
    enum Interruption: CaseIterable {
        case cancelled, clientKilled, serverKilled, lockTimeout
    }

    /// Another session's lock holds it up when one of the two names has changed already.
    @Test(arguments: Interruption.allCases)
    func anExchangeThatIsStoppedInTheMiddleIsNone(_ interruption: Interruption) async throws {
        try await withOwnPostgres { own in
            let server = own.server
            try await server.psql("CREATE DATABASE live")
            try await server.psql("CREATE TABLE t AS SELECT 1 AS n", database: "live")
            let engine = server.engine(lockTimeout: interruption == .lockTimeout ? 1 : 60)
            let dump = try await engine.dumped("live")
            let (staged, former) = engine.freshNames(for: "live")
            try await engine.load(dump.bytes, as: staged, like: dump.facts, for: "live")
            let before = try await engine.identities(of: ["live", staged, former])
            async let holder: Void = {
                _ = try? await server.psql(
                    "BEGIN; COMMENT ON DATABASE \(quotedName(staged)) IS 'held'; SELECT pg_sleep(60)")
            }()
            #expect(
                try await eventually {
                    try await server.psql(
                        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND wait_event = 'PgSleep'"
                    ) == "1"
                })
            let exchange = Task { try await engine.exchange("live", with: staged, keeping: former) }
            let isInTheMiddle = try await eventually {
                try await server.psql(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'holdfast%' AND wait_event_type = 'Lock' AND query LIKE '%RENAME%'"
                ) == "1"
            }
            #expect(isInTheMiddle)
            switch interruption {
            case .cancelled: exchange.cancel()
            case .clientKilled:
                for process in try processes(
                    named: "psql", with: "PGAPPNAME=holdfast \(staged)", and: "PGHOST=\(server.socketFolder)")
                {
                    kill(process, SIGKILL)
                }
            case .serverKilled:
                try await own.kill()
                try await own.start()
            case .lockTimeout: break
            }
            await #expect(throws: (any Error).self) { try await exchange.value }
            if interruption != .serverKilled {
                try await server.psql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            }
            await holder
            // What the client sent last may still be on its way to its end.
            #expect(try await eventually { (try? await server.psql("SELECT n FROM t", database: "live")) == "1" })
            #expect(try await engine.identities(of: ["live", staged, former]) == before)
            try await engine.exchange("live", with: staged, keeping: former)
            #expect(
                try await engine.identities(of: ["live", staged, former]) == [
                    "live": before[staged], former: before["live"],
                ])
        }
    }

    /// In a container what is printed and what is said come the same way: nobody may leave it unread.
    @Test func aTalkativeScriptLoadsInAContainer() async throws {
        try await withEngine { engine in
            try await withPostgresContainer(engine) { postgres in
                let server = Databases.PostgresServer(
                    .container(postgres.engine, postgres.container), user: postgres.user, password: nil,
                    lockTimeout: 30, known: [])
                let script =
                    (0..<30_000).map { "DROP TABLE IF EXISTS t\($0);\n" }.joined() + "CREATE TABLE t (x int);\n"
                let facts = try await server.load(script: "talkative", for: "talkative") { sink in
                    try await onThread("script") { _ in try sink.write(script) }
                }
                #expect(facts.tables.map(\.rows) == [0])
            }
        }
    }

    @Test func aDatabaseInUseIsDropped() async throws {
        try await withPostgres { server in
            try await withDatabase(server) { live in
                async let client: Void = { _ = try? await server.psql("SELECT pg_sleep(60)", database: live) }()
                let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = \(quotedText(live))"
                #expect(try await eventually { try await server.psql(sessions) == "1" })
                try await server.engine().drop(live)
                #expect(try await server.has(live) == false)
                await client
            }
        }
    }

    // MARK: - Parts

    /// Running programs of this name in whose environment these stand.
    private func processes(named name: String, with one: String, and other: String) throws -> [pid_t] {
        try Descriptor.folder("/proc").names().compactMap { pid_t($0) }.filter { process in
            guard let variables = contents(of: "/proc/\(process)/environ"),
                let words = contents(of: "/proc/\(process)/comm")
            else { return false }
            let all = Set(variables.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
            return all.isSuperset(of: [one, other]) && String(decoding: words, as: UTF8.self) == name + "\n"
        }
    }
}
