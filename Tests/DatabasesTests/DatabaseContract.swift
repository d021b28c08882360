import Databases
import Machine
import Synchronization
import TestKit
import Testing

/// Where an engine's databases live, and what another program has there: means of its own to make, fill and read them.
protocol ContractHost: Sendable {
    /// The engine that is asked about this database.
    func engine(for database: String) -> any DatabaseEngine
    /// Runs SQL that every engine understands; returns the rows, one a line.
    func sql(_ statements: String, in database: String) async throws -> String
    func create(_ database: String) async throws
    /// Does nothing if it is not there.
    func remove(_ database: String) async throws
    /// What of ours still runs or lies about for this database.
    func leftovers(of database: String) async throws -> [String]
    /// A name for a database that nothing else has.
    func freshName() -> String
    /// Endings of names that are hard to write down.
    var awkwardEndings: [String] { get }
    /// What begins a transaction that writes.
    var begin: String { get }
}

/// What is asked of every engine: one check, that each runs at its own host.
struct DatabaseContract: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let run: @Sendable (any ContractHost) async throws -> Void

    private init(_ name: String, _ run: @escaping @Sendable (any ContractHost) async throws -> Void) {
        testDescription = name
        self.run = run
    }

    static let checks = [
        DatabaseContract("a survey lists what is there", survey),
        DatabaseContract("what was dumped is loaded, and counted", roundTrip),
        DatabaseContract("a dump that is not read to its end is none", halfRead),
        DatabaseContract("a load that is not what was saved is refused", mismatch),
        DatabaseContract("an exchange keeps the former, and can be undone", exchange),
        DatabaseContract("a database that is gone is put back", exchangeWithoutLive),
        DatabaseContract("a database that is not there", notThere),
        DatabaseContract("names that are hard to write down", awkwardNames),
        DatabaseContract("a dump is of one moment", oneMoment),
        DatabaseContract("a failure leaves nothing running", failure),
        DatabaseContract("a cancelled dump leaves nothing running", cancelled),
    ]

    // MARK: - Checks

    @Sendable private static func survey(_ host: any ContractHost) async throws {
        let name = host.freshName()
        let before = try await host.engine(for: name).survey()
        #expect(!before.databases.contains { $0.name == name })
        #expect(!before.version.isEmpty)
        try await withLive(host, name) { live in
            let after = try await host.engine(for: live).survey()
            let found = after.databases.first { $0.name == live }
            #expect(found?.isOpen == true)
            #expect((found?.size.bytes ?? 0) > 4096)
        }
    }

    @Sendable private static func roundTrip(_ host: any ContractHost) async throws {
        try await withLive(host) { live in
            let engine = host.engine(for: live)
            let dump = try await engine.dumped(live)
            #expect(dump.facts["numbers"] == 1000)
            #expect(dump.facts["vacant"] == 0)
            #expect(dump.facts.tables.count == 2)
            #expect(dump.facts.rows == 1000)
            #expect(dump.facts.database == live)
            #expect(dump.facts.differences(from: try await engine.facts(of: live)) == [])
            _ = try await host.sql("INSERT INTO numbers VALUES (1001);", in: live)

            let (staged, _) = engine.freshNames(for: live)
            try await withStaged(engine, staged) {
                let loaded = try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                #expect(loaded.tables == dump.facts.tables)
                #expect(loaded.differences(from: dump.facts) == [])
                #expect(try await host.sql("SELECT sum(n) FROM numbers;", in: live) == "501501")
                #expect(try await host.sql("SELECT sum(n) FROM numbers;", in: staged) == "500500")
                let survey = try await engine.survey()
                #expect(!survey.databases.contains { $0.name == staged }, "no backup is about what is being restored")
                let again = try await engine.dumped(staged)
                #expect(again.facts.tables == dump.facts.tables)
            }
            #expect(try await engine.identities(of: [staged]) == [:])
            try await expectNothingLeft(host, live)
        }
    }

    @Sendable private static func halfRead(_ host: any ContractHost) async throws {
        try await withLive(host) { live in
            let engine = host.engine(for: live)
            await #expect(throws: DatabaseError.self) {
                _ = try await engine.dump(live) { source in
                    try await onThread("half") { _ in try firstBytes(of: source, 100) }
                }
            }
            try await expectNothingLeft(host, live)
        }
    }

    @Sendable private static func mismatch(_ host: any ContractHost) async throws {
        try await withLive(host) { live in
            let engine = host.engine(for: live)
            let dump = try await engine.dumped(live)
            var oneRowMore = dump.facts
            oneRowMore.tables[0].rows = (oneRowMore.tables[0].rows ?? 0) + 1
            var oneTableMore = dump.facts
            oneTableMore.tables.append(
                TableRows(TableName(schema: oneTableMore.tables[0].table.schema, name: "lost"), rows: 3))
            var oneTableLess = dump.facts
            oneTableLess.tables.removeLast()
            for (facts, word) in [
                (oneRowMore, "rows, not"), (oneTableMore, "lost is missing"), (oneTableLess, "was not saved"),
            ] {
                let (staged, _) = engine.freshNames(for: live)
                try await withStaged(engine, staged) {
                    await expectRefusal(.mismatch, saying: [word]) {
                        try await engine.load(dump.bytes, as: staged, like: facts, for: live)
                    }
                }
                #expect(try await engine.identities(of: [staged]) == [:])
            }
            #expect(try await engine.facts(of: live).tables == dump.facts.tables)
        }
    }

    @Sendable private static func exchange(_ host: any ContractHost) async throws {
        try await withLive(host) { live in
            let engine = host.engine(for: live)
            let dump = try await engine.dumped(live)
            _ = try await host.sql("INSERT INTO numbers VALUES (1001);", in: live)
            let count = "SELECT count(*) FROM numbers;"
            let (staged, former) = engine.freshNames(for: live)
            try await withStaged(engine, staged, former) {
                try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                let before = try await engine.identities(of: [live, staged, former])
                let (old, new) = (before[live], before[staged])
                #expect(old != nil && new != nil && old != new)

                try await engine.exchange(live, with: staged, keeping: former)
                #expect(try await host.sql(count, in: live) == "1000")
                #expect(try await engine.identities(of: [live, staged, former]) == [live: new, former: old])
                let survey = try await engine.survey()
                #expect(survey.databases.map(\.name).filter { [live, staged, former].contains($0) } == [live])

                try await engine.exchange(live, with: former, keeping: staged)
                #expect(try await host.sql(count, in: live) == "1001")
                #expect(try await engine.identities(of: [live, staged, former]) == [live: old, staged: new])

                try await engine.exchange(live, with: staged, keeping: former)
                try await engine.drop(former)
                #expect(try await engine.identities(of: [live, staged, former]) == [live: new])
                #expect(try await engine.facts(of: live).tables == dump.facts.tables)
                _ = try await host.sql("INSERT INTO numbers VALUES (1001);", in: live)
            }
        }
    }

    @Sendable private static func exchangeWithoutLive(_ host: any ContractHost) async throws {
        try await withLive(host) { live in
            let engine = host.engine(for: live)
            let dump = try await engine.dumped(live)
            try await host.remove(live)
            let (staged, _) = engine.freshNames(for: live)
            try await withStaged(engine, staged) {
                try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                try await engine.exchange(live, with: staged, keeping: nil)
                #expect(try await host.sql("SELECT sum(n) FROM numbers;", in: live) == "500500")
                #expect(try await engine.identities(of: [live, staged]).keys.sorted() == [live])
            }
        }
    }

    @Sendable private static func notThere(_ host: any ContractHost) async throws {
        let name = host.freshName()
        let engine = host.engine(for: name)
        try await engine.drop(name)
        try await engine.drop(engine.freshNames(for: name).staged)
        #expect(try await engine.identities(of: [name]) == [:])
        for ask in [
            { _ = try await engine.dumped(name) }, { _ = try await engine.facts(of: name) },
            { try await engine.exchange(name, with: name + "-other", keeping: nil) },
        ] as [@Sendable () async throws -> Void] {
            do {
                try await ask()
                Issue.record("there is no \(name)")
            } catch {
                #expect("\(error)".contains(name), "\(error)")
            }
        }
        #expect(try await engine.identities(of: [name]) == [:])
        try await expectNothingLeft(host, name)
    }

    @Sendable private static func awkwardNames(_ host: any ContractHost) async throws {
        for ending in host.awkwardEndings {
            try await withLive(host, host.freshName() + ending) { live in
                let engine = host.engine(for: live)
                #expect(try await engine.survey().databases.contains { $0.name == live })
                let dump = try await engine.dumped(live)
                #expect(dump.facts["numbers"] == 1000)
                _ = try await host.sql("DELETE FROM numbers;", in: live)
                let (staged, former) = engine.freshNames(for: live)
                try await withStaged(engine, staged, former) {
                    try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                    try await engine.exchange(live, with: staged, keeping: former)
                    #expect(try await host.sql("SELECT sum(n) FROM numbers;", in: live) == "500500")
                    try await engine.exchange(live, with: former, keeping: staged)
                    #expect(try await engine.facts(of: live)["numbers"] == 0)
                    try await engine.drop(staged)
                    try await engine.drop(live)
                    #expect(try await engine.identities(of: [live, staged, former]) == [:])
                }
            }
        }
    }

    @Sendable private static func oneMoment(_ host: any ContractHost) async throws {
        try await withLive(host, host.freshName(), pairs) { live in
            let engine = host.engine(for: live)
            let progress = Progress()
            let round = (1...20).map { _ in
                "\(host.begin); INSERT INTO a VALUES ('more'); INSERT INTO b VALUES ('more'); COMMIT;"
            }.joined(separator: "\n")
            async let writing: Void = {
                while !progress.isOver {
                    _ = try await host.sql(round, in: live)
                    progress.step()
                }
            }()
            let dump: Dumped
            do {
                defer { progress.end() }
                try await progress.goesOn()
                let (bytes, facts) = try await engine.dump(live) { source in
                    var bytes = try await onThread("first") { _ in try firstBytes(of: source, 1) }
                    try await progress.goesOn()
                    bytes += try await onThread("rest") { _ in try source.readAll(limit: 1 << 30) }
                    return bytes
                }
                dump = Dumped(bytes: bytes, facts: facts)
                try await progress.goesOn()
            }
            try await writing
            let rows = dump.facts["a"] ?? -1
            #expect(rows > 2000)
            #expect(dump.facts["b"] == rows)
            let now = try await engine.facts(of: live)
            #expect(now["a"] == now["b"] && now["a"] ?? 0 > rows)
            let (staged, _) = engine.freshNames(for: live)
            try await withStaged(engine, staged) {
                let loaded = try await engine.load(dump.bytes, as: staged, like: dump.facts, for: live)
                #expect(loaded["a"] == rows && loaded["b"] == rows)
                let both = "SELECT (SELECT count(*) FROM a) - (SELECT count(*) FROM b);"
                #expect(try await host.sql(both, in: staged) == "0")
            }
        }
    }

    @Sendable private static func failure(_ host: any ContractHost) async throws {
        struct Stumble: Error {}
        try await withLive(host, host.freshName(), pairs) { live in
            let engine = host.engine(for: live)
            await #expect(throws: Stumble.self) {
                _ = try await engine.dump(live) { source in
                    _ = try await onThread("first") { _ in try firstBytes(of: source, 1) }
                    throw Stumble()
                }
            }
            try await expectNothingLeft(host, live)
            let dump = try await engine.dumped(live)
            let (staged, _) = engine.freshNames(for: live)
            try await withStaged(engine, staged) {
                await #expect(throws: Stumble.self) {
                    _ = try await engine.load(staged, like: dump.facts, for: live) { sink in
                        try await onThread("half") { _ in try sink.write(Array(dump.bytes.prefix(dump.bytes.count / 2)))
                        }
                        throw Stumble()
                    }
                }
                try await expectNothingLeft(host, live)
                try await expectNothingLeft(host, staged)
            }
            #expect(try await engine.identities(of: [staged]) == [:])
            #expect(try await engine.facts(of: live).tables == dump.facts.tables)
        }
    }

    @Sendable private static func cancelled(_ host: any ContractHost) async throws {
        try await withLive(host, host.freshName(), pairs) { live in
            let engine = host.engine(for: live)
            let progress = Progress()
            let task = Task {
                _ = try await engine.dump(live) { source in
                    _ = try await onThread("first") { _ in try firstBytes(of: source, 1) }
                    progress.step()
                    try await Task.sleep(for: .seconds(60))
                }
            }
            try await progress.goesOn(from: 0)
            task.cancel()
            let start = monotonicSeconds()
            await #expect(throws: (any Error).self) { try await task.value }
            #expect(monotonicSeconds() - start < 30)
            try await expectNothingLeft(host, live)
            #expect(try await engine.facts(of: live)["a"] == 2000)
        }
    }

    // MARK: - Parts

    private static let setup = """
        CREATE TABLE numbers (n integer);
        WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 1000)
          INSERT INTO numbers SELECT i FROM s;
        CREATE TABLE vacant (n integer);
        """

    /// Two tables with as many rows each; more bytes than pipes hold.
    private static let pairs = """
        CREATE TABLE a (x text); CREATE TABLE b (x text);
        WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 2000)
          INSERT INTO a SELECT '\(String(repeating: "some text ", count: 100))' FROM s;
        INSERT INTO b SELECT x FROM a;
        """

    private static func withLive(
        _ host: any ContractHost, _ name: String? = nil, _ statements: String? = nil,
        _ body: (String) async throws -> Void
    ) async throws {
        let name = name ?? host.freshName()
        try await host.create(name)
        try await afterwards {
            _ = try await host.sql(statements ?? setup, in: name)
            try await body(name)
        } always: {
            try await host.remove(name)
        }
    }

    /// What a restore makes is dropped by the engine itself.
    private static func withStaged(
        _ engine: any DatabaseEngine, _ names: String..., body: () async throws -> Void
    ) async throws {
        try await afterwards(body) { for name in names { try await engine.drop(name) } }
    }

    private static func expectNothingLeft(
        _ host: any ContractHost, _ database: String, _ location: SourceLocation = #_sourceLocation
    ) async throws {
        var left: [String] = []
        let isClean = try await eventually {
            left = try await host.leftovers(of: database)
            return left.isEmpty
        }
        #expect(isClean, "\(left)", sourceLocation: location)
    }
}

/// How far something beside the test has come.
private final class Progress: Sendable {
    private let steps = Mutex(0)
    private let over = Mutex(false)

    var isOver: Bool { over.withLock { $0 } }
    func end() { over.withLock { $0 = true } }
    func step() { steps.withLock { $0 += 1 } }

    /// Waits for more steps than there were.
    func goesOn(from seen: Int? = nil) async throws {
        let seen = seen ?? steps.withLock { $0 + 1 }
        let goesOn = try await eventually(within: 60) { steps.withLock { $0 } > seen }
        #expect(goesOn, "nothing happens beside it")
    }
}

/// Reads so many bytes, or fewer at the end.
func firstBytes(of source: any ByteSource, _ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
        var part = [UInt8](repeating: 0, count: count - bytes.count)
        let read = try part.withUnsafeMutableBytes { try source.read(into: $0) }
        if read == 0 { break }
        bytes += part.prefix(read)
    }
    return bytes
}
