import Glibc
import Machine
import RestorePoints
import TestKit
import Testing

@Suite struct CatalogTests {
    private func plant(_ directory: String, _ name: String, _ items: [(String, ItemOutcome)] = []) throws {
        var records: [Manifest.ItemRecord] = []
        var archives: [Manifest.Archive] = []
        for (text, outcome) in items {
            var record = Manifest.ItemRecord(item: try #require(Item(text)), outcome: outcome)
            if outcome != .failed {
                record.archive = text
                archives.append(.init(file: text, size: 1, sha256: Digest.of([]).description, keys: []))
            }
            records.append(record)
        }
        let point = try pointName(name)
        let manifest = Manifest(
            host: hostID, point: point, started: point.moment, finished: point.moment, previous: nil, recipients: [],
            archives: archives, items: records, holdfast: "0")
        try makeFolders("\(directory)/\(name)")
        try Descriptor.folder("\(directory)/\(name)").publish(Manifest.fileName, try JSON.write(manifest))
    }

    private func code(_ body: () throws -> Void) -> String? {
        do { try body() } catch { return explain(error).code }
        return nil
    }

    @Test func emptyOrMissingDirectoryHoldsNoPoints() async throws {
        try await withTemporaryFolder { path in
            for catalog in [Catalog(path), Catalog(path + "/missing")] {
                #expect(try catalog.points().isEmpty)
                #expect(try catalog.unfinished() == [])
                #expect(try catalog.newest(whole: Item(.volume, "a")) == nil)
                #expect(code { _ = try catalog.point("latest") } == "point.none")
                #expect(code { _ = try catalog.point("2026-11-22T020000Z") } == "point.none")
            }
            try Descriptor.folder(path).publish("file", [])
            #expect(throws: MachineError.self) { try Catalog(path + "/file").points() }
        }
    }

    @Test func pointsComeOldestFirstAndTheNewestIsLatest() async throws {
        try await withTemporaryFolder { path in
            for name in ["2026-11-23T020000Z", "2025-01-01T000000Z", "2026-11-22T020000Z"] { try plant(path, name) }
            try makeFolders(path + "/2027-01-01T000000Z.partial")
            try makeFolders(path + "/lost+found")
            try Descriptor.folder(path).publish("host.asc", [1])
            let catalog = Catalog(path)
            #expect(
                try catalog.points().map(\.name.description) == [
                    "2025-01-01T000000Z", "2026-11-22T020000Z", "2026-11-23T020000Z",
                ])
            #expect(try catalog.point("latest").name.description == "2026-11-23T020000Z")
            #expect(try catalog.unfinished() == ["2027-01-01T000000Z.partial"])
            let point = try catalog.point("2026-11-22T020000Z")
            #expect(point.path == path + "/2026-11-22T020000Z")
            #expect(point.digest == Digest.of(try #require(contents(of: point.path + "/manifest.json"))))
        }
    }

    @Test func pointThatIsMissingNamesTheNearest() async throws {
        try await withTemporaryFolder { path in
            let names = [
                "2024-01-01T000000Z", "2025-01-01T000000Z", "2025-02-01T000000Z", "2025-03-01T000000Z",
                "2026-01-01T000000Z", "2026-02-01T000000Z",
            ]
            for name in names { try plant(path, name) }
            func remedy(_ wanted: String) -> String {
                do {
                    _ = try Catalog(path).point(wanted)
                    return ""
                } catch {
                    #expect(explain(error).code == "point.missing")
                    return explain(error).remedy ?? ""
                }
            }
            #expect(remedy("2025-02-02T000000Z").contains(names[1...3].joined(separator: ", ")))
            #expect(remedy("1990-01-01T000000Z").contains(names[0...2].joined(separator: ", ")))
            #expect(remedy("last").contains(names[3...5].joined(separator: ", ")))
            #expect(remedy("../../etc").contains(names[3...5].joined(separator: ", ")))
            #expect(remedy("last").contains("holdfast list"))
        }
    }

    @Test func pointThatCannotBeReadIsListedAsSuch() async throws {
        try await withTemporaryFolder { path in
            try plant(path, "2026-01-01T000000Z", [("volume.a", .whole)])
            try makeFolders(path + "/2026-01-02T000000Z")
            try Descriptor.folder(path).publish("2026-01-03T000000Z", [])
            #expect(symlink("2026-01-01T000000Z", path + "/2026-01-04T000000Z") == 0)
            for (day, content) in [
                ("05", ""), ("06", "{"), ("07", goldenManifest), ("08", String(repeating: " ", count: (16 << 20) + 1)),
            ] {
                try makeFolders(path + "/2026-01-\(day)T000000Z")
                try Descriptor.folder(path + "/2026-01-\(day)T000000Z").publish(Manifest.fileName, Array(content.utf8))
            }
            try makeFolders(path + "/2026-01-09T000000Z/manifest.json")
            try makeFolders(path + "/2026-01-10T000000Z")
            #expect(mkfifo(path + "/2026-01-10T000000Z/manifest.json", 0o600) == 0)
            try makeFolders(path + "/2026-01-11T000000Z")
            #expect(symlink("../2026-01-01T000000Z/manifest.json", path + "/2026-01-11T000000Z/manifest.json") == 0)
            let points = try Catalog(path).points()
            #expect(points.count == 11)
            for point in points.dropFirst() {
                guard case .failure(let error) = point.manifest else {
                    Issue.record("\(point.name) was read")
                    continue
                }
                #expect(error.place?.contains(point.name.description) == true, "\(error)")
                #expect(
                    error.code
                        == (point.name.description.hasPrefix("2026-01-07") ? "point.renamed" : "point.unreadable"))
            }
            if case .failure(let error) = points[7].manifest { #expect(error.what.contains("16.0 MiB")) }
            // What can be read is found all the same.
            #expect(try Catalog(path).newest(whole: Item(.volume, "a"))?.name.description == "2026-01-01T000000Z")
        }
    }

    /// HAZARDS: only whole counts.
    @Test func newestWholeSkipsWhatIsTornOrFailed() async throws {
        try await withTemporaryFolder { path in
            try plant(path, "2026-01-01T000000Z", [("volume.a", .whole), ("volume.b", .torn)])
            try plant(path, "2026-01-02T000000Z", [("volume.a", .whole), ("volume.b", .failed)])
            try plant(path, "2026-01-03T000000Z", [("volume.a", .torn)])
            try plant(path, "2026-01-04T000000Z", [("volume.a", .failed)])
            try plant(path, "2026-01-05T000000Z", [("files.a", .whole)])
            try makeFolders(path + "/2026-01-06T000000Z")
            let catalog = Catalog(path)
            #expect(try catalog.newest(whole: Item(.volume, "a"))?.name.description == "2026-01-02T000000Z")
            #expect(try catalog.newest(whole: Item(.volume, "b")) == nil)
            #expect(try catalog.newest(whole: Item(.files, "a"))?.name.description == "2026-01-05T000000Z")
        }
    }

    @Test func theWholeBackupDirectoryMayBeALink() async throws {
        try await withTemporaryFolder { path in
            try plant(path + "/disk", "2026-01-01T000000Z")
            #expect(symlink("disk", path + "/points") == 0)
            #expect(try Catalog(path + "/points").points().count == 1)
        }
    }
}
