import Databases
import Glibc
import Machine
import TestKit
import Testing

@Suite struct SQLiteTroubleTests {
    @Test func whatIsNoDatabaseIsCalledSo() async throws {
        try await withTemporaryFolder { folder in
            let copy = folder + "/copy"
            try await expect("sqlite.missing") { try await SQLiteFile(folder + "/no.db").copied(to: copy) }
            try await expect("sqlite.missing") { try await SQLiteFile(folder + "/no/no.db").copied(to: copy) }
            try await expect("sqlite.missing") { try await SQLiteFile("no.db").counted() }
            try await expect("sqlite.not-a-database") { try await SQLiteFile(folder).copied(to: copy) }
            try Descriptor.folder(folder).publish("text", Array(repeating: UInt8(ascii: "x"), count: 5000))
            try await expect("sqlite.not-a-database") { try await SQLiteFile(folder + "/text").copied(to: copy) }
            try await expect("sqlite.not-a-database") { try await SQLiteFile(folder + "/text").counted() }
            try await expect("sqlite.not-a-database") { try await SQLiteFile(folder + "/text").settled() }
            symlink(folder + "/text", folder + "/link")
            try await expect("sqlite.link") { try await SQLiteFile(folder + "/link").copied(to: copy) }
            mkfifo(folder + "/fifo", 0o600)
            try await expect("sqlite.not-a-database") { try await SQLiteFile(folder + "/fifo").copied(to: copy) }
            #expect(try names(in: folder) == ["fifo", "link", "text"])
        }
    }

    @Test func aLinkInTheFolderIsFollowed() async throws {
        try await withTemporaryFolder { folder in
            try makeFolders(folder + "/real")
            symlink("real", folder + "/alias")
            _ = try await sqlite(folder + "/real/app.db", "CREATE TABLE t(i);")
            let facts = try await SQLiteFile(folder + "/alias/app.db").copied(to: folder + "/copy")
            #expect(facts["t"] == 0)
        }
    }

    @Test func damageIsFound() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(path, twins(megabytes: 2))
            let file = try Descriptor.open(path, O_WRONLY)
            // The inside of the file, from a page's beginning on, where every page is one of a table's.
            let noise = [UInt8](repeating: 0x5a, count: 4096)
            for page in [100, 101, 300] { #expect(pwrite(file.raw, noise, noise.count, page * 4096) == noise.count) }
            try file.close()
            try await expect("sqlite.damaged") { try await SQLiteFile(path).copied(to: folder + "/copy") }
            try await expect("sqlite.damaged") { try await SQLiteFile(path).counted() }
            #expect(truncate(path, 200 * 4096) == 0)
            try await expect("sqlite.damaged") { try await SQLiteFile(path).copied(to: folder + "/copy") }
            #expect(try names(in: folder) == ["app.db"])
        }
    }

    @Test func aBrokenSchemaIsFound() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(
                path, "CREATE TABLE t(i); PRAGMA writable_schema=ON; UPDATE sqlite_master SET sql = 'CREATE TABLE t(';")
            try await expect("sqlite.damaged") { try await SQLiteFile(path).copied(to: folder + "/copy") }
        }
    }

    @Test(arguments: ["delete", "wal"])
    func aLockThatLastsHasALimit(mode: String) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(path, twins(megabytes: 1, mode: mode))
            let holding = """
                { echo 'PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM a WHERE id = 1;'
                  echo ".shell touch '$db.ready'"; sleep 100; } | sqlite3 "$db"
                """
            try await withShell(holding, db: path) { _ in
                try await isReady(path)
                let start = monotonicSeconds()
                try await expect("sqlite.busy") { try await SQLiteFile(path, limit: 1).copied(to: folder + "/copy") }
                #expect(monotonicSeconds() - start >= 1)
                try await expect("sqlite.in-use") { try await SQLiteFile(path).settled() }
                #expect(!(try names(in: folder).contains("copy")))
            }
        }
    }

    @Test(.enabled(if: MountedFolder.isPossible, "\(MountedFolder.whyNot)"))
    func aFullDiskIsCalledSo() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(path, twins(megabytes: 4))
            try await withTmpfs(folder + "/small", "size=1m") {
                let error = await #expect(throws: SQLiteError.self) {
                    _ = try await SQLiteFile(path).copied(to: folder + "/small/copy")
                }
                #expect(error?.code == "sqlite.disk-full" && error?.place == folder + "/small/copy")
                let left = try names(in: folder + "/small")
                #expect(left.isEmpty)
            }
        }
    }

    @Test func aCopyReplacesNothing() async throws {
        try await withTemporaryFolder { folder in
            _ = try await sqlite(folder + "/app.db", "CREATE TABLE t(i);")
            try Descriptor.folder(folder).publish("copy", [1])
            let error = await #expect(throws: MachineError.self) {
                _ = try await SQLiteFile(folder + "/app.db").copied(to: folder + "/copy")
            }
            #expect(error?.code == "machine.exists")
            #expect(contents(of: folder + "/copy") == [1])
        }
    }

    @Test(.enabled(if: MountedFolder.isPossible, "\(MountedFolder.whyNot)"), arguments: ["delete", "wal"])
    func aReadOnlyFileSystemIsEnough(mode: String) async throws {
        try await withTemporaryFolder { folder in
            try await withTmpfs(folder + "/disk", "size=8m") {
                _ = try await sqlite(folder + "/disk/app.db", twins(megabytes: 1, mode: mode))
                try await makeReadOnly(folder + "/disk")
                let facts = try await SQLiteFile(folder + "/disk/app.db").copied(to: folder + "/copy")
                #expect(facts["a"] == 512)
                #expect(facts.journalMode == mode)
            }
        }
    }

    @Test(.enabled(if: MountedFolder.isPossible, "\(MountedFolder.whyNot)"), arguments: ["delete", "wal"])
    func aReadOnlyFileSystemIsNotEnoughForWhatIsUnfinished(mode: String) async throws {
        try await withTemporaryFolder { folder in
            try await withTmpfs(folder + "/disk", "size=16m") {
                let path = folder + "/disk/app.db"
                _ = try await sqlite(path, twins(megabytes: 1, mode: mode))
                let writing = """
                    { echo 'PRAGMA cache_size=5; BEGIN; UPDATE a SET x = randomblob(1000);'
                      [ \(mode) = wal ] && echo 'COMMIT;'
                      echo ".shell touch '$db.ready'"; sleep 100; } | sqlite3 "$db"
                    """
                try await withShell(writing, db: path) { _ in
                    try await isReady(path)
                }
                unlink(path + "-shm")
                // What the killed program had open goes a moment after it.
                #expect(try await eventually(within: 10) { (try? await makeReadOnly(folder + "/disk")) != nil })
                try await expect("sqlite.read-only") { try await SQLiteFile(path).copied(to: folder + "/copy") }
            }
        }
    }

    /// As root we must not make files beside a database that its own program then cannot write.
    @Test(.enabled(if: MountedFolder.isPossible, "it takes root to be somebody else"))
    func filesBesideItBelongToWhomItBelongs() async throws {
        try await withTemporaryFolder { folder in
            chmod(folder, 0o711)
            try makeFolders(folder + "/data")
            let path = folder + "/data/app.db"
            _ = try await sqlite(path, twins(megabytes: 64, mode: "wal"))
            #expect(chown(folder + "/data", 4711, 4712) == 0 && chown(path, 4711, 4712) == 0 && chmod(path, 0o640) == 0)
            let meter = Meter()
            async let copied = SQLiteFile(path).copied(to: folder + "/copy", meter: meter)
            var status = stat()
            let seen = try await eventually(within: 60) {
                meter.bytes > ByteCount(0) && lstat(path + "-shm", &status) == 0 || meter.bytes > ByteCount(64 << 20)
            }
            #expect(seen)
            if status.st_uid != 0 || status.st_mode != 0 {
                #expect(status.st_uid == 4711 && status.st_gid == 4712 && status.st_mode & 0o777 == 0o640)
            }
            if lstat(path + "-wal", &status) == 0 {
                #expect(status.st_uid == 4711 && status.st_gid == 4712 && status.st_mode & 0o777 == 0o640)
            }
            let writing = try await ChildProcess(
                "setpriv",
                [
                    "--reuid=4711", "--regid=4712", "--clear-groups", "sqlite3", "-cmd", ".timeout 20000", path,
                    "INSERT INTO a(x) VALUES (1);",
                ]
            ).run()
            #expect(writing.succeeded, "\(writing.errors)")
            _ = try await copied
            #expect(try names(in: folder + "/data") == ["app.db"])
            #expect(lstat(path, &status) == 0 && status.st_uid == 4711 && status.st_mode & 0o777 == 0o640)
        }
    }

    @Test func whatIsOpenElsewhereIsNotSettled() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/app.db"
            _ = try await sqlite(path, twins(megabytes: 1, mode: "wal"))
            let idle =
                "{ echo 'SELECT count(*) FROM a;'; echo \".shell touch '$db.ready'\"; sleep 100; } | sqlite3 \"$db\""
            try await withShell(idle, db: path) { _ in
                try await isReady(path)
                try await expect("sqlite.in-use") { try await SQLiteFile(path).settled() }
            }
        }
    }

    @Test func settlingLeavesOneFile() async throws {
        try await withTemporaryFolder { folder in
            for mode in ["delete", "truncate", "persist", "wal"] {
                let path = folder + "/\(mode).db"
                _ = try await sqlite(path, twins(megabytes: 1, mode: mode))
                let unfinished = """
                    { echo 'PRAGMA journal_mode=\(mode); PRAGMA cache_size=5; BEGIN; UPDATE a SET x = randomblob(1000);'
                      [ \(mode) = wal ] && echo 'COMMIT; DELETE FROM b WHERE id = 1;'
                      echo ".shell touch '$db.ready'"; sleep 100; } | sqlite3 "$db"
                    """
                try await withShell(unfinished, db: path) { _ in
                    try await isReady(path)
                }
                #expect(try names(in: folder).filter { $0.hasPrefix(mode) }.count > 2)
                // The kernel may take a moment to let go of the dead program's locks.
                _ = try await sqlite(path, ".timeout 20000\nSELECT count(*) FROM a;")
                try await SQLiteFile(path).settled()
                #expect(try names(in: folder).filter { $0.hasPrefix(mode) } == ["\(mode).db", "\(mode).db.ready"])
                let facts = try await SQLiteFile(path).counted()
                #expect(facts["a"] == 512 && facts["b"] == (mode == "wal" ? 511 : 512))
                #expect(facts.journalMode == (mode == "wal" ? "wal" : "delete"))
                try await SQLiteFile(path).settled()
            }
            let empty = folder + "/empty.db"
            try Descriptor.open(empty, O_CREAT | O_WRONLY).close()
            try await SQLiteFile(empty).settled()
            #expect(contents(of: empty)?.isEmpty == true)
            try await expect("sqlite.missing") { try await SQLiteFile(folder + "/no.db").settled() }
        }
    }

    /// A journal that its owner forged names a file of somebody else's, which SQLite would remove with it; we are root.
    @Test func aForgedJournalRemovesNothing() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/app.db"
            let victim = "\(folder)/victim"
            _ = try await sqlite(path, "PRAGMA page_size=4096; CREATE TABLE t(x); INSERT INTO t VALUES (1)")
            try Descriptor.open(victim, O_WRONLY | O_CREAT).write("precious")
            let page = Array(try Descriptor.open(path, O_RDONLY).readAll(limit: 1 << 20).prefix(4096))
            let magic: [UInt8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]
            func big(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }
            var journal = magic + big(1) + big(0) + big(2) + big(512) + big(4096)
            journal += [UInt8](repeating: 0, count: 512 - journal.count)
            let checked = stride(from: 4096 - 200, to: 0, by: -200).reduce(UInt32(0)) { $0 &+ UInt32(page[$1]) }
            journal += big(1) + page + big(checked)
            let name = Array(victim.utf8)
            journal += big(0x4000_0000 / 4096 + 1) + name + big(UInt32(name.count))
            journal += big(name.reduce(UInt32(0)) { $0 + UInt32($1) }) + magic
            try Descriptor.open(path + "-journal", O_WRONLY | O_CREAT).write(journal)

            let facts = try SQLiteFile(path).copy(to: "\(folder)/copy", meter: Meter(), stop: StopSignal())
            #expect(facts.tables.map(\.name).contains("t"))
            #expect(contents(of: path + "-journal")?.isEmpty != false, "it was rolled back")
            #expect(contents(of: victim) == Array("precious".utf8))
        }
    }
}
