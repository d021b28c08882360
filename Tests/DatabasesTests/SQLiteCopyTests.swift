import Databases
import Glibc
import Machine
import TestKit
import Testing

@Suite struct SQLiteCopyTests {
    @Test(arguments: ["delete", "wal", "truncate", "persist"])
    func theCopyIsWhatTheDatabaseWas(mode: String) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(
                path, "PRAGMA page_size=8192; PRAGMA encoding='UTF-16le';" + twins(megabytes: 2, mode: mode))
            _ = try await sqlite(path, "PRAGMA user_version=7; PRAGMA application_id=99; DELETE FROM a WHERE id % 2;")
            let before = contents(of: path)
            let namesBefore = try names(in: folder)
            let meter = Meter()
            try makeFolders(folder + "/out")
            let facts = try await SQLiteFile(path).copied(to: folder + "/out/copy", meter: meter)
            #expect(facts["a"] == 512 && facts["b"] == 1024)
            #expect(facts.tables.map(\.name) == ["a", "b"])
            #expect(facts.pageSize == 8192 && facts.encoding == "UTF-16le")
            #expect(facts.userVersion == 7 && facts.applicationID == 99)
            #expect(facts.journalMode == (mode == "wal" ? "wal" : "delete"))
            #expect(!facts.library.isEmpty)
            #expect(meter.bytes == ByteCount(facts.size))
            #expect(contents(of: path) == before)
            #expect(try names(in: folder).filter { $0 != "out" } == namesBefore)
            #expect(try names(in: folder + "/out") == ["copy"])
            #expect(contents(of: folder + "/out/copy")?.count == Int(facts.size))
            #expect(try Descriptor.open(folder + "/out/copy", O_RDONLY).status().st_mode & 0o7777 == 0o600)
            #expect(try await SQLiteFile(folder + "/out/copy").counted() == facts)
            let dump = try await sqlite(path, ".dump")
            #expect(try await sqlite(folder + "/out/copy", ".dump") == dump)
            let read = try JSON.read(SQLiteFacts.self, try JSON.write(facts), place: "facts")
            #expect(read == facts)
        }
    }

    @Test func tablesOfAllKinds() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(
                path,
                """
                CREATE TABLE "a ""quoted"" name; DROP TABLE x"(i); INSERT INTO "a ""quoted"" name; DROP TABLE x" VALUES (1);
                CREATE TABLE 'it''s'(i); INSERT INTO "it's" VALUES (1), (2);
                CREATE TABLE "Ünïcode 😀"(i); CREATE TABLE [UPPER lower](i); CREATE TABLE "100%w%s"(i);
                CREATE TABLE k(k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO k VALUES ('x', 1), ('y', 2), ('z', 3);
                CREATE TABLE s(i INTEGER PRIMARY KEY AUTOINCREMENT, g INT AS (i * 2)) STRICT; INSERT INTO s DEFAULT VALUES;
                CREATE VIRTUAL TABLE words USING fts5(t); INSERT INTO words VALUES ('one'), ('two');
                CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1); INSERT INTO boxes VALUES (1, 0, 1);
                CREATE VIEW v AS SELECT * FROM nowhere;
                CREATE TABLE own(i, CHECK (i > 0)); CREATE INDEX parts ON own(i) WHERE i > 5; INSERT INTO own VALUES (9);
                PRAGMA writable_schema=ON;
                UPDATE sqlite_master SET sql = 'CREATE TABLE own(i COLLATE theirs, CHECK (ours(i)))' WHERE name = 'own';
                INSERT INTO sqlite_master VALUES ('table', 'gone', 'gone', 0, 'CREATE VIRTUAL TABLE gone USING theirs(x)');
                """)
            let facts = try await SQLiteFile(path).copied(to: folder + "/copy")
            #expect(facts["a \"quoted\" name; DROP TABLE x"] == 1 && facts["it's"] == 2)
            #expect(facts["Ünïcode 😀"] == 0 && facts["UPPER lower"] == 0 && facts["100%w%s"] == 0)
            #expect(facts["k"] == 3 && facts["s"] == 1 && facts["sqlite_sequence"] == 1 && facts["own"] == 1)
            #expect(facts["words"] == 2 && facts["words_docsize"] == 2 && facts["boxes"] == 1)
            #expect(facts.tables.contains { $0.name == "gone" && $0.rows == nil })
            #expect(!facts.tables.contains { $0.name == "v" })
        }
    }

    @Test func emptyFilesAreEmptyDatabases() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/it's 100% #1?.db"
            try Descriptor.open(path, O_CREAT | O_WRONLY).close()
            #expect(try await SQLiteFile(path).counted().tables.isEmpty)
            let facts = try await SQLiteFile(path).copied(to: folder + "/copy %41?")
            #expect(facts.tables.isEmpty && facts.size == 4096)
            #expect(contents(of: path)?.isEmpty == true)
            _ = try await sqlite(path, "CREATE TABLE t(i); DROP TABLE t;")
            #expect(try await SQLiteFile(path).copied(to: folder + "/other").tables.isEmpty)
        }
    }

    @Test(arguments: ["delete", "wal"])
    func aCopyIsOfOneMomentWhileOthersWrite(mode: String) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(path, twins(megabytes: 24, mode: mode))
            try await withShell(twinWriter, db: path) { writer in
                var counts: [Int64] = []
                let end = monotonicSeconds() + 60
                repeat {
                    let facts = try await SQLiteFile(path).copied(to: folder + "/copy")
                    #expect(facts["a"] == facts["b"])
                    counts.append(try #require(facts["a"]))
                    unlink(folder + "/copy")
                } while (counts.count < 4 || counts.last == counts.first) && monotonicSeconds() < end
                #expect(counts == counts.sorted() && counts[0] >= 24 * 512 && counts.first != counts.last)
                let said = try writer.errorsSoFar()
                #expect(said.isEmpty)
            }
        }
    }

    @Test func aTransactionThatNobodyEndedIsRolledBack() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(path, twins(megabytes: 1))
            let sound = contents(of: path)
            let spilling = """
                { echo 'PRAGMA cache_size=5; BEGIN; UPDATE a SET x = randomblob(1000);'; echo ".shell touch '$db.ready'"
                  sleep 100; } | sqlite3 "$db"
                """
            try await withShell(spilling, db: path) { _ in
                try await isReady(path)
            }
            #expect(contents(of: path) != sound)
            #expect(try await eventually { (try? names(in: folder).contains("app.db-journal")) == true })
            try await expect("sqlite.unsettled") { try await SQLiteFile(path).counted() }
            let facts = try await SQLiteFile(path, limit: 20).copied(to: folder + "/copy")
            #expect(facts["a"] == 512)
            #expect(contents(of: path) == sound)
            #expect(try names(in: folder) == ["app.db", "app.db.ready", "copy"])
        }
    }

    @Test func whatADeadProgramLeftInItsLogIsInTheCopy() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(path, twins(megabytes: 1, mode: "wal"))
            let writing = """
                { echo 'INSERT INTO a SELECT i + 1000, x FROM (SELECT id AS i, x FROM a);'; echo ".shell touch '$db.ready'"
                  sleep 100; } | sqlite3 "$db"
                """
            try await withShell(writing, db: path) { _ in
                try await isReady(path)
                let facts = try await SQLiteFile(path).copied(to: folder + "/while")
                #expect(facts["a"] == 1024)
                #expect(try names(in: folder).contains("app.db-wal"))
            }
            try await expect("sqlite.unsettled") { try await SQLiteFile(path).counted() }
            let facts = try await SQLiteFile(path, limit: 20).copied(to: folder + "/copy")
            #expect(facts["a"] == 1024 && facts["b"] == 512)
            #expect(try names(in: folder) == ["app.db", "app.db.ready", "copy", "while"])
        }
    }

    @Test func stopsWhenNobodyWantsItAnyMore() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(path, twins(megabytes: 1))
            let signal = StopSignal()
            signal.stop()
            #expect(throws: Interrupted.self) {
                _ = try SQLiteFile(path).copy(to: folder + "/copy", meter: Meter(), stop: signal)
            }
            #expect(throws: Interrupted.self) { _ = try SQLiteFile(path).facts(stop: signal) }
            #expect(try names(in: folder) == ["app.db"])
        }
    }
}
