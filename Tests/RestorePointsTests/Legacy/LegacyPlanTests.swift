import Archives
import Glibc
import Machine
import RestorePoints
import TestKit
import Testing

@Suite struct LegacyPlanTests {
    private let now = Timestamp(seconds: 1_765_400_000)  // 2025-12-10T20:53:20Z

    private func plan(
        _ files: [String: [UInt8]], within: Double? = 7 * 86_400, links: [String] = [],
        damage: ((LegacyArchive) throws -> String?)? = nil
    ) async throws -> LegacyPlan {
        try await withTemporaryFolder { path in
            for (name, bytes) in files { try Descriptor.folder(path).publish(name, bytes) }
            for link in links { #expect(symlink("nowhere", "\(path)/\(link)") == 0) }
            return try LegacyPlan(try LegacyCatalog(path).list(), in: path, within: within, now: now) { archive in
                guard let damage else { return try archive.damage(stop: StopSignal()) }
                return try damage(archive)
            }
        }
    }

    private func reasons(_ plan: LegacyPlan) -> [String: String] {
        Dictionary(plan.archives.map { ($0.archive.file, ($0.isKept ? "" : "removed: ") + $0.reason) }) { one, _ in one
        }
    }

    @Test func agesAreCountedFromTheNewestGoodOneOfTheSeries() async throws {
        let names = [
            "a-2025-11-20.sql", "a-2025-11-27.sql", "a-2025-12-03-000000.sql", "a-2025-12-05.sql", "b-2024-01-01.sql",
        ]
        let plan = try await plan(Dictionary(uniqueKeysWithValues: names.map { ($0, [1]) }))
        #expect(
            reasons(plan) == [
                "a-2025-11-20.sql": "removed: more than 7 d older than the newest good one",
                "a-2025-11-27.sql": "removed: more than 7 d older than the newest good one",
                "a-2025-12-03-000000.sql": "within 7 d of the newest good one",
                "a-2025-12-05.sql": "newest good one",
                "b-2024-01-01.sql": "within 7 d of the newest",
            ])
        #expect(plan.removed.map(\.file) == ["a-2025-11-20.sql", "a-2025-11-27.sql"])
    }

    @Test func withoutARuleOrADateNothingGoes() async throws {
        #expect(try await plan(["a-2024-01-01.sql": [1], "a-2025-12-01.sql": [1]], within: nil).removed == [])
        let undated = try await plan(["n8n_data.tar.gz": [1], "n8n_data-2025-12-01.tar.gz": [1]])
        #expect(undated.removed == [])
        #expect(reasons(undated)["n8n_data.tar.gz"] == "its name has no date: left alone")
    }

    /// HAZARDS, keeping: the older scripts wrote empty and cut files when a dump failed; those must not push out the good ones.
    @Test func brokenOnesCountForNoCopy() async throws {
        let good = try gzip(Array(repeating: 65, count: 100_000))
        let plan = try await plan([
            "a-2025-10-01.tar.gz": good, "a-2025-10-20.tar.gz": good, "a-2025-11-29.tar.gz": Array(good.dropLast(9)),
            "a-2025-12-01.tar.gz": [],
        ])
        let reasons = reasons(plan)
        #expect(reasons["a-2025-12-01.tar.gz"] == "counts for no copy: it is empty")
        #expect(reasons["a-2025-11-29.tar.gz"]?.hasPrefix("counts for no copy: ") == true)
        #expect(reasons["a-2025-10-20.tar.gz"] == "newest good one")
        #expect(plan.removed.map(\.file) == ["a-2025-10-01.tar.gz"])
    }

    /// A script that suddenly saves next to nothing writes archives that are whole.
    @Test func aSuddenDropIsSeenWhereSomethingWouldGo() async throws {
        func sized(_ count: Int) -> [UInt8] { Array("SELECT 1;".utf8) + Array(repeating: 10, count: count) }
        var files = [
            "a-2025-10-01.sql": sized(200_000), "a-2025-11-25.sql": sized(210_000), "a-2025-11-30.sql": sized(9000),
            "a-2025-12-01.sql": sized(9100), "b-2025-10-01.sql": sized(9000), "b-2025-12-01.sql": sized(100),
        ]
        let drops = try await plan(files).drops
        #expect(drops.map(\.before.file) == ["a-2025-11-25.sql"])
        #expect(drops.map(\.after.file) == ["a-2025-11-30.sql"])
        // It is over once there is as much again; and what goes nowhere is nobody's loss.
        files["a-2025-12-02.sql"] = sized(150_000)
        #expect(try await plan(files).drops == [])
        files["a-2025-12-02.sql"] = nil
        files["a-2025-10-01.sql"] = nil
        #expect(try await plan(files).drops == [])
    }

    /// What `pg_dump | gzip` leaves when pg_dump failed, and what a shell leaves of a program that it did not find.
    @Test func oneWithNothingInItOrOfAnotherKindIsBroken() async throws {
        let good = try gzip([65])
        let plan = try await plan([
            "a-2025-01-01.sql.gz": good, "a-2025-02-01.sql.gz": good, "a-2025-11-30.sql.gz": Array("not found".utf8),
            "a-2025-12-01.sql.gz": try gzip([]),
        ])
        let reasons = reasons(plan)
        #expect(reasons["a-2025-12-01.sql.gz"] == "counts for no copy: nothing is in it")
        #expect(reasons["a-2025-11-30.sql.gz"] == "counts for no copy: it is not compressed, as its name says it is")
        #expect(plan.removed.map(\.file) == ["a-2025-01-01.sql.gz"])
    }

    @Test func whereNoneIsGoodNothingGoes() async throws {
        let files = Dictionary(
            uniqueKeysWithValues: (1...9).map { ("a-2025-0\($0)-01.sql.gpg", Array("no packet".utf8)) })
        #expect(try await plan(files).removed == [])
    }

    @Test func anEncryptedOneWhosePacketsAreCutIsBroken() async throws {
        // A session key for a hidden recipient, and integrity-protected data of 40 bytes.
        let message: [UInt8] =
            [0xc1, 12, 3] + Array(repeating: 0, count: 8) + [1, 0, 0] + [0xd2, 40, 1]
            + Array(repeating: 7, count: 39)
        let plan = try await plan([
            "a-2025-01-01.sql.gpg": message, "a-2025-02-01.sql.gpg": message,
            "a-2025-12-01.sql.gpg": Array(message.dropLast()),
        ])
        #expect(reasons(plan)["a-2025-02-01.sql.gpg"] == "newest good one")
        #expect(plan.removed.map(\.file) == ["a-2025-01-01.sql.gpg"])
    }

    @Test func noMoreIsReadThanHasToBe() async throws {
        let files = Dictionary(uniqueKeysWithValues: (1...9).map { ("a-2025-0\($0)-01.sql", [1] as [UInt8]) })
        var read: [String] = []
        _ = try await plan(files) { archive in
            read.append(archive.file)
            return archive.file.contains("-09-") ? "broken" : nil
        }
        #expect(read == ["a-2025-09-01.sql", "a-2025-08-01.sql"])
        read = []
        _ = try await plan(files, within: 400 * 86_400) {
            read.append($0.file)
            return nil
        }
        #expect(read == [])
    }

    @Test func aDateInTheFutureMustNotPushOutWhatIsReal() async throws {
        let plan = try await plan(["a-2025-12-01.sql": [1], "a-2025-12-05.sql": [1], "a-2035-12-05.sql": [1]])
        #expect(plan.removed == [])
        #expect(reasons(plan)["a-2035-12-05.sql"] == "dated in the future: left alone")
    }

    @Test func linksAreLeftAloneAndSaid() async throws {
        let plan = try await plan(
            ["a-2025-12-01.sql": [1]], links: ["a-2020-01-01.sql", "a-latest.sql", "elsewhere"])
        #expect(plan.strangers == ["a-2020-01-01.sql", "a-latest.sql"])
        #expect(plan.archives.map(\.archive.file) == ["a-2025-12-01.sql"])
    }

    @Test func aFolderThatIsNotThereIsNoEmptyOne() {
        do {
            _ = try LegacyCatalog("/nowhere/at/all").list()
            Issue.record("it was listed")
        } catch {
            #expect(explain(error).code == "point.no-directory")
            #expect(explain(error).remedy?.contains("backup.legacy") == true)
        }
    }

    @Test func anotherFileOfTheSameNameIsNotRemoved() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            try folder.publish("a-2025-12-01.sql", [1])
            let catalog = LegacyCatalog(path)
            let archive = try #require(try catalog.list().archives.first)
            try folder.publish("a-2025-12-01.sql", [1, 2], replacing: true)
            #expect(throws: RestorePointError.self) { try catalog.remove(archive) }
            try catalog.remove(try #require(try catalog.list().archives.first))
            #expect(try folder.names() == [])
        }
    }
}

private func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
    let sink = Kept()
    try CompressedStream.compress(
        Given(bytes), .gzip(level: 6), to: sink, meter: Meter(), stop: StopSignal())
    return sink.bytes
}

private final class Kept: ByteSink {
    var bytes: [UInt8] = []
    func write(_ bytes: UnsafeRawBufferPointer) { self.bytes += bytes }
}

private final class Given: ByteSource {
    private var rest: ArraySlice<UInt8>
    init(_ bytes: [UInt8]) { rest = bytes[...] }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let next = rest.prefix(buffer.count)
        buffer.copyBytes(from: next)
        rest = rest.dropFirst(next.count)
        return next.count
    }
}
