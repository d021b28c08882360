import Machine
import TestKit
import Testing

let needsPostgres = Comment(rawValue: RealPostgres.howToGetOne)

/// What a database of these tests holds.
enum Shop {
    static let sql = """
        CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL);
        INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 1000) n;
        CREATE TABLE orders (id serial PRIMARY KEY, customer integer REFERENCES customers, note text);
        INSERT INTO orders (customer, note) SELECT n, E'tab\\t, "quote", ''other'', \\\\. ü' FROM generate_series(1, 500) n;
        CREATE TABLE "Empty One" (nothing text);
        CREATE VIEW spenders AS SELECT name FROM customers JOIN orders ON customer = customers.id;
        """

    /// Customers, orders, and what is empty.
    static let tables = 3
    static let rows = 1500

    /// What somebody does to it by mistake.
    static let accident = """
        DELETE FROM orders WHERE id % 2 = 0; DROP TABLE "Empty One"; INSERT INTO customers VALUES (2000, 'since then');
        """

    /// Rows that take a moment to dump and to load, about 300 bytes each.
    static func bulk(_ rows: Int) -> String {
        "CREATE TABLE bulk AS SELECT n, repeat(md5(n::text), 10) AS filling FROM generate_series(1, \(rows)) n;\n"
    }
}

/// A host that backs up one database of the shared server, and nothing else.
struct ShopHost: Sendable {
    let demo: DemoHost
    let server: PostgresServer
    let database: String
    /// Every copy that a restore makes of the database has it as its comment.
    let mark: String

    var holdfast: CommandRunner { demo.holdfast }
}

/// A host for one test. Its entry `shop` is a database of the shared server, which is made by this SQL; all copies of it
/// are gone afterwards.
func withShop<Result: Sendable>(
    _ sql: String = Shop.sql, named name: String = uniqueName("shop"), more: String = "",
    isolation: isolated (any Actor)? = #isolation, _ change: @escaping (inout DemoConfiguration) -> Void = { _ in },
    _ body: (ShopHost) async throws -> Result
) async throws -> Result {
    let mark = uniqueName("mark")
    return try await withDemoHost { demo in
        try await withPostgres { server in
            let host = ShopHost(demo: demo, server: server, database: name, mark: mark)
            try demo.configure { configuration in
                configuration.onlyDatabases([server.entry("shop", name, more: more)])
                change(&configuration)
            }
            let setup = sql + "\nCOMMENT ON DATABASE \(quotedName(name)) IS '\(mark)';\n"
            do {
                let result = try await withDatabase(server, name: name, setup: setup) { _ in try await body(host) }
                try await host.dropCopies()
                return result
            } catch {
                try? await host.dropCopies()
                throw error
            }
        }
    }
}

extension DemoConfiguration {
    mutating func onlyDatabases(_ entries: [String]) {
        (include, files, databases) = ([], [], entries)
    }
}

extension PostgresServer {
    /// Two databases are alike when this is the same for both.
    func digest(of database: String) async throws -> String {
        let runner = CommandRunner(environment: environment.merging(["PGDATABASE": database]) { _, own in own })
        // Newer ones put a word that is never the same around it all.
        let script = #"set -o pipefail; "$0" | sed -E '/^\\(un)?restrict /d' | sha256sum"#
        let outcome = try await runner.run(["bash", "-c", script, "\(binaries)/pg_dump"])
        guard outcome.status == 0 else { throw TestKitError(description: "pg_dump: \(outcome)") }
        return outcome.output
    }

    func count(_ table: String, in database: String) async throws -> Int {
        Int(try await psql("SELECT count(*) FROM \(table)", database: database)) ?? -1
    }
}

// MARK: - What tests do on it

extension ShopHost {
    @discardableResult
    func backup(_ arguments: String...) async throws -> String {
        let outcome = try await holdfast.run([CommandRunner.binary, "backup", "--json"] + arguments)
        guard outcome.status == 0, let point = try outcome.json()["point"].string else {
            throw TestKitError(description: "the backup failed: \(outcome)")
        }
        return point
    }

    /// Restores without a question, and expects nothing of how that goes.
    func restore(_ arguments: String...) async throws -> CommandRunner.Outcome { try await restore(arguments) }

    func restore(_ arguments: [String]) async throws -> CommandRunner.Outcome {
        try await holdfast.run([CommandRunner.binary, "restore"] + arguments + ["--yes", "--key", demo.privateKey])
    }

    @discardableResult
    func psql(_ sql: String) async throws -> String { try await server.psql(sql, database: database) }

    /// All of the live database, as a digest of its text.
    func dump() async throws -> String { try await server.digest(of: database) }

    /// Databases that a restore made of this one, or left of it.
    func copies() async throws -> [String] { try await server.databases(marked: mark).filter { $0 != database } }

    fileprivate func dropCopies() async throws {
        for copy in try await copies() {
            try await server.psql("DROP DATABASE IF EXISTS \(quotedName(copy)) WITH (FORCE)")
        }
    }

    /// A file of a point.
    func file(_ point: String, _ name: String = "database.shop.dump.zst.gpg") -> String {
        "\(demo.backups)/\(point)/\(name)"
    }

    /// Expects that the live database holds this, and that nothing of a restore is left, also of one that was interrupted.
    func expectUntouched(_ dump: String, _ text: String = "", at location: SourceLocation = #_sourceLocation)
        async throws
    {
        #expect(try await self.dump() == dump, "\(text)", sourceLocation: location)
        #expect(try await copies() == [], "\(text)", sourceLocation: location)
        #expect(try demo.leftovers() == [], "\(text)", sourceLocation: location)
        #expect(demo.journal == "", "\(text)", sourceLocation: location)
        let records = try demo.has("state/restores") ? demo.names("state/restores") : []
        #expect(records == [], "\(text)", sourceLocation: location)
    }
}

/// The record of an item in what `backup --json` or `show --json` prints.
func item(_ name: String, in json: JSONValue) -> JSONValue {
    json["items"].all.first { $0["item"].string == name } ?? .null
}

func expectDone(_ outcome: CommandRunner.Outcome, at location: SourceLocation = #_sourceLocation) {
    #expect(outcome.status == 0, "\(outcome)", sourceLocation: location)
}
