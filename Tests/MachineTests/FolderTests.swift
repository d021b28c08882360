import Glibc
import Machine
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct FolderTests {
    @Test func namesAreSortedAndComplete() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            #expect(try folder.names() == [] && folder.isEmpty())
            for name in ["b", "a", ".hidden", "ü"] { try folder.publish(name, []) }
            try folder.makeFolder("c")
            #expect(try folder.names() == [".hidden", "a", "b", "c", "ü"])
            #expect(try folder.names() == [".hidden", "a", "b", "c", "ü"])
            #expect(try !folder.isEmpty())
            #expect(folder.has("c") && !folder.has("d"))
            #expect(symlink("/nowhere", path + "/link") == 0)
            #expect(folder.has("link"))
        }
    }

    @Test func foldersAreOpenedNotThroughLinks() async throws {
        try await withTemporaryFolder { path in
            try makeFolders(path + "/a/b/c")
            try makeFolders(path + "/a/b/c")
            #expect(try Descriptor.folder(path + "/a/b").status().st_mode & 0o7777 == 0o700)
            #expect(symlink("a", path + "/link") == 0)
            #expect(throws: MachineError.self) { try Descriptor.folder(path + "/link") }
            #expect(throws: MachineError.self) { try Descriptor.folder(path).folder("link") }
            let taken = #expect(throws: MachineError.self) { try Descriptor.folder(path).makeFolder("a") }
            #expect(taken?.errno == EEXIST)
            try Descriptor.folder(path).publish("file", [])
            #expect(throws: MachineError.self) { try makeFolders(path + "/file/below") }
        }
    }

    @Test func renameDoesNotReplaceUnlessTold() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            try folder.publish("a", [1])
            try folder.publish("b", [2])
            let error = #expect(throws: MachineError.self) { try folder.rename("a", to: "b") }
            #expect(error?.errno == EEXIST)
            #expect(contents(of: path + "/b") == [2])
            try folder.rename("a", to: "b", replacing: true)
            #expect(try folder.names() == ["b"])
        }
    }

    /// HAZARDS: restore overwrites the live volume, mixed old and new.
    @Test func exchangeSwapsInOneStep() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            try makeFolders(path + "/live")
            try folder.folder("live").publish("old", [])
            try folder.publish("staged", [1])
            try folder.exchange("live", "staged")
            #expect(contents(of: path + "/live") == [1])
            #expect(try folder.folder("staged").names() == ["old"])
            #expect(throws: MachineError.self) { try folder.exchange("live", "missing") }
            #expect(try folder.names() == ["live", "staged"])
        }
    }

    @Test func whatIsMountedIsTold() async throws {
        #expect(isMounted("/proc"))
        #expect(isMounted("/"))
        #expect(!isMounted("/proc/self"))
        #expect(!isMounted("/no/such/folder"))
        #expect(!isMounted(""))
    }

    @Test(
        .enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)),
        arguments: ["a b", "tab\there", "back\\slash", "new\nline", "ü"])
    func mountPointsOfAnyNameAreFound(name: String) async throws {
        try await withTemporaryFolder { path in
            try makeFolders("\(path)/\(name)")
            #expect(!isMounted("\(path)/\(name)"))
            try await withTmpfs("\(path)/\(name)", "size=64k") { #expect(isMounted("\(path)/\(name)")) }
            #expect(!isMounted("\(path)/\(name)"))
        }
    }

    @Test func readAllRefusesMoreThanTheLimit() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            try folder.publish("a", [UInt8](repeating: 1, count: 100_000))
            #expect(try folder.open("a", O_RDONLY).readAll(limit: 100_000).count == 100_000)
            let error = #expect(throws: MachineError.self) { try folder.open("a", O_RDONLY).readAll(limit: 99_999) }
            #expect(error?.code == "machine.too-large")
            #expect(error?.place == path + "/a")
        }
    }
}
