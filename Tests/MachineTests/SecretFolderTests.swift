import Glibc
import Machine
import TestKit
import Testing

/// What must never reach a disk: private keys while they are used.
@Suite struct SecretFolderTests {
    @Test func folderIsInMemoryAndOursAlone() throws {
        let folder = try SecretFolder()
        let status = try Descriptor.folder(folder.path).status()
        #expect(status.st_mode & 0o7777 == 0o700)
        #expect(status.st_uid == getuid())
        let mounts = String(decoding: try #require(contents(of: "/proc/self/mounts")), as: UTF8.self)
        let parent = folder.path.split(separator: "/").dropLast().joined(separator: "/")
        #expect(mounts.split(separator: "\n").contains { $0.contains(" /\(parent) tmpfs ") })
        #expect(folder.path.contains("/holdfast-\(getpid())-"))
        #expect(try SecretFolder().path != folder.path)
    }

    @Test func folderIsWipedWithAllThatIsInIt() throws {
        let folder = try SecretFolder()
        try makeFolders(folder.path + "/private-keys-v1.d")
        try Descriptor.folder(folder.path + "/private-keys-v1.d").publish("key", [1, 2, 3])
        folder.wipe()
        folder.wipe()
        #expect(access(folder.path, F_OK) == -1 && errno == ENOENT)
    }

    @Test func folderGoesWithItsLastReference() throws {
        var path = ""
        do {
            let folder = try SecretFolder()
            path = folder.path
            try Descriptor.folder(path).publish("key", [1])
        }
        #expect(access(path, F_OK) == -1)
    }

    @Test func folderOfAProcessThatWasKilledIsSweptOfALivingOneNot() async throws {
        let memory = try #require(
            try SecretFolder().path.split(separator: "/").dropLast().joined(separator: "/") as String?)
        let dead = try await shell("echo $$").run().text.dropLast()
        let token = String(randomBytes(4).hex)
        func folder(_ owner: some StringProtocol) -> String { "/\(memory)/holdfast-\(owner)-\(token)" }
        try await withTemporaryFolder { path in
            let kept = [
                folder("\(getppid())"), folder("1"), folder("x"), folder(""), "/\(memory)/holdfast\(dead)-\(token)",
            ]
            for path in kept + [folder(dead)] {
                try makeFolders(path)
                try Descriptor.folder(path).publish("key", [1])
            }
            defer {
                for path in kept {
                    try? Descriptor.folder("/\(memory)").removeTree(
                        path.split(separator: "/").last.map(String.init) ?? "")
                }
            }
            try Descriptor.folder(path).publish("precious", [1])
            #expect(symlink(path, folder(dead) + "b") == 0)
            _ = try SecretFolder()
            #expect(access(folder(dead), F_OK) == -1)
            #expect(access(folder(dead) + "b", F_OK) == -1)
            for path in kept { #expect(contents(of: path + "/key") == [1], "\(path)") }
            #expect(contents(of: path + "/precious") == [1])
        }
    }

    @Test func manyAreMadeAtOnce() async throws {
        let paths = try await sideBySide(Array(0..<40), limit: 20) { _ in
            let folder = try SecretFolder()
            try Descriptor.folder(folder.path).publish("key", [1])
            return folder.path
        }
        #expect(Set(paths).count == 40)
        for path in paths { #expect(access(path, F_OK) == -1) }
    }
}
