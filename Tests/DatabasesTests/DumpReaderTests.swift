import Databases
import Glibc
import TestKit
import Testing

@Suite struct DumpReaderTests {
    @Test(arguments: 12...16) func readsEveryVersion(minorVersion: Int) throws {
        let summary = try read(SampleDump(minorVersion: minorVersion).bytes)
        #expect(summary.database == "shop")
        #expect(summary.made == "2026-11-23T04:05:06")
        #expect(summary.serverVersion == "15.8 (Debian)")
        #expect(summary.dumpVersion == "1.\(minorVersion) (test)")
        #expect(summary.entries == 6)
        #expect(
            summary.tables == [
                .init(name: TableName(schema: "My Schema", name: "Ünï"), rows: 3, bytes: 17),
                .init(name: TableName(schema: "public", name: "empty"), rows: 0, bytes: 0),
            ])
        #expect(summary.rows == 3)
        #expect(summary.announced == summary.tables.map(\.name))
        #expect(summary.largeObjects == 2)
        #expect(summary.owners == ["app", "postgres"])
        #expect(summary.tablespaces == ["fast"])
        #expect(summary.bytes == Int64(SampleDump(minorVersion: minorVersion).bytes.count))
    }

    @Test func splitsDoNotMatter() throws {
        let dump = SampleDump().bytes
        let whole = try read(dump)
        for size in 1...40 { #expect(try read(dump, pieces: size) == whole, "pieces of \(size)") }
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            var reader = DumpReader()
            var rest = dump[...]
            while !rest.isEmpty {
                let part = Int.random(in: 0...min(90, rest.count), using: &random)
                try reader.take(Array(rest.prefix(part)))
                rest = rest.dropFirst(part)
            }
            #expect(try reader.finish() == whole, "seed \(seed)")
        }
    }

    /// Rows of every length, in chunks that need not be rows.
    @Test func countsWhateverTheChunks() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<100 {
            let rows = (0..<Int.random(in: 0...50, using: &random)).map { _ in
                [UInt8](
                    repeating: UInt8.random(in: 11...255, using: &random), count: .random(in: 0...40, using: &random))
                    + [0x0a]
            }
            var data = rows.flatMap(\.self) + Array("\\.\n\n\n".utf8)
            var chunks: [[UInt8]] = []
            while !data.isEmpty {
                let part = Int.random(in: 1...30, using: &random)
                chunks.append(Array(data.prefix(part)))
                data.removeFirst(min(part, data.count))
            }
            var dump = DumpEncoder(minorVersion: 14)
            dump.header()
            dump.int(1)
            dump.entry(7, "TABLE DATA", "t", hasData: true)
            dump.data(7, chunks)
            let summary = try read(dump.bytes, pieces: Int.random(in: 1...200, using: &random))
            #expect(summary.tables.map(\.rows) == [Int64(rows.count)], "seed \(seed)")
            #expect(summary.tables.map(\.bytes) == [Int64(rows.reduce(0) { $0 + $1.count })], "seed \(seed)")
        }
    }

    @Test func aDumpOfNothingIsWhole() throws {
        var dump = DumpEncoder(minorVersion: 16)
        dump.header()
        dump.int(0)
        #expect(try read(dump.bytes).tables.isEmpty)
    }

    @Test func namesAreWrittenAsInSQL() {
        #expect(TableName(schema: "public", name: "users_2").description == "public.users_2")
        #expect(TableName(schema: "My Schema", name: "Ünï").description == "\"My Schema\".\"Ünï\"")
        #expect(TableName(schema: "", name: "a\"b").description == "\"a\"\"b\"")
        #expect(TableName(schema: "1st", name: "").description == "\"1st\".\"\"")
        #expect(TableName(schema: "a", name: "z") < TableName(schema: "b", name: "a"))
    }

    /// 1 GB/s is wanted on one core; the limit leaves room for a machine that is busy with other tests.
    @Test func isFast() throws {
        let row = Array("42\t\(String(repeating: "x", count: 90))\n".utf8)
        var dump = DumpEncoder(minorVersion: 14)
        dump.header()
        dump.int(1)
        dump.entry(7, "TABLE DATA", "t", hasData: true)
        dump.data(7, [[UInt8]](repeating: row, count: 200_000) + [Array("\\.\n\n\n".utf8)])
        var best = Duration.seconds(1000)
        for _ in 0..<5 {
            var rows: Int64 = 0
            best = min(best, try ContinuousClock().measure { rows = try read(dump.bytes, pieces: 1 << 18).rows })
            #expect(rows == 200_000)
        }
        print("DumpReader: \(dump.bytes.count) bytes in \(best)")
        #expect(best < .milliseconds(100))
    }

    @Test(.enabled(if: RealPostgres.isAvailable, Comment(rawValue: RealPostgres.howToGetOne)))
    func agreesWithTheServer() async throws {
        try await ScratchCluster.with { cluster in
            try await cluster.sql("CREATE ROLE app; CREATE DATABASE shop;")
            try await cluster.sql(Self.shop, in: "shop")
            let arguments = ["-Fc", "-Z0", "shop"]
            let dump = try await cluster.client("pg_dump", arguments)
            let summary = try read(dump, pieces: 1000)
            #expect(summary.database == "shop")
            #expect(summary.owners.contains("app") && summary.owners.contains("postgres"))
            #expect(summary.largeObjects == 3)
            #expect(summary.bytes == Int64(dump.count))
            var rows: [String: Int64] = [:]
            for table in summary.tables { rows[table.name.description] = table.rows }
            #expect(
                rows == [
                    "public.users": 1004, "public.empty": 0, "public.nocols": 2, "\"My Schema\".\"Ünï \"\"x\"\"\"": 2,
                    "public.part1": 50, "public.ul": 1,
                ])
            #expect(Set(summary.announced) == Set(summary.tables.map(\.name)))

            // A file is written with the blocks' places put in afterwards.
            let file = try await withTemporaryFolder { folder in
                try await cluster.client("pg_dump", arguments + ["-f", "\(folder)/shop.dump"])
                return contents(of: "\(folder)/shop.dump")
            }
            #expect(try read(try #require(file)).tables == summary.tables)

            let schema = try await cluster.client("pg_dump", ["-Fc", "-Z0", "-s", "shop"])
            #expect(try read(schema).tables.isEmpty)

            let compressed = try await cluster.client("pg_dump", ["-Fc", "shop"])
            #expect(code { _ = try read(compressed) } == "dump.compressed")
            let tar = try await cluster.client("pg_dump", ["-Ft", "shop"])
            #expect(code { _ = try read(tar) } == "dump.not-a-dump")
            for end in stride(from: 0, to: dump.count, by: 7) {
                #expect(code { _ = try read(Array(dump[..<end])) } == "dump.cut", "cut at \(end)")
            }
        }
    }

    static let shop = #"""
        CREATE SCHEMA "My Schema";
        CREATE TABLE users(id serial PRIMARY KEY, name text, j jsonb, b bytea);
        INSERT INTO users(name, j, b)
            SELECT 'user ' || i, '{"a":"x\\ny"}', decode('5c2e0a', 'hex') FROM generate_series(1, 1000) i;
        INSERT INTO users(name) VALUES (E'line\nbreak\\.\n\\.\ntab\t'), ('\.'), (NULL), ('');
        CREATE TABLE empty(a int);
        CREATE TABLE nocols();
        INSERT INTO nocols DEFAULT VALUES; INSERT INTO nocols DEFAULT VALUES;
        CREATE TABLE "My Schema"."Ünï ""x"""("a b" text);
        INSERT INTO "My Schema"."Ünï ""x""" VALUES ('\! echo'), (E'\\. ');
        CREATE TABLE part(id int, d date) PARTITION BY RANGE (id);
        CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (100);
        INSERT INTO part SELECT i, now() FROM generate_series(0, 49) i;
        CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM users;
        CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $f$ begin return '\! rm -rf /' || $$a$$; end $f$;
        CREATE RULE r AS ON DELETE TO empty DO ALSO (DELETE FROM nocols; DELETE FROM part);
        COMMENT ON TABLE users IS 'it''s \ -- a /* comment';
        SELECT lo_from_bytea(0, decode(repeat('00ff0a5c', 20000), 'hex')), lo_from_bytea(0, 'x'), lo_create(0);
        ALTER TABLE users OWNER TO app;
        CREATE UNLOGGED TABLE ul(a int); INSERT INTO ul VALUES (1);
        CREATE VIEW v AS SELECT (ARRAY[1, 2, 3])[1:id] AS s FROM users;

        """#
}

/// Reads a whole dump in pieces.
func read(_ dump: [UInt8], pieces: Int = .max, limits: DumpReader.Limits = .init()) throws -> DumpSummary {
    var reader = DumpReader(limits: limits)
    try dump.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
            try reader.take(UnsafeRawBufferPointer(rebasing: rest.prefix(pieces)))
            rest = rest.dropFirst(pieces)
        }
    }
    return try reader.finish()
}

/// The code of the error that it throws; nil if it throws none.
func code(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch let error as DumpError {
        return error.code
    } catch {
        return "\(error)"
    }
}
