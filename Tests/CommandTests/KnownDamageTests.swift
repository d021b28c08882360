import Glibc
import TestKit
import Testing

/// What a verification found wrong stays wrong until the same point is found right, or is gone.
@Suite struct KnownDamageTests {
    /// Flips a byte of an archive.
    private func damage(_ host: DemoHost, _ point: String) throws {
        var bytes = try host.bytes(host.archive(of: point))
        bytes[bytes.count / 2] ^= 1
        try host.write(host.archive(of: point), bytes)
    }

    private func host(_ body: (DemoHost, _ good: String, _ bad: String) async throws -> Void) async throws {
        try await withDemoHost { host in
            try host.keep("keep_last: 1")
            let good = try await host.backup()
            let bad = try await host.backup()
            let former = try host.bytes(host.archive(of: bad))
            try damage(host, bad)
            #expect(try await host.holdfast("verify").status == 1)
            try await body(host, good, bad)
            try host.write(host.archive(of: bad), former)
        }
    }

    @Test func pruneKeepsTheCopyBeforeIt() async throws {
        try await host { host, good, bad in
            let report = try await host.prune()
            #expect(report.removed == [], "\(report)")
            #expect(try host.points() == [good, bad])
        }
    }

    @Test func restoreTakesTheCopyBeforeIt() async throws {
        try await host { host, good, bad in
            let outcome = try await host.restore("volume", "n8n_data", "--to", host.path("out"))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.errors.contains(good) && outcome.errors.contains("\(bad) as well, which was found damaged"))
            // Another file of that point is as good as ever.
            let other = try await host.restore("volume", "web_data", "--to", host.path("other"))
            #expect(other.status == 0 && other.errors.contains(bad), "\(other)")
        }
    }

    @Test func anotherPointThatIsRightDoesNotHealIt() async throws {
        try await host { host, _, bad in
            try await host.backup("files", "compose")
            #expect(try await host.holdfast("verify", try #require(try host.points().last)).status == 0)
            let status = try await host.holdfast("status", "--json")
            #expect(status.status == 1)
            #expect(
                try status.json()["wrong"].all.contains { $0["subject"].string == "point \(bad)" }, "\(status)")
            // The nightly one looks at it again, for it holds the newest copies of others.
            #expect(try await host.holdfast("verify").status == 1)
        }
    }

    @Test func theSamePointFoundRightDoes() async throws {
        try await withDemoHost { host in
            let point = try await host.backup()
            let former = try host.bytes(host.archive(of: point))
            try damage(host, point)
            #expect(try await host.holdfast("verify").status == 1)
            try host.write(host.archive(of: point), former)
            #expect(try await host.holdfast("verify").status == 0)
            #expect(try await host.holdfast("status").status == 0)
        }
    }

    /// By another's signature this host's own points are wrong; that says nothing of them.
    @Test func anothersSignerIsNotRemembered() async throws {
        try await withDemoHost { host in
            try host.keep("keep_last: 1")
            try await host.backup()
            let newest = try await host.backup()
            let signer = "\(host.keys.other.fingerprint)"
            let verified = try await host.holdfast("verify", "--all", "--signer", signer)
            #expect(verified.status != 0, "\(verified)")
            #expect(try await host.holdfast("status").status == 0)
            try await host.prune()
            #expect(try host.points() == [newest])
        }
    }

    /// Even where nothing is right any more, prune takes nothing away that a person has not looked at.
    @Test func pruneLeavesWhatWasFoundDamaged() async throws {
        try await withDemoHost { host in
            try host.keep("keep_last: 1")
            let points = [try await host.backup(), try await host.backup(), try await host.backup()]
            for point in points { try host.write("backups/\(point)/manifest.json.sig", [1, 2, 3]) }
            #expect(try await host.holdfast("verify", "--all").status == 1)
            try await host.prune()
            #expect(try host.points() == points)
        }
    }

    /// A person without a key at hand is no event.
    @Test func deepWithoutAKeyIsNotRemembered() async throws {
        try await withDemoHost { host in
            try await host.backup()
            #expect(try await host.holdfast("verify", "--deep").status == 5)
            #expect(try await host.holdfast("status").status == 0)
        }
    }
}

/// A disk that is not mounted looks like an empty backup directory.
@Suite struct EmptiedDirectoryTests {
    @Test func nothingIsWrittenWherePointsAreMissing() async throws {
        try await withDemoHost(.ready) { host in
            let point = try await host.backup()
            try await host.shell("mv backups elsewhere; mkdir -m 700 backups; cp elsewhere/host.asc backups/")
            let refused = try await host.holdfast("backup", "--json")
            try expectFailure(refused, 4, "recovery.points-gone", says: point, "--accept-empty")
            #expect(try host.points() == [])
            let status = try await host.holdfast("status", "--json")
            #expect(status.status == 1)
            #expect(try status.json()["wrong"].all.first?["text"].string?.contains(point) == true, "\(status)")
            #expect(try await host.holdfast("backup", "--accept-empty").status == 0)
            #expect(try await host.holdfast("backup").status == 0)
        }
    }
}
