import Machine
import TestKit
import Testing

/// Nights of which nobody would hear if only what went half right were told.
@Suite struct UnheardTests {
    private func withChannel(_ body: (DemoHost) async throws -> Void) async throws {
        try await withDemoHost(.backedUp) { host in
            try host.configure {
                $0.backup = ["retention: { keep_last: 1 }"]
                $0.more = "notify: [ { webhook: ops, url: \"http://127.0.0.1:9/\" } ]"
            }
            _ = try await host.holdfast("notify", "send")
            try await body(host)
        }
    }

    /// Titles of the messages that wait, and their reasons.
    private func messages(_ host: DemoHost) async throws -> [String] {
        try await host.holdfast("notify", "list", "--json").json().all.compactMap { $0["title"].string }
    }

    /// As when the server behind a mount is gone.
    @Test func aBackupDirectoryThatCannotBeRead() async throws {
        try await withChannel { host in
            try await host.shell("mv backups away && touch backups")
            #expect(try await host.holdfast("backup").status == 1)
            #expect(try await messages(host) == ["Backup failed"])
            #expect(try await host.holdfast("notify", "send").status == 0)
            try await host.shell("rm backups && mv away backups")
            _ = try await host.holdfast("notify", "send")
            #expect(try await messages(host) == ["Backup failed"])
            try await host.backup()
            #expect(try await messages(host) == ["Backup failed", "Backup is well again"])
        }
    }

    @Test func aStateFolderThatIsLost() async throws {
        try await withChannel { host in
            try host.remove("state")
            #expect(try await host.holdfast("backup").status == 4)
            #expect(try await messages(host) == ["Backup failed"])
        }
    }

    /// Nothing can be put on record or into the outbox: then it is said at once.
    @Test(.enabled(if: isRoot, needsRoot), arguments: ["remount,ro", "remount,size=4k"])
    func aStateFolderThatCannotBeWritten(_ how: String) async throws {
        try await withDemoHost(.backedUp) { host in
            try await withHookServer { hooks in
                try host.configure {
                    $0.more = """
                        notify: [ { webhook: ops, url: "\(hooks.url("hook/ops"))" }, { heartbeat: "\(hooks.url("ping"))" } ]
                        """
                }
                try await host.shell("mv state former")
                try await withTmpfs(host.state, "size=10m,mode=0700") {
                    try await host.shell(
                        "cp -a former/. state/; mount -o \(how) state || head -c 20M /dev/zero > state/x || true")
                    let outcome = try await host.holdfast("backup", "--json")
                    #expect(outcome.status == 1, "\(outcome)")
                    let error = try outcome.json()["error"]
                    #expect(["machine.read-only", "machine.disk-full"].contains(error["code"].string), "\(outcome)")
                    #expect(error["place"].string?.hasPrefix(host.state) == true, "\(outcome)")
                    let paths = try hooks.requests().map { $0["path"].string ?? "" }
                    #expect(paths == ["/ping/start", "/hook/ops", "/ping/fail"], "\(outcome)")
                    let message = try JSONValue(parsing: hooks.requests()[1]["body"].string ?? "")
                    #expect(message["title"].string == "Backup failed, and could not be put on record")
                    #expect(message["wrong"].all[0]["text"].string?.contains(host.state) == true, "\(message)")
                }
                #expect(try host.points().count == 2)
            }
        }
    }

    @Test func aPruneThatCannotBePlanned() async throws {
        try await withChannel { host in
            try host.write("state/retention.json", "{")
            #expect(try await host.holdfast("backup", "--prune").status == 3)
            #expect(try await messages(host) == ["Pruning stopped"])
            #expect(try await host.holdfast("status").status == 1)
            // What only the person who typed it has to know.
            try host.remove("state/retention.json")
            try await host.prune()
            #expect(try await host.holdfast("prune", "--forget", "volume.typo").status == 4)
            #expect(try await messages(host) == ["Pruning stopped", "Pruning is well again"])
        }
    }
}
