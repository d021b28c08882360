import Glibc
import Machine
import TestKit
import Testing

/// HAZARDS: a file under its final name before it is whole; disk full in the middle.
@Suite struct DurableFileTests {
    private let text = Array("whole".utf8)

    @Test func fileIsPartialUntilItIsPublished() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            let file = try DurableFile(in: folder, name: "a")
            #expect(try folder.names() == ["a.partial"])
            try file.write("who")
            try file.write("le")
            #expect(file.length == 5)
            #expect(try folder.names() == ["a.partial"])
            try file.publish()
            #expect(try folder.names() == ["a"])
            #expect(contents(of: path + "/a") == text)
            #expect(try folder.open("a", O_RDONLY).status().st_mode & 0o7777 == 0o600)
        }
    }

    @Test func publishedFileNeverReplacesAnother() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            try folder.publish("a", text)
            let error = #expect(throws: MachineError.self) { try folder.publish("a", [1]) }
            #expect(error?.errno == EEXIST)
            #expect(try folder.names() == ["a"])
            #expect(contents(of: path + "/a") == text)
            try folder.publish("a", [1], replacing: true)
            #expect(contents(of: path + "/a") == [1])
            try folder.makeFolder("b")
            #expect(throws: MachineError.self) { try folder.publish("b", text) }
            #expect(throws: MachineError.self) { try folder.publish("b", text, replacing: true) }
            #expect(try folder.names() == ["a", "b"])
        }
    }

    @Test func discardLeavesNothing() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            let file = try DurableFile(in: folder, name: "a")
            try file.write(text)
            file.discard()
            file.discard()
            #expect(try folder.names() == [])
            #expect(throws: MachineError.self) { try file.publish() }
            #expect(try folder.names() == [])
        }
    }

    @Test func partialFileOfARunThatDiedIsReplaced() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            do {
                // Neither published nor discarded: what a crash leaves.
                let file = try DurableFile(in: folder, name: "a")
                try file.write("something longer than the next")
            }
            #expect(try folder.names() == ["a.partial"])
            try folder.publish("a", text)
            #expect(try folder.names() == ["a"])
            #expect(contents(of: path + "/a") == text)
        }
    }

    @Test func plantedPartialLinkIsNotWrittenThrough() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            try folder.publish("other", [9])
            #expect(symlink("other", path + "/a.partial") == 0)
            try folder.publish("a", text)
            #expect(contents(of: path + "/other") == [9])
            #expect(contents(of: path + "/a") == text)
        }
    }

    @Test(arguments: [0, 3]) func lengthThatIsNotWhatWasWrittenIsAnError(length: Int) async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            let file = try DurableFile(in: folder, name: "a")
            try file.write(text)
            #expect(truncate(path + "/a.partial", length) == 0)
            let error = #expect(throws: MachineError.self) { try file.publish() }
            #expect(error?.code == "machine.short-file")
            #expect(try folder.names() == [])
        }
    }

    @Test func largeFileIsWholeAfterEarlyWriteback() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            let file = try DurableFile(in: folder, name: "a")
            let chunk = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let hasher = Hasher256()
            for _ in 0..<70 {
                try file.write(chunk)
                chunk.withUnsafeBytes { hasher.update($0) }
            }
            try file.publish()
            #expect(Digest.of(try #require(contents(of: path + "/a"))) == hasher.finish())
        }
    }

    @Test func folderThatIsGoneIsAnErrorWithItsPlace() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            try folder.makeFolder("below")
            let below = try folder.folder("below")
            try folder.removeTree("below")
            let error = #expect(throws: MachineError.self) { try below.publish("a", text) }
            #expect(error?.code == "machine.missing")
            #expect(error?.place == path + "/below/a.partial")
        }
    }
}

@Suite(.enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)))
struct FullAndReadOnlyDiskTests {
    @Test func fullDiskIsAnErrorAndLeavesNothing() async throws {
        try await withTemporaryFolder { path in
            try await withTmpfs(path + "/small", "size=1m") {
                let folder = try Descriptor.folder(path + "/small")
                try folder.publish("older", [1, 2, 3])
                let error = #expect(throws: MachineError.self) {
                    try folder.publish("a", [UInt8](repeating: 7, count: 2 << 20))
                }
                #expect(error?.code == "machine.disk-full")
                #expect(error?.remedy?.contains("df -h") == true)
                #expect(try folder.names() == ["older"])
                #expect(contents(of: path + "/small/older") == [1, 2, 3])
                // A child of another test may have a copy of the descriptor until its exec, and the room with it.
                #expect(try await eventually { (try? folder.publish("b", [1])) != nil })
            }
        }
    }

    @Test func fileWhoseWriteFailedIsNeverPublishedEvenIfItsLengthFits() async throws {
        try await withTemporaryFolder { path in
            try await withTmpfs(path + "/small", "size=1m") {
                let folder = try Descriptor.folder(path + "/small")
                let file = try DurableFile(in: folder, name: "a")
                try file.write([UInt8](repeating: 7, count: 1 << 20))
                let page = [UInt8](repeating: 8, count: 1)
                #expect(throws: MachineError.self) { try file.write(page) }
                #expect(try file.length == Int64(folder.open("a.partial", O_RDONLY).status().st_size))
                let error = #expect(throws: MachineError.self) { try file.publish() }
                #expect(error?.code == "machine.disk-full")
                #expect(try folder.names() == [])
            }
        }
    }

    @Test func noInodeLeftIsADiskThatIsFull() async throws {
        try await withTemporaryFolder { path in
            try await withTmpfs(path + "/small", "size=1m,nr_inodes=2") {
                let folder = try Descriptor.folder(path + "/small")
                try folder.publish("a", [])
                let error = #expect(throws: MachineError.self) { try folder.publish("b", []) }
                #expect(error?.code == "machine.disk-full")
            }
        }
    }

    @Test func readOnlyDiskIsSaid() async throws {
        try await withTemporaryFolder { path in
            try await withTmpfs(path + "/small", "size=1m") {
                let folder = try Descriptor.folder(path + "/small")
                try folder.publish("a", [1])
                try await makeReadOnly(path + "/small")
                let error = #expect(throws: MachineError.self) { try folder.publish("b", [1]) }
                #expect(error?.code == "machine.read-only")
                #expect(error?.remedy?.contains("dmesg") == true)
                #expect(try folder.names() == ["a"])
            }
        }
    }

    @Test func lockIsToBeHadOnAFullDisk() async throws {
        try await withTemporaryFolder { path in
            try await withTmpfs(path + "/small", "size=1m") {
                let folder = try Descriptor.folder(path + "/small")
                let filler = try folder.open("filler", O_WRONLY | O_CREAT)
                try filler.write([UInt8](repeating: 7, count: 1 << 20))
                let lock = try FileLock.take("lock", in: folder, saying: "resume")
                #expect(lock != nil)
                #expect(try FileLock.take("lock", in: folder, saying: "other") == nil)
            }
        }
    }
}
