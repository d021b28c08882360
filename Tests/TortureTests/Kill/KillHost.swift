import Docker
import Glibc
import Machine
import TestKit

/// A host with everything that a command can be killed at: two volumes of a real engine, whose containers are stopped and
/// paused while they are read, a folder, and a database of a real server.
struct KillHost: Sendable {
    let demo: DemoHost
    let engine: Engine
    let server: PostgresServer
    /// Its container is stopped.
    let data: Volume
    /// Its container is paused.
    let more: Volume
    let containers: [Container]
    let database: String
    /// The comment of the database and of all its copies.
    let mark: String
    let known = KnownDigests()

    var arguments: [String] { ["--yes", "--key", demo.privateKey] }
}

/// A host for one test, gone afterwards; with 200 MB of data in a long run, and with a few in a short one.
func withKillHost(isolation: isolated (any Actor)? = #isolation, _ body: (KillHost) async throws -> Void) async throws {
    try await withDemoHost(queues: false) { demo in
        try await withEngine { engine in
            // Whose roles are the others' would be saved with it, and lost again.
            try await withOwnPostgres { own in
                let server = own.server
                try await withVolume(engine) { data in
                    try await withVolume(engine) { more in
                        try await withContainer(engine, { $0.volumes = [data.name: "/data"] }) { stopped in
                            try await withContainer(engine, { $0.volumes = [more.name: "/data"] }) { paused in
                                let (name, mark) = (uniqueName("kill"), uniqueName("mark"))
                                try await withDatabase(server, name: name, setup: Filling.sql(name, mark)) { database in
                                    let host = KillHost(
                                        demo: demo, engine: engine, server: server, data: data, more: more,
                                        containers: [stopped, paused], database: database, mark: mark)
                                    try await host.fill()
                                    try await body(host)
                                    try await host.dropCopies()
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

private enum Filling {
    static let isLarge = Torture.seconds != nil

    static func sql(_ name: String, _ mark: String) -> String {
        """
        CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL);
        INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 500) n;
        CREATE TABLE bulk AS SELECT n, repeat(md5(n::text), 10) AS filling
            FROM generate_series(1, \(isLarge ? 20_000 : 500)) n;
        COMMENT ON DATABASE \(quotedName(name)) IS '\(mark)';
        """
    }

    /// Large files that do not compress, larger ones that do, and many small ones.
    static var shell: String {
        """
        for i in 1 2 3 4; do head -c \(isLarge ? "8M" : "400K") /dev/urandom > large$i; done
        for i in 1 2; do seq 100000000 | head -c \(isLarge ? "85M" : "200K") > text$i || true; done
        mkdir small; for i in $(seq \(isLarge ? 2000 : 60)); do echo "$i $RANDOM" > small/$i; done
        ln large1 linked; ln -s text1 link; mkfifo fifo; mkdir -p deep/er/and/deeper
        """
    }
}

extension KillHost {
    fileprivate func fill() async throws {
        try await demo.shell("cd \(data.mountpoint)\n" + Filling.shell)
        try demo.write("\(more.mountpoint)/settings.json", "{}", mode: 0o644)
        try demo.configure {
            $0.dockerSocket = engine.socket
            $0.volumesRoot = nil
            $0.include = [data.name, more.name]
            $0.volumes = ["quiesce: { \(data.name): stop, \(more.name): pause }"]
            $0.databases = [server.entry("shop", database)]
            $0.backup = ["retention: { keep_last: \(Self.kept) }"]
        }
    }

    static let kept = 3

    /// Changes everything that is backed up; `version` is in all of it.
    func change(to version: Int) async throws {
        try demo.write("\(data.mountpoint)/config.json", "{\"version\": \(version)}\n")
        try await demo.shell(
            """
            cd \(data.mountpoint)
            echo \(version) >> large2; echo \(version) > small/\(version % 50 + 1); touch new\(version)
            rm -f new\(version - 3)
            """)
        try demo.write("\(more.mountpoint)/settings.json", "{\"version\": \(version)}\n")
        try demo.write("compose/.env", "PASSWORD=\(version)\n")
        try await server.psql(
            """
            UPDATE customers SET name = 'version \(version)' WHERE id % 7 = \(version % 7);
            INSERT INTO customers VALUES (\(1000 + version), 'since then');
            """, database: database)
    }

    /// Removes what restores left of the database.
    fileprivate func dropCopies() async throws {
        for copy in try await copies() {
            try await server.psql("DROP DATABASE IF EXISTS \(quotedName(copy)) WITH (FORCE)")
        }
    }

    /// Databases that a restore made of this one, or left of it.
    func copies() async throws -> [String] { try await server.databases(marked: mark).filter { $0 != database } }
}

/// What lives on a host: all that a backup saves and a restore brings back.
struct Live {
    var data: TreeSnapshot
    var more: TreeSnapshot
    var files: TreeSnapshot
    var rows: String

    init(_ host: KillHost) async throws {
        data = try TreeSnapshot(of: host.data.mountpoint, known: host.known)
        more = try host.demo.snapshot(host.more.mountpoint)
        files = try host.demo.snapshot("compose")
        rows = try await host.server.psql(
            """
            SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM customers c
            UNION ALL SELECT md5(string_agg(b::text, '|' ORDER BY n)) FROM bulk b
            """, database: host.database)
    }

    /// In words, what is not the same; empty if nothing.
    func differences(from other: Live) -> [String] {
        data.differences(from: other.data).prefix(4) + more.differences(from: other.more).prefix(2)
            + files.differences(from: other.files).prefix(2) + (rows == other.rows ? [] : ["the rows differ"])
    }
}
