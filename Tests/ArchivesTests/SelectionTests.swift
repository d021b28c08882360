import Archives
import Glibc
import Machine
import TestKit
import Testing

/// Single files and folders out of an archive.
@Suite struct SelectionTests {
    private func extract(_ paths: [String], linked: Bool = false) async throws -> (
        names: [String], missing: [RawPath], extracted: Int64
    ) {
        try await withTemporaryFolder { folder in
            let source = try made(folder, "source") { root in
                let tree = TreeMaker(root)
                try tree.folder("a")
                try tree.folder("a/b", mode: 0o750)
                try tree.file("a/b/one", "1")
                try tree.file("a/b/two", "2")
                try tree.file("a/bc", "3")
                if linked { try tree.link("z", to: "a/b/one") }
            }
            let target = try made(folder, "target") { _ in }
            let report = try Kit.extract(
                try Kit.archive(source).bytes, into: target, selection: PathSelection(paths.map { RawPath($0) }))
            let after = try TreeSnapshot(of: target)
            let expected = try TreeSnapshot(of: source)
            for (path, item) in after.items where item.firstName.isEmpty && item.type != "file" {
                #expect(expected.items[path] == item)
            }
            return (
                after.items.keys.map { RawPath($0).description }.sorted(), report.missing, report.extracted
            )
        }
    }

    @Test func oneFileComesWithItsFolders() async throws {
        let result = try await extract(["./a/b/two"])
        #expect(result.names == ["", "a", "a/b", "a/b/two"])
        #expect(result.extracted == 4)
    }

    @Test func aFolderComesWithAllBelow() async throws {
        let result = try await extract(["a/b/"])
        #expect(result.names == ["", "a", "a/b", "a/b/one", "a/b/two"])
    }

    @Test func whatIsNotThereIsReported() async throws {
        let result = try await extract(["a/bc", "a/nothing"])
        #expect(result.missing == [RawPath("a/nothing")])
        #expect(result.names == ["", "a", "a/bc"])
    }

    @Test func aSecondNameAloneSaysWhichFileItNeeds() async throws {
        await #expect(throws: ArchiveError.self) {
            // Whichever of the two comes first in the folder holds the data; the other cannot come alone.
            _ = try await extract(["z"], linked: true)
            _ = try await extract(["a/b/one"], linked: true)
        }
    }
}
