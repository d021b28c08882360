import Docker
import Glibc
import Machine
import TestKit
import Testing

/// A database that is one file, in a volume: out while somebody writes, and back.
@Suite struct SQLiteCommandTests {
    private static let file = "volumes/n8n_data/_data/app.db"

    /// A host whose volume holds a database with 500 rows; the entry `app` names it by its path.
    private func withApp(
        journal: String = "wal", volumes: [String] = [], _ body: (DemoHost) async throws -> Void
    ) async throws {
        try await withDemoHost(.ready) { configuration in
            let file = configuration.directory.replacing("/backups", with: "/" + Self.file)
            configuration.onlyDatabases(["{ name: app, engine: sqlite, path: \(yaml(file)) }"])
            configuration.include = volumes
        } _: { host in
            try await sqlite(
                host,
                """
                PRAGMA journal_mode=\(journal); CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
                CREATE TABLE "odd ""name" (x);
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
                  INSERT INTO notes (text) SELECT 'note ' || i FROM n;
                """)
            try await body(host)
        }
    }

    @discardableResult
    private func sqlite(_ host: DemoHost, _ sql: String) async throws -> String {
        try await host.shell("sqlite3 -batch -bail -cmd '.timeout 10000' \(Self.file)", input: Array(sql.utf8))
    }

    private func dump(_ host: DemoHost) async throws -> String { try await sqlite(host, ".dump") }

    private func expectNothingLeft(_ host: DemoHost, at location: SourceLocation = #_sourceLocation) throws {
        #expect(try host.leftovers() == [] && host.journal == "", sourceLocation: location)
        #expect(try !host.names(host.data()).contains { $0.hasPrefix(".holdfast") }, sourceLocation: location)
    }

    @Test(arguments: ["wal", "delete"])
    func outAndBack(journal: String) async throws {
        try await withApp(journal: journal) { host in
            let before = try await dump(host)
            let point = try await host.backup()
            #expect(host.has("backups/\(point)/database.app.sqlite.zst.gpg"))
            try expectNothingLeft(host)
            let verified = try await host.holdfast("verify", "--deep", "--key", host.privateKey)
            expectDone(verified)
            try await sqlite(host, "DELETE FROM notes WHERE id > 10; DROP TABLE \"odd \"\"name\"")
            let spoilt = try await dump(host)

            let restored = try await host.restore("database", "app", "--json")
            expectDone(restored)
            #expect(try restored.json()["tables"].int == 2 && restored.json()["rows"].int == 500)
            #expect(try await dump(host) == before)
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            #expect(try await dump(host) == spoilt)
            try expectNothingLeft(host)

            expectDone(try await host.restore("database", "app"))
            expectDone(try await host.holdfast("restore", "commit", "--yes"))
            #expect(try await dump(host) == before)
            try expectNothingLeft(host)
        }
    }

    /// Somebody else's file stands where the restored one was put: the former one is the last of its kind.
    @Test func undoNeverDropsTheFormerFile() async throws {
        try await withApp { host in
            try await host.backup()
            try await sqlite(host, "INSERT INTO notes (text) VALUES ('since')")
            let former = try await dump(host)
            expectDone(try await host.restore("database", "app"))
            try await host.shell("cp \(Self.file) other && mv other \(Self.file)")
            let undone = try await host.holdfast("restore", "undo", "--yes")
            #expect(undone.status == 1 && undone.errors.contains("somebody moved or replaced it"), "\(undone)")
            let kept = try await host.shell("ls -A $(dirname \(Self.file)) | grep '^.holdfast-'")
            #expect(
                try await host.shell("cd $(dirname \(Self.file)) && sqlite3 \(kept.dropLast()) .dump") == former)
        }
    }

    @Test func whatIsOnlyInTheLogIsSavedAndNotReplayedIntoTheRestored() async throws {
        try await withApp { host in
            // A program that has it open: the log stays beside it.
            let program = try host.tools.start([
                "bash", "-c",
                "(echo \"INSERT INTO notes VALUES (501, 'in the log');\"; sleep 300) | sqlite3 \(Self.file)",
            ])
            defer { kill(-program.pid, SIGKILL) }
            try await eventually("it is in the log") {
                try await sqlite(host, "SELECT count(*) FROM notes") == "501\n"
            }
            #expect(host.has(Self.file + "-wal"))
            let point = try await host.backup()
            kill(-program.pid, SIGKILL)
            _ = try await program.wait()
            #expect(host.has(Self.file + "-wal"))
            let restored = try await host.restore("database", "app", "--from", point)
            expectDone(restored)
            #expect(try await sqlite(host, "SELECT count(*) FROM notes; PRAGMA integrity_check") == "501\nok\n")
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            #expect(try await sqlite(host, "SELECT count(*) FROM notes; PRAGMA integrity_check") == "501\nok\n")
        }
    }

    @Test func whileSomebodyWrites() async throws {
        try await withApp { host in
            try await sqlite(
                host, "CREATE TABLE twins (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO twins SELECT * FROM notes")
            let writer = try host.tools.start([
                "bash", "-c",
                """
                while :; do echo "BEGIN IMMEDIATE; INSERT INTO notes (text) VALUES ('x'); INSERT INTO twins (text) VALUES ('x'); COMMIT;"; done |
                    sqlite3 -cmd '.timeout 10000' \(Self.file)
                """,
            ])
            defer { kill(-writer.pid, SIGKILL) }
            try await eventually("it writes") {
                try await sqlite(host, "SELECT count(*) > 500 FROM notes") == "1\n"
            }
            for _ in 0..<2 { try await host.backup() }
            kill(-writer.pid, SIGKILL)
            _ = try await writer.wait()
            expectDone(try await host.restore("database", "app"))
            let counts = try await sqlite(host, "SELECT count(*) FROM notes; SELECT count(*) FROM twins")
            let lines = counts.split(separator: "\n")
            #expect(lines.count == 2 && lines.first == lines.last, "\(counts)")
        }
    }

    @Test func theFileIsGone() async throws {
        try await withApp { host in
            let before = try await dump(host)
            try await host.backup()
            try await host.shell("rm \(Self.file)*")
            let failed = try await host.holdfast("backup", "--json")
            #expect(failed.status == 1, "\(failed)")
            #expect(try failed.json()["problems"]["database.app"].string?.contains("app.db") == true)
            #expect(!host.has(Self.file))
            expectDone(try await host.restore("database", "app"))
            #expect(try await dump(host) == before)
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            #expect(!host.has(Self.file))
            try expectNothingLeft(host)
        }
    }

    @Test func besideTheVolumeThatItLiesIn() async throws {
        try await withApp(volumes: ["n8n_data"]) { host in
            try host.configure { configuration in
                configuration.onlyDatabases(["{ name: app, engine: sqlite, volume: n8n_data, file: app.db }"])
                configuration.include = ["n8n_data"]
            }
            let before = try await dump(host)
            let made = try await host.holdfast("backup", "--json")
            expectDone(made)
            for name in ["database.app", "volume.n8n_data"] {
                #expect(item(name, in: try made.json())["outcome"].string == "whole", "\(made)")
            }
            // No copy of ours is in the volume's archive.
            expectDone(try await host.restore("volume", "n8n_data", "--to", host.path("out")))
            #expect(try !host.names("out").contains { $0.hasPrefix(".holdfast") })
            try expectNothingLeft(host)
            try await host.shell("sqlite3 \(Self.file) 'DELETE FROM notes'")
            expectDone(try await host.restore("database", "app"))
            #expect(try await dump(host) == before)
        }
    }

    @Test func killedAtAnyMoment() async throws {
        try await withApp { host in
            try await sqlite(
                host,
                """
                CREATE TABLE bulk (x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                  INSERT INTO bulk SELECT randomblob(1000) FROM n;
                """)
            let new = try await dump(host)
            let began = monotonicSeconds()
            try await host.backup()
            let seconds = monotonicSeconds() - began
            try await sqlite(host, "DELETE FROM notes")
            let old = try await dump(host)
            var random = SeededRandom(seed: 43)
            let restore = ["restore", "database", "app", "--yes", "--key", host.privateKey]
            for round in 0..<6 {
                let arguments = round % 2 == 0 ? ["backup"] : restore + ["--from", try host.points()[0]]
                let moment = seconds * Double.random(in: 0.1..<1, using: &random)
                let running = try host.holdfast.start([CommandRunner.binary] + arguments)
                try await Task.sleep(for: .seconds(moment))
                running.signal(SIGKILL)
                let text = "seed 43, round \(round), \(moment) s: \(try await running.wait())"
                let resumed = try await host.holdfast("resume")
                #expect(resumed.status == 0, "\(text): \(resumed)")
                if !(try host.names("state/restores").isEmpty) {
                    #expect(try await dump(host) == new, "\(text)")
                    expectDone(try await host.holdfast("restore", "undo", "--yes"))
                }
                #expect(try await dump(host) == old, "\(text)")
                try expectNothingLeft(host)
            }
        }
    }
}
