import Glibc
import Machine
import Recovery
import TestKit
import Testing

/// The write-ahead list of obligations, through the lock that comes with it; there is no engine, so that containers stay owed.
struct JournalTests {
    @Test func obligationsAreOnDiskBeforeTheDeed() async throws {
        try await withTestSite { host in
            let (lock, _) = try await host.lock()
            let first = try lock.journal.owe(.start(container: "c0ffee", name: "web"))
            _ = try lock.journal.owe(.unpause(container: "beef", name: "db"))
            _ = try lock.journal.owe(.remove(folder: "/srv/a \"b\"", name: ".holdfast-x"))
            try lock.journal.pay(first)
            #expect(
                try host.read("state/journal.jsonl") == """
                    {"container":"c0ffee","id":1,"name":"web","owe":"start"}
                    {"container":"beef","id":2,"name":"db","owe":"unpause"}
                    {"folder":"/srv/a \\"b\\"","id":3,"name":".holdfast-x","owe":"remove"}
                    {"id":4,"paid":1}

                    """)
        }
    }

    @Test func whatIsNotMetSurvives() async throws {
        try await withTestSite { host in
            let (lock, _) = try await host.lock()
            let web = try lock.journal.owe(.start(container: "c0ffee", name: "web"))
            _ = try lock.journal.owe(.unpause(container: "beef", name: "db"))
            try lock.journal.pay(web)
            lock.release()
            let (again, putRight) = try await host.lock()
            #expect(putRight.isEmpty)
            #expect(again.journal.unpaid.map(\.obligation) == [.unpause(container: "beef", name: "db")])
            #expect(try Journal.unpaid(in: try host.state.open()) == [.unpause(container: "beef", name: "db")])
            #expect(host.told.all.contains { $0.hasPrefix("! ") && $0.contains("There is no engine in this test") })
        }
    }

    @Test func lastOnePaidRemovesTheFile() async throws {
        try await withTestSite { host in
            let (lock, _) = try await host.lock()
            let ids = try (1...3).map { try lock.journal.owe(.start(container: "\($0)", name: "c\($0)")) }
            for id in ids.reversed() {
                #expect(host.has("state/journal.jsonl"))
                try lock.journal.pay(id)
            }
            #expect(!host.has("state/journal.jsonl"))
            try lock.journal.pay(ids[0])
            #expect(!host.has("state/journal.jsonl"), "paying twice must not write anything")
            _ = try lock.journal.owe(.start(container: "4", name: "c4"))
            #expect(try Journal.unpaid(in: try host.state.open()).count == 1)
        }
    }

    /// Killed after the last payment and before the file was removed.
    @Test func whatIsPaidInFullIsRemovedByTheNext() async throws {
        try await withTestSite { host in
            let (lock, _) = try await host.lock()
            lock.release()
            try host.write(
                "state/journal.jsonl",
                "{\"container\":\"c0ffee\",\"id\":1,\"name\":\"web\",\"owe\":\"start\"}\n{\"id\":2,\"paid\":1}\n")
            let (again, putRight) = try await host.lock()
            #expect(putRight.isEmpty && again.journal.unpaid.isEmpty)
            #expect(!host.has("state/journal.jsonl"))
        }
    }

    @Test func lineThatWasCutIsIgnoredAndNotGluedTo() async throws {
        try await withTestSite { host in
            try host.write(
                "state/journal.jsonl",
                """
                {"container":"1","id":1,"name":"web","owe":"start"}
                {"container":"2","id":2,"na
                """)
            let (lock, _) = try await host.lock()
            #expect(lock.journal.unpaid.map(\.obligation) == [.start(container: "1", name: "web")])
            _ = try lock.journal.owe(.start(container: "3", name: "db"))
            lock.release()
            let (again, _) = try await host.lock()
            #expect(
                again.journal.unpaid.map(\.obligation) == [
                    .start(container: "1", name: "web"), .start(container: "3", name: "db"),
                ])
        }
    }

    /// Of the last line a disk may have kept the end and lost a block before it, which reads as zeros then.
    @Test func lineThatLacksABlockIsIgnoredAndNotGluedTo() async throws {
        try await withTestSite { host in
            let whole = "{\"container\":\"1\",\"id\":1,\"name\":\"web\",\"owe\":\"start\"}\n"
            let zeros = String(repeating: "\0", count: 64)
            try host.write("state/journal.jsonl", whole + zeros + "\"name\":\"db\",\"owe\":\"start\"}\n")
            let (lock, _) = try await host.lock()
            #expect(lock.journal.unpaid.map(\.obligation) == [.start(container: "1", name: "web")])
            _ = try lock.journal.owe(.start(container: "3", name: "cache"))
            lock.release()
            let (again, _) = try await host.lock()
            #expect(again.journal.unpaid.count == 2)
            again.release()
            try host.write("state/journal.jsonl", zeros + "\n" + whole)
            await #expect(throws: MachineError.self) { _ = try await host.lock() }
        }
    }

    @Test func journalOfOtherHandsIsAnErrorThatNamesIt() async throws {
        try await withTestSite { host in
            try host.write("state/journal.jsonl", "{\"id\":1,\"owe\":\"start\"\nnonsense\n")
            let error = await #expect(throws: MachineError.self) { _ = try await host.lock() }
            #expect(error?.place == host.state.path + "/journal.jsonl")
            #expect(try host.read("state/journal.jsonl").hasSuffix("nonsense\n"))
        }
    }

    @Test func manyOweAtOnce() async throws {
        try await withTestSite { host in
            let (lock, _) = try await host.lock()
            let ids = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...60 {
                    group.addTask {
                        let id = try lock.journal.owe(.start(container: "\(number)", name: "c\(number)"))
                        if number.isMultiple(of: 3) { try lock.journal.pay(id) }
                        return id
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(ids).count == 60)
            let kept = try Journal.unpaid(in: try host.state.open())
            #expect(
                Set(kept)
                    == Set((1...60).filter { !$0.isMultiple(of: 3) }.map { .start(container: "\($0)", name: "c\($0)") })
            )
        }
    }

    @Test func stagingThatWasLeftIsRemoved() async throws {
        try await withTestSite { host in
            try host.make("volumes/a/.holdfast-staging", holding: "half")
            let (lock, _) = try await host.lock()
            _ = try lock.journal.owe(.remove(folder: host.volumes + "/a", name: ".holdfast-staging"))
            _ = try lock.journal.owe(.remove(folder: host.volumes + "/gone", name: ".holdfast-staging"))
            lock.release()
            let (_, putRight) = try await host.lock()
            #expect(putRight == ["removed the staging folder \(host.volumes)/a/.holdfast-staging"])
            #expect(!host.has("volumes/a/.holdfast-staging") && !host.has("state/journal.jsonl"))
        }
    }

    /// A line that a full disk cut must not take the next one with it: then nobody could read the journal any more.
    @Test(.enabled(if: geteuid() == 0, "mounts a small disk"))
    func fullDiskCutsNoLineThatFollows() async throws {
        try await withTestSite { host in
            // One page for the lock, one for the journal.
            try await mounted("size=8k", at: host.state.path) { remount in
                let (lock, _) = try await host.lock()
                var owed: [Int] = []
                let error = #expect(throws: MachineError.self) {
                    for number in 1...200 {
                        owed.append(try lock.journal.owe(.start(container: "\(number)", name: "web")))
                    }
                }
                #expect(error?.code == "machine.disk-full")
                try #require(owed.count > 10)
                #expect(throws: MachineError.self) { try lock.journal.pay(owed[0]) }
                try await remount("size=1m")
                try lock.journal.pay(owed[1])
                lock.release()
                let (again, _) = try await host.lock()
                let expected = owed.filter { $0 != owed[1] }
                #expect(again.journal.unpaid.map(\.id) == expected)
            }
        }
    }
}

/// A small disk in memory for one test; `body` can change its size.
private func mounted(
    _ options: String, at path: String, _ body: (_ remount: (String) async throws -> Void) async throws -> Void
) async throws {
    func run(_ program: String, _ arguments: [String]) async throws {
        let outcome = try await ChildProcess(program, arguments).run()
        guard outcome.succeeded else { throw TestKitError(description: "\(program) \(arguments): \(outcome.errors)") }
    }
    try await run("mount", ["-t", "tmpfs", "-o", options + ",mode=700", "tmpfs", path])
    do {
        try await body { try await run("mount", ["-o", "remount," + $0, path]) }
    } catch {
        try await run("umount", ["-l", path])
        throw error
    }
    try await run("umount", ["-l", path])
}
