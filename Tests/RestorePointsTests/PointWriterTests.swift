import Glibc
import Machine
import RestorePoints
import TestKit
import Testing

/// HAZARDS: a file under its final name before it is whole.
@Suite struct PointWriterTests {
    private let at = Timestamp(seconds: 1_795_312_800)

    private func manifest(_ name: PointName, _ files: [String]) throws -> [UInt8] {
        try JSON.write(
            Manifest(
                host: hostID, point: name, started: at, finished: at, previous: nil, recipients: [],
                archives: files.map { .init(file: $0, size: 1, sha256: Digest.of([]).description, keys: []) },
                items: [],
                holdfast: "0"))
    }

    private func put(_ name: String, _ writer: PointWriter) throws {
        let file = try writer.file(name)
        try file.write([1])
        try file.publish()
    }

    @Test func pointIsPartialUntilItIsPublished() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            let writer = try PointWriter(in: path, at: at)
            #expect(writer.name.description == "2026-11-22T020000Z")
            try put("volume.a.tar.zst.gpg", writer)
            #expect(try folder.names() == ["2026-11-22T020000Z.partial"])
            #expect(try Catalog(path).points().isEmpty)
            try writer.publish(
                try manifest(writer.name, ["volume.a.tar.zst.gpg"]), signature: [7], files: ["volume.a.tar.zst.gpg"])
            #expect(try folder.names() == ["2026-11-22T020000Z"])
            let point = try Catalog(path).point("latest")
            #expect(try point.manifest.get().archives.count == 1)
            let inside = try Descriptor.folder(point.path)
            #expect(try inside.names() == ["manifest.json", "manifest.json.sig", "volume.a.tar.zst.gpg"])
            #expect(try inside.status().st_mode & 0o7777 == 0o700)
            for name in try inside.names() {
                #expect(try inside.open(name, O_RDONLY).status().st_mode & 0o7777 == 0o600)
            }
            // What comes after the last deed does no harm.
            try writer.discard()
            #expect(try Catalog(path).points().count == 1)
        }
    }

    @Test func nameThatIsTakenMovesOnByASecond() async throws {
        try await withTemporaryFolder { path in
            var names: [String] = []
            for _ in 0..<3 {
                let writer = try PointWriter(in: path, at: at)
                try writer.publish(try manifest(writer.name, []), signature: [], files: [])
                names.append(writer.name.description)
            }
            #expect(names == ["2026-11-22T020000Z", "2026-11-22T020001Z", "2026-11-22T020002Z"])
            // One that is still being made has its name too.
            let one = try PointWriter(in: path, at: at)
            let other = try PointWriter(in: path, at: at)
            #expect(one.name.description == "2026-11-22T020003Z" && other.name.description == "2026-11-22T020004Z")
        }
    }

    @Test func nameTakenMeanwhileIsNotReplaced() async throws {
        try await withTemporaryFolder { path in
            let writer = try PointWriter(in: path, at: at)
            try makeFolders("\(path)/\(writer.name)")
            let bytes = try manifest(writer.name, [])
            let error = #expect(throws: MachineError.self) { try writer.publish(bytes, signature: [], files: []) }
            #expect(error?.errno == EEXIST)
            #expect(try Descriptor.folder("\(path)/\(writer.name)").names() == [])
        }
    }

    @Test(arguments: [
        (["a", "b"], ["a"], ["a"]), (["a"], ["a", "b"], ["a", "b"]), (["a", "b"], ["a", "b"], ["a"]),
        (["a"], ["b"], ["b"]),
        ([], ["a"], []),
    ])
    func filesThatTheManifestDoesNotNameKeepThePointFromBeingPublished(there: [String], said: [String], named: [String])
        async throws
    {
        try await withTemporaryFolder { path in
            let writer = try PointWriter(in: path, at: at)
            for name in there { try put(name, writer) }
            let bytes = try manifest(writer.name, named)
            let error = #expect(throws: RestorePointError.self) {
                try writer.publish(bytes, signature: [], files: said)
            }
            #expect(error?.code == "point.bug")
            #expect(try Catalog(path).points().isEmpty)
        }
    }

    @Test func unfinishedFileKeepsThePointFromBeingPublished() async throws {
        try await withTemporaryFolder { path in
            let writer = try PointWriter(in: path, at: at)
            let file = try writer.file("a")
            try file.write([1])
            let bytes = try manifest(writer.name, ["a"])
            #expect(throws: RestorePointError.self) { try writer.publish(bytes, signature: [], files: ["a"]) }
            #expect(try Catalog(path).points().isEmpty)
        }
    }

    @Test func manifestThatNobodyCouldReadIsNeverPublished() async throws {
        try await withTemporaryFolder { path in
            let writer = try PointWriter(in: path, at: at)
            let other = PointName(at.advanced(by: 60))
            for bytes in [[], Array("{}".utf8), try manifest(other, [])] {
                #expect(throws: (any Error).self) { try writer.publish(bytes, signature: [], files: []) }
            }
            // A volume's name may be longer than an item's.
            try put("a", writer)
            var record = Manifest.ItemRecord(item: Item(.volume, String(repeating: "x", count: 223)), outcome: .whole)
            record.archive = "a"
            let long = Manifest(
                host: hostID, point: writer.name, started: at, finished: at, previous: nil, recipients: [],
                archives: [.init(file: "a", size: 1, sha256: Digest.of([]).description, keys: [])], items: [record],
                holdfast: "0")
            #expect(throws: (any Error).self) { try writer.publish(try JSON.write(long), signature: [], files: ["a"]) }
            #expect(try Catalog(path).points().isEmpty)
        }
    }

    /// Several backups within a second, and prune frees the first names meanwhile: the chain would lead to others of that name.
    @Test func namesAreNotGivenAgainBeforeTheNewest() async throws {
        try await withTemporaryFolder { path in
            for second in 0..<3 {
                let writer = try PointWriter(in: path, at: at)
                #expect(writer.name == PointName(at.advanced(by: Int64(second))))
                try writer.publish(try manifest(writer.name, []), signature: [], files: [])
            }
            try PointRemoval.remove(PointName(at), in: path)
            #expect(try PointWriter(in: path, at: at).name == PointName(at.advanced(by: 3)))
            // A point of a clock that was wrong by more is left where it is.
            #expect(try PointWriter(in: path, at: at.advanced(by: -3600)).name == PointName(at.advanced(by: -3600)))
        }
    }

    @Test func discardRemovesAllOfIt() async throws {
        try await withTemporaryFolder { path in
            let writer = try PointWriter(in: path, at: at)
            try put("a", writer)
            try writer.remove("a")
            try writer.remove("a")
            try put("b", writer)
            _ = try writer.file("c")
            try writer.discard()
            #expect(try Descriptor.folder(path).names() == [])
            try writer.discard()
        }
    }

    @Test func whatAKilledRunLeftIsSweptAndNothingElse() async throws {
        try await withTemporaryFolder { path in
            let finished = try PointWriter(in: path, at: at)
            try finished.publish(try manifest(finished.name, []), signature: [], files: [])
            do {
                // Dropped without a word, as a kill does.
                let killed = try PointWriter(in: path, at: at.advanced(by: 3600))
                try put("a", killed)
                let file = try killed.file("b")
                try file.write([1, 2, 3])
                let late = try PointWriter(in: path, at: at.advanced(by: 7200))
                try put("manifest.json", late)
            }
            let folder = try Descriptor.folder(path)
            try makeFolders(path + "/mine.partial")
            try folder.publish("host.asc", [1])
            #expect(try Catalog(path).points().count == 1)
            #expect(try PointWriter.sweep(path) == ["2026-11-22T030000Z.partial", "2026-11-22T040000Z.partial"])
            #expect(try folder.names() == ["2026-11-22T020000Z", "host.asc", "mine.partial"])
            #expect(try PointWriter.sweep(path) == [])
            #expect(try PointWriter.sweep(path + "/missing") == [])
        }
    }

    @Test func backupDirectoryThatIsMissingIsNotMade() async throws {
        try await withTemporaryFolder { path in
            let error = #expect(throws: RestorePointError.self) { try PointWriter(in: path + "/disk", at: at) }
            #expect(error?.code == "point.no-directory")
            #expect(access(path + "/disk", F_OK) == -1)
        }
    }

    @Test(.enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)))
    func fullDiskPublishesNothingAndLeavesOlderPointsAlone() async throws {
        try await withTemporaryFolder { path in
            try await withTmpfs(path + "/disk", "size=1m") {
                let older = try PointWriter(in: path + "/disk", at: at)
                try older.publish(try manifest(older.name, []), signature: [1], files: [])
                let before = try Catalog(path + "/disk").point("latest").digest
                let writer = try PointWriter(in: path + "/disk", at: at.advanced(by: 60))
                let file = try writer.file("a")
                // All that is left, so that the manifest has no room.
                let page = [UInt8](repeating: 1, count: 4096)
                while (try? file.write(page)) != nil {}
                let error = #expect(throws: MachineError.self) { try file.publish() }
                #expect(error?.code == "machine.disk-full")
                try writer.discard()
                #expect(try Descriptor.folder(path + "/disk").names() == [older.name.description])
                #expect(try Catalog(path + "/disk").point("latest").digest == before)
            }
        }
    }
}
