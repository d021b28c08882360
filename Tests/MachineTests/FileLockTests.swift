import Glibc
import Machine
import TestKit
import Testing

/// HAZARDS: two schedulers, overlapping runs, stale locks.
@Suite(.timeLimit(.minutes(1))) struct FileLockTests {
    @Test func secondTakerGetsNothingAndCanSayWhoHoldsIt() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            #expect(FileLock.holder(of: "lock", in: folder) == nil)
            let lock = try #require(try FileLock.take("lock", in: folder, saying: "backup volumes"))
            #expect(try FileLock.take("lock", in: folder, saying: "other") == nil)
            #expect(FileLock.holder(of: "lock", in: folder) == "\(getpid()) backup volumes")
            lock.release()
            let next = try #require(try FileLock.take("lock", in: folder, saying: "b"))
            #expect(FileLock.holder(of: "lock", in: folder) == "\(getpid()) b")
            next.release()
            next.release()
        }
    }

    @Test func lockGoesWithItsLastReference() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            do {
                let lock = try FileLock.take("lock", in: folder, saying: "a")
                let second = try FileLock.take("lock", in: folder, saying: "b")
                withExtendedLifetime(lock) { #expect(second == nil) }
            }
            #expect(try FileLock.take("lock", in: folder, saying: "b") != nil)
        }
    }

    @Test func ourChildrenDoNotKeepTheLock() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            let lock = try #require(try FileLock.take("lock", in: folder, saying: "a"))
            let left = try await shell("sleep 60 > /dev/null 2>&1 < /dev/null & echo $!").run()
            lock.release()
            #expect(try FileLock.take("lock", in: folder, saying: "b") != nil)
            kill(try #require(Int32(left.text.dropLast())), SIGKILL)
        }
    }

    @Test func lockDiesWithItsProcessHoweverThatDies() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            // F_OFD_SETLK (37) and F_WRLCK (1), as another holdfast would take it.
            let script = """
                open(my $file, "+>", "\(path)/lock") or die; my $lock = pack("s s x4 q q i x4", 1, 0, 0, 0, 0);
                fcntl($file, 37, $lock) or die "$!"; syswrite($file, "$$ restore\\n");
                open(my $ready, ">", "\(path)/ready") or die; close($ready); sleep 60;
                """
            let other = Task { try await ChildProcess("perl", ["-e", script]).run() }
            try #require(try await eventually(within: 120) { folder.has("ready") })
            #expect(try FileLock.take("lock", in: folder, saying: "a") == nil)
            let holder = try #require(FileLock.holder(of: "lock", in: folder))
            try #require(holder.hasSuffix(" restore"))
            let process = try #require(holder.split(separator: " ").first.flatMap { Int32($0) })
            kill(process, SIGKILL)
            #expect(try await other.value.status == .signalled(SIGKILL))
            #expect(try FileLock.take("lock", in: folder, saying: "a") != nil)
        }
    }

    @Test func lockFileIsNotFollowedElsewhere() async throws {
        try await withTemporaryFolder { path in
            let folder = try Descriptor.folder(path)
            try folder.publish("precious", [1])
            #expect(symlink("precious", path + "/lock") == 0)
            #expect(throws: MachineError.self) { try FileLock.take("lock", in: folder, saying: "a") }
            #expect(contents(of: path + "/precious") == [1])
        }
    }
}
