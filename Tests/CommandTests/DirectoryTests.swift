import Glibc
import TestKit
import Testing

/// Backup directories that are missing, read-only or full: nothing half done is published, and nothing older suffers.
@Suite struct DirectoryTests {
    /// Whose disk may only not be mounted: what was written then would lie under the mount point.
    @Test func aMissingDirectoryIsNotMade() async throws {
        try await withDemoHost { host in
            try host.configure { $0.directory = host.path("new/place") }
            let outcome = try await host.holdfast("backup", "--json")
            try expectFailure(outcome, 4, "point.no-directory", says: host.path("new/place"), "mkdir")
            #expect(!host.has("new"))
            #expect(try await host.holdfast("init", "--signing-key-only", "--config", host.config).status == 0)
            try await host.backup()
            #expect(try host.status("new/place").st_mode & 0o777 == 0o700)
        }
    }

    @Test func aFileInTheWayIsSaid() async throws {
        try await withDemoHost { host in
            try host.write("in-the-way", "x")
            try host.configure { $0.directory = host.path("in-the-way") }
            let outcome = try await host.holdfast("backup", "--json")
            #expect(outcome.status != 0 && outcome.output.contains("in-the-way"), "\(outcome)")
            #expect(try host.read("in-the-way") == "x")
        }
    }
}

/// The same on file systems of their own.
@Suite(.enabled(if: isRoot, needsRoot))
struct FullDiskTests {
    /// Puts the host's backup directory on a tmpfs; it is gone with the test.
    private func withFileSystem(
        _ options: String, _ host: DemoHost, _ body: () async throws -> Void
    ) async throws {
        try await host.shell(
            "mv backups former && mkdir backups && mount -t tmpfs -o \(options) tmpfs backups && cp -a former/. backups/"
        )
        do { try await body() } catch {
            try await host.shell("umount -l backups")
            throw error
        }
        try await host.shell("umount -l backups && rmdir backups && mv former backups")
    }

    @Test func aReadOnlyDirectory() async throws {
        try await withDemoHost(.backedUp) { host in
            try await withFileSystem("size=10m", host) {
                try await host.shell("mount -o remount,ro backups")
                let before = try Possessions(of: host)
                let outcome = try await host.holdfast("backup", "--json")
                try expectFailure(outcome, 1, "machine.read-only", says: host.backups, "remount")
                try await before.expectUntouched(host)
                try await host.shell("mount -o remount,rw backups")
                try await host.backup()
            }
        }
    }

    /// Whatever a run came to: a published point verifies and is only complete with status 0; otherwise all is as before.
    private func expectHonest(
        _ outcome: CommandRunner.Outcome, _ host: DemoHost, before: [String], _ text: String
    ) async throws {
        let points = try host.points()
        #expect(try host.leftovers() == [], "\(text): \(outcome)")
        #expect(Array(points.prefix(before.count)) == before, "\(text)")
        #expect([0, 1, 3, 4].contains(outcome.status), "\(text): \(outcome)")
        let verified = try await host.holdfast("verify", "--all", "--json")
        #expect(verified.status == 0, "\(text): \(verified)")
        guard points.count > before.count else {
            return #expect(outcome.status == 1 || outcome.status == 4, "\(text): \(outcome)")
        }
        let result = try outcome.json()
        #expect((result["outcome"].string == "complete") == (outcome.status == 0), "\(text): \(outcome)")
    }

    /// A page more each time: the disk is full at the first archive, at a later one, at the private facts, the manifest, the
    /// signature, and at last not any more.
    @Test func aDiskThatIsFullAtAnyMoment() async throws {
        try await withDemoHost(.backedUp) { host in
            try await withFileSystem("size=100m", host) {
                let used = try await host.shell("df --output=used -B4096 backups | tail -1").filter { !$0.isWhitespace }
                for more in 0...12 {
                    try await host.shell("mount -o remount,size=$((4096 * (\(used) + \(more)))) backups")
                    let before = try host.points()
                    let outcome = try await host.holdfast("backup", "--json")
                    try await expectHonest(outcome, host, before: before, "\(more) pages")
                    if outcome.status == 0 { return #expect(more >= 4, "\(outcome)") }
                }
                Issue.record("a backup of some hundred bytes never fitted")
            }
        }
    }

    @Test func aDiskWithoutInodesAtAnyMoment() async throws {
        try await withDemoHost(.backedUp) { host in
            try await withFileSystem("size=100m", host) {
                let used = try await host.shell("df --output=iused backups | tail -1").filter { !$0.isWhitespace }
                for more in 0...12 {
                    try await host.shell("mount -o remount,nr_inodes=$((\(used) + \(more))) backups")
                    let before = try host.points()
                    let outcome = try await host.holdfast("backup", "--json")
                    try await expectHonest(outcome, host, before: before, "\(more) inodes")
                    if outcome.status == 0 { return #expect(more >= 6, "\(outcome)") }
                }
                Issue.record("six files never found their inodes")
            }
        }
    }

    @Test func aDiskThatIsFullInTheMiddleOfAnArchive() async throws {
        try await withDemoHost(.backedUp) { host in
            try await host.shell("head -c 12M /dev/urandom > \(host.data())/grown.bin")
            try await withFileSystem("size=6m", host) {
                let before = try host.points()
                let outcome = try await host.holdfast("backup", "--json")
                #expect(outcome.status == 1 || outcome.status == 3, "\(outcome)")
                #expect(
                    outcome.output.contains("machine.disk-full") || outcome.output.contains("No space left"),
                    "\(outcome)")
                try await expectHonest(outcome, host, before: before, "in the middle")
                try await host.shell("mount -o remount,size=60m backups")
                try await host.backup()
                #expect(try await host.holdfast("verify", "--all").status == 0)
            }
        }
    }

    @Test func theForecastRefusesBeforeAnythingIsWritten() async throws {
        try await withDemoHost { host in
            try await host.shell("head -c 4M /dev/urandom > \(host.data())/large.bin")
            try await host.backup()
            try await withFileSystem("size=6m", host) {
                let before = try Possessions(of: host)
                let outcome = try await host.holdfast("backup", "--json")
                try expectFailure(outcome, 4, "recovery.no-space", says: "MiB")
                try await before.expectUntouched(host)
                let checked = try await host.holdfast("check")
                #expect(checked.status == 1 && checked.output.contains("the last complete point took"), "\(checked)")
            }
        }
    }

    @Test func aRestoreThatFindsNoRoomChangesNothing() async throws {
        try await withDemoHost { host in
            try await host.shell("head -c 8M /dev/urandom > \(host.data())/large.bin")
            try await host.backup()
            try await host.shell(
                """
                mkdir small && mount -t tmpfs -o size=6m tmpfs small && mkdir -p small/n8n_data/_data
                echo present > small/n8n_data/_data/file
                """)
            do {
                try host.configure { $0.volumesRoot = host.path("small") }
                let before = try host.snapshot("small")
                let outcome = try await host.restore("volume", "n8n_data", "--json")
                try expectFailure(outcome, 4, "recovery.no-space")
                try expectSame(before, host.snapshot("small"))
                #expect(host.journal == "")
            } catch {
                try await host.shell("umount -l small")
                throw error
            }
            try await host.shell("umount -l small")
        }
    }
}
