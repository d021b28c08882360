import Glibc
import TestKit
import Testing

/// `restore archive`: what others made, as the seed's scripts did; and what nobody should have made.
@Suite struct ForeignArchiveTests {
    private func expectRestored(
        _ host: DemoHost, _ file: String, _ options: [String] = [], at location: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await host.restore(
            "archive", file, "--to", host.path("out"), options.isEmpty ? "--json" : options[0])
        #expect(outcome.status == 0, "\(outcome)", sourceLocation: location)
        let differences = try host.snapshot("source").differences(from: try host.snapshot("out"))
        #expect(differences == [], sourceLocation: location)
    }

    private static let source = """
        mkdir -p source/n8n_data source/empty; echo '{}' > source/n8n_data/config.json; ln source/n8n_data/config.json source/hard
        ln -s n8n_data/config.json source/soft; chmod 751 source/n8n_data
        find source -depth -exec touch -h -d 2020-02-02 {} +
        """

    /// The seed: `tar czf - … | gpg --encrypt --recipient`, volumes side by side.
    @Test func theOlderScriptsArchive() async throws {
        try await withDemoHost { host in
            try await host.shell(
                Self.source + """

                    tar czf - -C source . | gpg -q --batch --homedir ring --trust-model always --encrypt -r owner@example.org \\
                        -o volumes-2025-12-08-120000.tar.gz.gpg
                    """)
            try await expectRestored(host, "volumes-2025-12-08-120000.tar.gz.gpg")
        }
    }

    @Test func anArmoredArchive() async throws {
        try await withDemoHost { host in
            try await host.shell(
                Self.source + """

                    tar c -C source . | gpg -q --batch --homedir ring --trust-model always --armor -e -r owner@example.org -o x.asc
                    """)
            try await expectRestored(host, "x.asc")
        }
    }

    @Test(arguments: ["tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2"])
    func plainArchives(suffix: String) async throws {
        try await withDemoHost { host in
            let format = suffix == "tar" ? "gnu" : "pax"
            try await host.shell(Self.source + "\ntar -ca -H \(format) -f x.\(suffix) -C source .")
            try await expectRestored(host, "x.\(suffix)")
        }
    }

    @Test func oneOfOursByItsFile() async throws {
        try await withDemoHost(.backedUp) { host in
            let point = try #require(try host.points().last)
            let outcome = try await host.restore(
                "archive", host.archive("volume.web_data", of: point), "--to", host.path("out"))
            #expect(outcome.status == 0, "\(outcome)")
            try expectSame(host.snapshot("volumes/web_data/_data"), host.snapshot("out"))
        }
    }

    @Test func asAVolumeAndBack() async throws {
        try await withDemoHost { host in
            try await host.shell(Self.source + "\ntar czf x.tar.gz -C source .")
            let former = try host.snapshot(host.data())
            #expect(try await host.restore("archive", "x.tar.gz", "--volume", "n8n_data").status == 0)
            try expectSame(host.snapshot("source"), host.snapshot(host.data()))
            #expect(try await host.holdfast("restore", "undo", "--yes").status == 0)
            try expectSame(former, host.snapshot(host.data()))
        }
    }

    @Test func onlyAPath() async throws {
        try await withDemoHost { host in
            try await host.shell(Self.source + "\ntar czf x.tar.gz -C source .")
            let outcome = try await host.restore("archive", "x.tar.gz", "--to", host.path("out"), "--path", "n8n_data")
            #expect(outcome.status == 0, "\(outcome)")
            #expect(try host.find("out") == ["out/n8n_data", "out/n8n_data/config.json"])
        }
    }

    /// `volumes-*.tar.gz.gpg` may be more than one.
    @Test func severalFilesAreListedAndNoneIsChosen() async throws {
        try await withDemoHost { host in
            try await host.shell("touch volumes-1.tar.gz.gpg volumes-2.tar.gz.gpg")
            let outcome = try await host.restore(
                "archive", "volumes-1.tar.gz.gpg", "volumes-2.tar.gz.gpg", "--to", host.path("out"), "--json")
            try expectFailure(
                outcome, 4, "recovery.several-files", says: "volumes-1.tar.gz.gpg", "volumes-2.tar.gz.gpg")
            #expect(!host.has("out"))
        }
    }

    @Test func aPlaceIsNeeded() async throws {
        try await withDemoHost { host in
            try await host.shell(Self.source + "\ntar czf x.tar.gz -C source .")
            try expectFailure(
                try await host.restore("archive", "x.tar.gz", "--json"), 4, "recovery.no-target", says: "--to DIR")
        }
    }

    // MARK: - Broken

    @Test(arguments: [
        "head -c 60 good.tar.gz > x", "head -c -1 good.tar.gz > x", "head -c 600 good.tar > x",
        "head -c 3584 good.tar > x",
        "cp good.tar.gz x; echo more >> x", "head -c 3000 /dev/urandom > x", "echo hello > x", "mkdir x", ": > x",
        "(cat good.tar; echo more) > x",
    ])
    func brokenArchives(script: String) async throws {
        try await withDemoHost { host in
            try await host.shell(Self.source + "\ntar cf good.tar -C source .; gzip -k good.tar\n\(script)")
            let before = try Possessions(of: host)
            let outcome = try await host.restore("archive", "x", "--to", host.path("out"), "--json")
            #expect([1, 4].contains(outcome.status), "\(outcome)")
            #expect(try outcome.json()["error"]["remedy"].string?.isEmpty == false, "\(outcome)")
            #expect(!host.has("out"))
            try await before.expectUntouched(host)
        }
    }

    // MARK: - Hostile

    /// Makes `evil.tar` by a script that runs beside a folder `victim` with `victim/file`.
    private func expectHarmless(
        _ script: String, _ code: String, at location: SourceLocation = #_sourceLocation
    ) async throws {
        try await withDemoHost { host in
            try await host.shell("mkdir victim evil; echo precious > victim/file; cd evil; \(script)")
            let victim = try host.snapshot("victim")
            let outcome = try await host.restore("archive", "evil.tar", "--to", host.path("deep/er/out"), "--json")
            try expectFailure(outcome, 1, code, at: location)
            #expect(!host.has("deep/er/out"), sourceLocation: location)
            #expect(victim.differences(from: try host.snapshot("victim")) == [], sourceLocation: location)
            #expect(try host.leftovers() == [], sourceLocation: location)
            #expect(host.journal == "", sourceLocation: location)
        }
    }

    @Test func namesThatLeadUp() async throws {
        try await expectHarmless(
            "echo owned > file; tar cPf ../evil.tar --transform 's,^,../../../victim/,' file", "archive.unsafe-path")
    }

    @Test func namesThatLeadUpInTheMiddle() async throws {
        try await expectHarmless(
            "echo owned > file; tar cPf ../evil.tar --transform 's,^,a/../../../../victim/,' file",
            "archive.unsafe-path")
    }

    @Test func absoluteNames() async throws {
        try await expectHarmless(
            "echo owned > file; tar cPf ../evil.tar --transform \"s,^,$PWD/../victim/,\" file", "archive.unsafe-path")
    }

    @Test func aLinkToBeWrittenThrough() async throws {
        try await expectHarmless(
            """
            ln -s $PWD/../victim way; tar cf ../evil.tar way
            rm way; mkdir way; echo owned > way/file; tar rf ../evil.tar way/file
            """, "archive.unsafe-entry")
    }

    @Test func aRelativeLinkToBeWrittenThrough() async throws {
        try await expectHarmless(
            """
            ln -s ../../../victim way; tar cf ../evil.tar way
            rm way; mkdir way; echo owned > way/file; tar rf ../evil.tar way/file
            """, "archive.unsafe-entry")
    }

    /// The link itself stays inside, so that it is allowed; but nothing is written through it.
    @Test func aLinkInsideToBeWrittenThrough() async throws {
        try await withDemoHost { host in
            try await host.shell(
                """
                mkdir -p evil/real; cd evil; echo good > real/file; ln -s real way; tar cf ../evil.tar real way
                rm way; mkdir way; echo owned > way/file; tar rf ../evil.tar way/file
                """)
            let outcome = try await host.restore("archive", "evil.tar", "--to", host.path("out"), "--json")
            #expect(outcome.status == 1, "\(outcome)")
            #expect(!host.has("out"))
        }
    }

    @Test func aHardLinkOut() async throws {
        try await expectHarmless(
            "echo x > a; ln a b; tar cPf ../evil.tar --transform \"s,^a$,$PWD/../victim/file,h\" a b",
            "archive.unsafe-path")
    }

    @Test func aHardLinkToWhatIsNotThere() async throws {
        try await withDemoHost { host in
            try await host.shell(
                "mkdir evil; cd evil; echo x > a; ln a b; tar cf ../evil.tar --transform 's,^a$,c,rS' a b; tar --delete -f ../evil.tar c || true"
            )
            let outcome = try await host.restore("archive", "evil.tar", "--to", host.path("out"), "--json")
            #expect(outcome.status == 1, "\(outcome)")
            #expect(!host.has("out"))
        }
    }

    @Test(.enabled(if: isRoot, needsRoot)) func devices() async throws {
        try await expectHarmless("mknod disk b 8 0; tar cf ../evil.tar disk", "archive.unsafe-entry")
    }

    @Test func setIDFiles() async throws {
        try await expectHarmless("echo x > shell; chmod 4755 shell; tar cf ../evil.tar shell", "archive.unsafe-entry")
    }

    /// What the remedy says has to be what the command takes.
    @Test(arguments: [
        ("ln -s /etc/passwd link", "link"), ("echo x > shell; chmod 4755 shell", "shell"), ("mknod null c 1 3", "null"),
    ])
    func theRemedyWorks(script: String, name: String) async throws {
        guard isRoot || name != "null" else { return }
        try await withDemoHost { host in
            try await host.shell(
                "mkdir evil; cd evil; \(script); touch -h -d 2020-02-02 \(name); tar cf ../evil.tar \(name)")
            let refused = try await host.restore("archive", "evil.tar", "--to", host.path("out"), "--json")
            let remedy = try #require(try refused.json()["error"]["remedy"].string)
            let option = try #require(remedy.split { " .,".contains($0) }.first { $0.hasPrefix("--allow") })
            let allowed = try await host.restore("archive", "evil.tar", "--to", host.path("out"), String(option))
            #expect(allowed.status == 0, "\(allowed)")
            #expect(
                try host.snapshot("evil").items[Array(name.utf8)] == (try host.snapshot("out").items[Array(name.utf8)]))
        }
    }
}
