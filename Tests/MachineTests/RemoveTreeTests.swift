import Glibc
import Machine
import Synchronization
import TestKit
import Testing

/// A staging folder, or an unfinished point, is removed as root: nothing but it may go.
@Suite(.timeLimit(.minutes(1))) struct RemoveTreeTests {
    @Test func treeOfEveryKindOfEntryGoes() async throws {
        try await withTemporaryFolder { path in
            let tree = TreeMaker(path)
            try tree.folder("a")
            try tree.folder("a/b", mode: 0o500)
            try tree.folder("a/empty", mode: 0)
            try tree.file("a/b/file", mode: 0)
            try tree.file(Array("a/new\nline".utf8) + [0xFF], [1])
            try tree.fifo("a/fifo")
            try tree.socket("a/socket")
            try tree.symlink("a/dangling", to: "/nowhere")
            let folder = try Descriptor.folder(path)
            try folder.removeTree("a")
            #expect(try folder.names() == [])
            try folder.removeTree("a")
            try folder.publish("file", [])
            try folder.removeTree("file")
            #expect(try folder.names() == [])
        }
    }

    /// HAZARDS: a link planted by one, followed by the next.
    @Test func linksAreRemovedNotFollowed() async throws {
        try await withTemporaryFolder { path in
            let tree = TreeMaker(path)
            try tree.folder("precious")
            try tree.file("precious/data", "1")
            try tree.folder("staging")
            try tree.symlink("staging/absolute", to: path + "/precious")
            try tree.symlink("staging/relative", to: "../precious")
            try tree.symlink("staging/up", to: "..")
            try tree.link("staging/hard", to: "precious/data")
            try tree.symlink("link", to: "precious")
            let folder = try Descriptor.folder(path)
            try folder.removeTree("staging")
            try folder.removeTree("link")
            #expect(try folder.names() == ["precious"])
            #expect(contents(of: path + "/precious/data") == Array("1".utf8))
        }
    }

    @Test func threeThousandNestedFoldersGoWithAFewDescriptors() async throws {
        try await withTemporaryFolder { path in
            let root = try Descriptor.folder(path)
            try root.makeFolder("deep")
            var folder = try root.folder("deep")
            for level in 0..<3000 {
                #expect(mkdirat(folder.raw, "a folder on the way down", 0o700) == 0)
                if level.isMultiple(of: 100) { #expect(mkdirat(folder.raw, "beside", 0o700) == 0) }
                folder = Descriptor(
                    owning: openat(folder.raw, "a folder on the way down", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                    path: "deep")
            }
            // One descriptor a level would be more than most services may have open.
            let before = try Descriptor.folder("/proc/self/fd").names().count
            let most = Mutex(0)
            let counter = Task.detached {
                while !Task.isCancelled {
                    let count = (try? Descriptor.folder("/proc/self/fd").names().count) ?? 0
                    most.withLock { $0 = max($0, count) }
                    await Task.yield()
                }
            }
            try root.removeTree("deep")
            counter.cancel()
            await counter.value
            #expect(try root.names() == [])
            #expect(most.withLock { $0 } < before + 1000)
        }
    }

    @Test func twentyThousandNamesAndAThousandFoldersGo() async throws {
        try await withTemporaryFolder { path in
            let root = try Descriptor.folder(path)
            try root.makeFolder("wide")
            let wide = try root.folder("wide")
            for number in 0..<20_000 {
                close(openat(wide.raw, "a name that takes some room \(number)", O_CREAT | O_CLOEXEC, 0o600))
            }
            for number in 0..<1000 {
                #expect(mkdirat(wide.raw, "folder \(number)", 0o700) == 0)
                close(openat(wide.raw, "folder \(number)/file", O_CREAT | O_CLOEXEC, 0o600))
            }
            try root.removeTree("wide")
            #expect(try root.names() == [])
        }
    }

    @Test func treeThatGrowsMeanwhileGoesOrIsAnError() async throws {
        try await withTemporaryFolder { path in
            let root = try Descriptor.folder(path)
            try makeFolders(path + "/a/b")
            let writer = Task.detached {
                var number = 0
                while !Task.isCancelled {
                    mkdir("\(path)/a/b/\(number)", 0o700)
                    number += 1
                    if number.isMultiple(of: 50) { await Task.yield() }
                }
            }
            try await Task.sleep(for: .milliseconds(20))
            do { try root.removeTree("a") } catch { #expect(error is MachineError) }
            writer.cancel()
            await writer.value
            try root.removeTree("a")
            #expect(try root.names() == [])
        }
    }

    @Test(.enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)))
    func otherFileSystemsAreNeverEntered() async throws {
        try await withTemporaryFolder { path in
            try makeFolders(path + "/staging/deep")
            try await withTmpfs(path + "/staging/deep/mount", "size=64k") {
                try Descriptor.folder(path + "/staging/deep/mount").publish("precious", [1])
                try Descriptor.folder(path + "/staging").publish("file", [1])
                let error = #expect(throws: MachineError.self) { try Descriptor.folder(path).removeTree("staging") }
                #expect(error?.code == "machine.mounted")
                #expect(contents(of: path + "/staging/deep/mount/precious") == [1])
            }
        }
    }

    @Test(.enabled(if: MountedFolder.isPossible, Comment(rawValue: MountedFolder.whyNot)))
    func boundFoldersAreNeverEnteredThoughTheyAreOnTheSameDisk() async throws {
        try await withTemporaryFolder { path in
            try makeFolders(path + "/staging/bound")
            try makeFolders(path + "/precious")
            try Descriptor.folder(path + "/precious").publish("data", [1])
            #expect(
                try await ChildProcess("mount", ["--bind", path + "/precious", path + "/staging/bound"]).run().succeeded
            )
            let error = #expect(throws: MachineError.self) { try Descriptor.folder(path).removeTree("staging") }
            _ = try await ChildProcess("umount", ["-l", path + "/staging/bound"]).run()
            #expect(error?.code == "machine.mounted")
            #expect(contents(of: path + "/precious/data") == [1])
        }
    }
}
