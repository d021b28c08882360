import Glibc
import TestKit
import Testing

/// `restore archive FILE --volumes`: all volumes of an archive, in every layout that tars of them have; in place, or nothing.
@Suite struct VolumesArchiveTests {
    /// A host with an archive of its volumes made by `script`; then both volumes have changed.
    private func withArchive(
        _ script: String, _ body: (DemoHost, _ saved: [TreeSnapshot], _ spoilt: [TreeSnapshot]) async throws -> Void
    ) async throws {
        try await withDemoHost { host in
            // What most tars keep of times is whole seconds.
            try await host.shell("find volumes -depth -exec touch -h -d 2020-02-02 {} +")
            let saved = try Self.look(host)
            try await host.shell(script)
            try host.write("\(host.data())/config.json", "spoilt\n")
            try host.remove("\(host.data("web_data"))/index.html")
            try await body(host, saved, try Self.look(host))
        }
    }

    private static func look(_ host: DemoHost) throws -> [TreeSnapshot] {
        try ["n8n_data", "web_data"].map { try host.snapshot(host.data($0)) }
    }

    private func expect(
        _ host: DemoHost, _ expected: [TreeSnapshot], at location: SourceLocation = #_sourceLocation
    ) throws {
        for (now, then) in zip(try Self.look(host), expected) {
            #expect(then.differences(from: now) == [], sourceLocation: location)
        }
        #expect(host.journal == "", sourceLocation: location)
    }

    private static let seal = "gpg -q --batch --homedir ring --trust-model always -r owner@example.org -e > x"

    @Test(arguments: [
        "tar cz -C volumes . | \(seal)", "tar cz -C volumes n8n_data web_data | \(seal)", "tar cz volumes | \(seal)",
        "tar c -C volumes . | zstd -q > x",
        "tar cf x -C volumes --transform 's,^,var/lib/docker/volumes/,' n8n_data web_data",
        "touch volumes/metadata.db; tar cz -C volumes . | \(seal); rm volumes/metadata.db",
        "tar cz $PWD/volumes 2>/dev/null > x",
    ])
    func everyLayoutComesBackAndGoesBack(script: String) async throws {
        try await withArchive(script) { host, saved, spoilt in
            let outcome = try await host.restore("archive", host.path("x"), "--volumes", "--json")
            expectDone(outcome)
            let report = try outcome.json()
            #expect(report["items"].all.map { $0["item"].string } == ["volume.n8n_data", "volume.web_data"])
            #expect(outcome.errors.contains("metadata.db") == script.contains("metadata.db"), "\(outcome)")
            try expect(host, saved)
            #expect(try host.names("volumes") == ["n8n_data", "web_data"])
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            try expect(host, spoilt)
            #expect(try host.leftovers() == [])
        }
    }

    /// The engine's folder has a block device beside the volumes; any other is refused.
    @Test(.enabled(if: isRoot, needsRoot)) func theEnginesOwnDeviceIsPassedOver() async throws {
        let script = "mknod volumes/backingFsBlockDev b 8 0; tar cz -C volumes . > x; rm volumes/backingFsBlockDev"
        try await withArchive(script) { host, saved, _ in
            let outcome = try await host.restore("archive", host.path("x"), "--volumes")
            expectDone(outcome)
            #expect(outcome.errors.contains("backingFsBlockDev"), "\(outcome)")
            try expect(host, saved)
        }
    }

    @Test func whatWeMadeOurselves() async throws {
        try await withDemoHost { host in
            let saved = try Self.look(host)
            expectDone(try await host.holdfast("backup", "volumes", "--to", host.path("x.tar.zst.gpg")))
            try await host.shell("rm -r volumes/web_data; echo spoilt > volumes/n8n_data/_data/config.json")
            expectDone(try await host.restore("archive", host.path("x.tar.zst.gpg"), "--volumes"))
            try expect(host, saved)
            expectDone(try await host.holdfast("restore", "commit", "--yes"))
            #expect(try host.leftovers() == [])
        }
    }

    @Test(arguments: [
        "mkdir -p volumes/metadata.db/_data; echo x > volumes/metadata.db/_data/x",
        "echo x > volumes/stray", "echo x > volumes/web_data/stray", "mkdir volumes/web_data/_more",
        "echo '{}' > volumes/web_data/opts.json",
        "rm -r volumes/web_data/_data; ln -s ../n8n_data/_data volumes/web_data/_data",
        "ln volumes/n8n_data/_data/config.json volumes/web_data/_data/config.json",
        "ln -s ../../n8n_data/_data/config.json volumes/web_data/_data/link",
        "chmod 4755 volumes/n8n_data/_data/config.json",
    ])
    func whatBelongsToNoVolumeIsRefused(script: String) async throws {
        try await withArchive(
            "cp -a volumes kept; \(script); tar cz -C volumes n8n_data web_data $(cd volumes; ls | grep -v _data || true) > x; rm -r volumes; mv kept volumes"
        ) { host, _, spoilt in
            let outcome = try await host.restore("archive", host.path("x"), "--volumes", "--json")
            #expect(outcome.status == 1, "\(outcome)")
            #expect(try outcome.json()["error"]["remedy"].string?.isEmpty == false, "\(outcome)")
            try expect(host, spoilt)
            #expect(try host.leftovers() == [])
        }
    }

    @Test(arguments: [
        "tar czf y -C volumes .; head -c 400 y > x", "tar cf y -C volumes .; head -c 20480 y > x",
        "tar cz -C volumes/n8n_data/_data . > x",
        "echo hello > x",
    ])
    func whatIsNoArchiveOfVolumesChangesNothing(script: String) async throws {
        try await withArchive(script) { host, _, spoilt in
            let outcome = try await host.restore("archive", host.path("x"), "--volumes", "--json")
            #expect(outcome.status == 1, "\(outcome)")
            try expect(host, spoilt)
            #expect(try host.leftovers() == [])
        }
    }

    @Test func itIsReadForADryRunAndNothingIsWritten() async throws {
        try await withArchive("tar cz -C volumes . > x") { host, _, spoilt in
            let before = try host.find("volumes")
            let outcome = try await host.restore("archive", host.path("x"), "--volumes", "--dry-run")
            expectDone(outcome)
            #expect(outcome.output.contains("volume.n8n_data") && outcome.output.contains("volume.web_data"))
            #expect(try host.find("volumes") == before && host.journal == "")
            try expect(host, spoilt)
        }
    }

    /// All volumes are as they were, or all as they were saved.
    @Test func killedAtAnyMoment() async throws {
        try await withArchive("tar cz -C volumes . > x") { host, saved, spoilt in
            let arguments = ["restore", "archive", host.path("x"), "--volumes", "--yes"]
            try await host.kill(arguments, seed: 4, times: 5, typically: 0.4) { text in
                try await host.resume(text)
                let now = try Self.look(host)
                let isRestored = zip(now, saved).allSatisfy { $0.differences(from: $1).isEmpty }
                let isAsBefore = zip(now, spoilt).allSatisfy { $0.differences(from: $1).isEmpty }
                #expect(isRestored || isAsBefore, "\(text)")
                if isRestored { expectDone(try await host.holdfast("restore", "undo", "--yes")) }
                #expect(try host.leftovers() == [], "\(text)")
            }
        }
    }

    @Test func nobodyToAskIsFoundOutBeforeItIsStaged() async throws {
        try await withArchive("tar cz -C volumes . > x") { host, _, spoilt in
            let outcome = try await host.holdfast("restore", "archive", host.path("x"), "--volumes", "--json")
            try expectFailure(outcome, 4, "recovery.no-consent", says: "--yes")
            try expect(host, spoilt)
        }
    }
}
