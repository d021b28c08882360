import Docker
import TestKit
import Testing

/// The servers that the other tests use are what they take them for.
@Suite(.enabled(if: RealPostgres.isAvailable, Comment(rawValue: RealPostgres.howToGetOne)))
struct RealPostgresTests {
    @Test func aServerOfOnesOwnComesBackAfterAKill() async throws {
        try await withTemporaryFolder { folder in
            let data = folder + "/below/data"
            try TreeMaker(folder).folder("below", mode: 0o700)
            try await withOwnPostgres(
                settings: ["work_mem=3MB"], initdb: ["--encoding=LATIN1", "--locale=C"], folder: data
            ) {
                own in
                let server = own.server
                #expect(
                    try await server.psql("SHOW work_mem; SHOW server_encoding; SHOW data_directory")
                        == "3MB\nLATIN1\n\(data)")
                try await server.psql("CREATE TABLE kept AS SELECT 1 AS n")
                try await own.kill()
                await #expect(throws: TestKitError.self) { try await server.psql("SELECT 1") }
                try await own.start()
                #expect(try await server.psql("SELECT n FROM kept") == "1")
                try await own.stop()
                try await own.start()
                let address = server.url("postgres")
                let refused = try await CommandRunner().run([
                    "\(server.binaries)/psql", "-w", "-c", "SELECT 1", address,
                ])
                #expect(refused.status == 2, "no password: \(refused)")
                let runner = CommandRunner(environment: ["PGPASSWORD": server.password])
                let allowed = try await runner.run([
                    "\(server.binaries)/psql", "-w", "-X", "-A", "-t", "-c", "SELECT 1", address,
                ])
                #expect(allowed.output == "1\n", "\(allowed)")
            }
        }
    }

    @Test(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
    func aContainerAnswersAndKeepsItsVolume() async throws {
        try await withEngine { engine in
            try await withVolume(engine) { volume in
                let plan: (inout ContainerPlan) -> Void = { plan in
                    plan.volumes[volume.name] = "/var/lib/postgresql/data"
                    plan.labels["some.label"] = "value"
                }
                try await withPostgresContainer(engine, user: "some one", database: "d'b \"1\"", plan) { postgres in
                    #expect(postgres.container.labels["some.label"] == "value")
                    let who = "SELECT current_user, current_database()"
                    #expect(try await postgres.psql(who) == "some one|d'b \"1\"")
                    try await postgres.psql(PostgresSample.sql)
                    #expect(try await postgres.psql(#"SELECT count(*) FROM "UPPER".same"#) == "3")
                }
                try await withPostgresContainer(engine, user: "some one", database: "d'b \"1\"", plan) { postgres in
                    #expect(try await postgres.psql(#"SELECT count(*) FROM "UPPER".same"#) == "3")
                    try await engine.stop(postgres.container.id)
                    #expect(try await engine.container(postgres.container.id).exitCode == 0)
                    try await engine.start(postgres.container.id)
                    try await postgres.waitUntilReady()
                }
            }
        }
    }

    @Test func theSampleHoldsWhatItSays() async throws {
        try await withPostgres { server in
            try await withDatabase(server, name: uniqueName("a=\"b\" '"), setup: PostgresSample.sql) { database in
                for (schema, table, rows) in PostgresSample.rows {
                    let name = "\(quotedName(schema)).\(quotedName(table))"
                    let found = try await server.psql("SELECT count(*) FROM ONLY \(name)", database: database)
                    #expect(found == String(rows), "\(name)")
                }
                let tables = """
                    SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
                    """
                #expect(try await server.psql(tables, database: database) == String(PostgresSample.rows.count))
                for (schema, table, rows) in PostgresSample.partitioned
                    + PostgresSample.materialised.compactMap({ view in view.rows.map { (view.schema, view.view, $0) } })
                {
                    let name = "\(quotedName(schema)).\(quotedName(table))"
                    let found = try await server.psql("SELECT count(*) FROM \(name)", database: database)
                    #expect(found == String(rows), "\(name)")
                }
                for (oid, bytes) in PostgresSample.largeObjects {
                    let found = try await server.psql("SELECT length(lo_get(\(oid)))", database: database)
                    #expect(found == String(bytes), "large object \(oid)")
                }
                let dump = try await server.dump(database)
                try await withDatabase(server, setup: dump) { copy in
                    let again = try await server.dump(copy)
                    #expect(again == dump)
                }
            }
        }
    }
}
