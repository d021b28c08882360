import Docker
import Glibc
import Machine
import TestKit
import Testing

/// A real server in a container: what `init` writes for it, what `check` says, and that the backup comes out of it and goes
/// back into it.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct DatabaseContainerTests {
    private static let data = "/var/lib/postgresql/data"

    /// A host with a server in a container, as compose would start it, whose data lies in a volume.
    private func withComposed(
        _ body: (_ host: EngineHost, _ postgres: PostgresContainer, _ volume: Volume, _ project: String) async throws
            -> Void
    ) async throws {
        try await withEngineHost { host in
            let project = uniqueName("project")
            try await withVolume(host.engine) { volume in
                try await withPostgresContainer(host.engine, user: "keeper", database: "shop") { plan in
                    plan.volumes = [volume.name: Self.data]
                    plan.labels = [
                        "com.docker.compose.project": project, "com.docker.compose.service": "db",
                        "com.docker.compose.project.working_dir": host.folder + "/compose",
                    ]
                } _: { postgres in
                    try await postgres.psql(Shop.sql)
                    try await body(host, postgres, volume, project)
                }
            }
        }
    }

    private func findings(_ subject: String, _ host: EngineHost) async throws -> [JSONValue] {
        let check = try await host.holdfast("check", "--json")
        return try check.json()["findings"].all.filter { $0["subject"].string == subject }
    }

    @Test func byContainerAndByService() async throws {
        try await withComposed { host, postgres, _, project in
            try await postgres.psql("CREATE DATABASE \"Büro 2\"")
            try await postgres.psql(Shop.sql, database: "Büro 2")
            let container = postgres.container.name
            try host.configure {
                $0.databases = [
                    "{ name: shop, engine: postgres, container: \(container), database: shop }",
                    "{ name: office, engine: postgres, service: db, project: \(project), user: keeper, database: \"Büro 2\" }",
                ]
            }
            try await host.backup()
            let deep = try await host.holdfast("verify", "--deep", "--key", host.demo.privateKey)
            expectDone(deep)
            for (name, database) in [("shop", "shop"), ("office", "Büro 2")] {
                try await postgres.psql("DELETE FROM orders; DROP TABLE \"Empty One\"", database: database)
                let restored = try await host.restore("database", name, "--json")
                expectDone(restored)
                #expect(try restored.json()["rows"].int == Shop.rows)
                #expect(try await postgres.psql("SELECT count(*) FROM orders", database: database) == "500")
                let isUndone = name == "shop"
                expectDone(try await host.holdfast("restore", isUndone ? "undo" : "commit", "--yes"))
                let orders = try await postgres.psql("SELECT count(*) FROM orders", database: database)
                #expect(orders == (isUndone ? "0" : "500"))
            }
            let all = "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE NOT datistemplate"
            #expect(try await postgres.psql(all) == "Büro 2,postgres,shop")
        }
    }

    @Test func initWritesAnEntryThatTheBackupUses() async throws {
        try await withComposed { host, postgres, volume, project in
            var holdfast = host.holdfast
            holdfast.environment["GPG_RECIPIENT"] = "\(host.demo.keys.owner.fingerprint)"
            holdfast.environment["HOLDFAST_CONFIG"] = host.folder + "/new/holdfast.yml"
            let made = try await holdfast(
                "init", "--output", host.folder + "/new/holdfast.yml", "--directory", host.folder + "/new/backups",
                "--state", host.folder + "/new/state", "--docker-socket", host.engine.socket, "--keyring",
                host.demo.ring, "--json")
            expectDone(made)
            #expect(
                try made.json()["found"].all.contains {
                    $0.string?.contains(" in \(postgres.container.name), ") == true
                }, "\(made)")
            let yaml = try host.demo.read("new/holdfast.yml")
            #expect(yaml.contains(project) && yaml.contains("engine: postgres"))
            // Other tests have servers of their own on this engine.
            let planned = try await holdfast("backup", "databases", "--dry-run", "--json")
            let items = try planned.json()["items"].all.filter { $0["path"].string == "service \(project)/db" }
            let names = items.compactMap { $0["item"].string?.dropFirst("database.".count) }.map(String.init)
            #expect(names.count == 3, "\(planned)")
            let entry = try #require(names.first { $0.hasSuffix(".globals") }?.dropLast(".globals".count))
            let backup = try await holdfast("backup", "databases", String(entry), "--json")
            expectDone(backup)
            #expect(item("database.\(entry).shop", in: try backup.json())["outcome"].string == "whole", "\(backup)")
        }
    }

    @Test func checkNamesTheEntryUntilItIsThere() async throws {
        try await withComposed { host, postgres, volume, _ in
            try host.configure { $0.include = [volume.name] }
            let subject = "volume \(volume.name)"
            let warning = try #require(try await findings(subject, host).last)
            #expect(warning["level"].string == "warn" && warning["text"].string?.contains("PG_VERSION") == true)
            let remedy = try #require(warning["remedy"].string)
            let entry = try #require(remedy.components(after: "Add to backup.databases: - "))
            try host.configure { configuration in
                configuration.include = [volume.name]
                configuration.databases = [entry]
            }
            let after = try await findings(subject, host)
            #expect(after.allSatisfy { $0["level"].string == "ok" } && !after.isEmpty, "\(after)")
            let made = try await host.holdfast("backup", "databases", "--json")
            expectDone(made)
            #expect(made.output.contains(".shop\""))
        }
    }
}

extension String {
    fileprivate func components(after mark: String) -> String? {
        firstRange(of: mark).map { String(self[$0.upperBound...]) }
    }
}

/// `database: "*"`: everything that is there, by whatever name.
@Suite(.enabled(if: RealPostgres.isAvailable, needsPostgres))
struct AllDatabasesTests {
    @Test func allButTemplatesAndOurOwn() async throws {
        try await withDemoHost { demo in
            try await withOwnPostgres { own in
                let server = own.server
                let odd = ["Say \"hi\", it's", "ünï 日本 🐘", "UPPER", "globals"]
                for name in odd {
                    try await server.psql("CREATE DATABASE \(quotedName(name))")
                    try await server.psql(
                        "CREATE TABLE t AS SELECT 'is ' || current_database() AS name", database: name)
                }
                try await server.psql(
                    "CREATE DATABASE closed ALLOW_CONNECTIONS false; CREATE DATABASE model IS_TEMPLATE true")
                try demo.configure { $0.onlyDatabases([server.entry("all", nil)]) }
                let made = try await demo.holdfast("backup", "--json")
                expectDone(made)
                #expect(made.errors.contains("closed"))
                let items = try made.json()["items"].all
                #expect(items.count == odd.count + 2, "\(made)")
                #expect(items.allSatisfy { $0["outcome"].string == "whole" })
                expectDone(try await demo.holdfast("verify", "--deep", "--key", demo.privateKey))

                let names = items.compactMap { $0["item"].string?.dropFirst("database.".count) }.map(String.init)
                let before = try await digests(odd, server)
                var back = 0
                for name in names where !name.hasSuffix(".globals") && name != "all.postgres" {
                    let restored = try await demo.restore("database", name, "--json")
                    expectDone(restored)
                    let database = try #require(try restored.json()["database"].string)
                    #expect(odd.contains(database))
                    #expect(try await server.psql("SELECT name FROM t", database: database) == "is \(database)")
                    back += 1
                }
                #expect(back == odd.count)
                #expect(try await digests(odd, server) == before)
                // The former ones are no database of anybody's.
                let again = try await demo.holdfast("backup", "--json")
                expectDone(again)
                #expect(try again.json()["items"].all.count == items.count)
                expectDone(try await demo.holdfast("restore", "commit", "--yes"))
                #expect(
                    try await server.psql("SELECT count(*) FROM pg_database WHERE datname LIKE 'holdfast%'") == "0")
            }
        }
    }

    private func digests(_ names: [String], _ server: PostgresServer) async throws -> [String] {
        var all: [String] = []
        for name in names { all.append(try await server.digest(of: name)) }
        return all
    }
}
