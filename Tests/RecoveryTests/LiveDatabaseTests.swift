import Machine
import Recovery
import TestKit
import Testing

/// HAZARDS: tar of a live database.
struct LiveDatabaseTests {
    @Test(arguments: [
        (["PG_VERSION"], ["PostgreSQL: PG_VERSION"]),
        (["pgdata/16/PG_VERSION", "pgdata/16/base/1/PG_VERSION"], ["PostgreSQL: pgdata/16/PG_VERSION"]),
        (["app.db", "app.db-wal", "app.db-shm"], ["SQLite: app.db-wal"]),
        (["data/n8n/database.sqlite-wal"], ["SQLite: data/n8n/database.sqlite-wal"]),
        (["ibdata1", "mysql/user.frm"], ["MySQL or MariaDB: ibdata1"]),
        (["WiredTiger", "WiredTiger.wt"], ["MongoDB: WiredTiger"]),
        (["appendonlydir/appendonly.aof.1.base.rdb"], ["Redis: appendonlydir"]),
        (["appendonly.aof"], ["Redis: appendonly.aof"]),
        (["notes.txt", "old/pg_version", "PG_VERSION.bak/x"], []),
        (["one/PG_VERSION", "two/db.sqlite-wal"], ["PostgreSQL: one/PG_VERSION", "SQLite: two/db.sqlite-wal"]),
        (["1/2/3/4/PG_VERSION"], ["PostgreSQL: 1/2/3/4/PG_VERSION"]),
        (["1/2/3/4/5/PG_VERSION"], []),
    ])
    func isKnownByItsFiles(_ files: [String], _ expected: [String]) async throws {
        try await withTestSite { host in
            for file in files { try host.write("volumes/v/\(file)", "") }
            let found = LiveDatabase.find(in: host.volumes + "/v").map { "\($0.engine): \($0.sign)" }
            #expect(found == expected)
        }
    }

    @Test func folderThatIsNotThereHasNone() {
        #expect(LiveDatabase.find(in: "/nowhere/at/all").isEmpty)
    }

    @Test func givesUpInsteadOfReadingAMillionNames() async throws {
        try await withTestSite { host in
            try makeFolders(host.volumes + "/v")
            let maker = TreeMaker(host.volumes + "/v")
            for number in 10_000..<15_500 { try maker.file("\(number)") }
            try maker.file("zz-wal")
            #expect(LiveDatabase.find(in: host.volumes + "/v").isEmpty)
        }
    }
}
