import Glibc
import TestKit
import Testing

/// The older scripts' names: what each gets right now (HAZARDS.md, the rows with a star).
@Suite struct ScriptTests {
    /// The seed's order, on a host that has nothing but the scripts: import, readiness, export, backup.
    @Test func theFirstTimeOnAHostWithoutAConfiguration() async throws {
        try await withDemoHost { host in
            try host.write("admin.pub", host.keys.owner.public)
            try host.remove("holdfast.yml")
            try host.remove("state")
            let bare = [
                "HOLDFAST_STATE": host.path("new-state"), "HOLDFAST_CONFIG": host.path("etc/holdfast.yml"),
                "DOCKER_HOST": "unix:///nowhere/docker.sock",
            ]
            expectDone(try await host.script("import-gpg-key.sh", host.path("admin.pub"), setting: bare))
            let check = try await host.script("check-backup-readiness.sh", setting: bare)
            expectDone(check)
            #expect(check.errors.contains("holdfast init writes") && check.output.contains("Ready"), "\(check)")
            let recipient = bare.merging(["GPG_RECIPIENT": "owner@example.org"]) { _, new in new }
            let backup = try await host.script("backup-volumes.sh", setting: recipient)
            expectDone(backup)
            let file = try #require(try host.archives("volumes-").first)
            #expect(isName(file, "volumes", ".tar.gz.gpg") && backup.output.contains(file), "\(backup)")
            try await host.withOwner {
                try await host.shell("mkdir out; gpg -q -d \(host.encrypted)/\(file) | tar xz -C out")
            }
            for volume in ["n8n_data", "web_data"] {
                try expectSame(host.snapshot("volumes/\(volume)"), host.snapshot("out/\(volume)"))
            }
        }
    }

    @Test(arguments: ["backup-volumes.sh", "check-backup-readiness.sh"])
    func aConfigurationThatIsThereStaysAsItIs(script: String) async throws {
        try await withDemoHost { host in
            let before = try host.read("holdfast.yml")
            let outcome = try await host.script(script)
            #expect(!outcome.errors.contains("init"), "\(outcome)")
            #expect(try host.read("holdfast.yml") == before)
        }
    }

    /// Typed from another folder, through a link, where `cd` prints what it finds: they find each other all the same.
    @Test func theyFindEachOther() async throws {
        try await withDemoHost { host in
            let root = String(DemoHost.scripts.dropLast("/scripts".count))
            #expect(symlink("\(DemoHost.scripts)/check-backup-readiness.sh", host.path("check")) == 0)
            var runner = host.holdfast
            runner.environment.merge(host.scriptEnvironment.merging(["CDPATH": root]) { _, new in new }) { _, new in new
            }
            expectDone(try await runner.run([host.path("check")]))
            runner.folder = root
            expectDone(try await runner.run(["scripts/check-backup-readiness.sh"]))
        }
    }

    // MARK: - Recipients

    /// ★ gpg goes to the network for an address, or takes a wrong key.
    @Test(arguments: [
        ("twin@example.org", "two"), ("nobody@example.org", "nobody@example.org"), ("0E2D470F9A05CCAE", "fingerprint"),
        ("expired@example.org", "expired"), ("revoked@example.org", "revoked"),
    ])
    func recipientsThatAreRefused(recipient: String, word: String) async throws {
        try await withDemoHost { host in
            let outcome = try await host.script("backup-volumes.sh", setting: ["GPG_RECIPIENT": recipient])
            #expect(outcome.status == 4, "\(outcome)")
            #expect(outcome.errors.contains(recipient) || outcome.errors.contains(word), "\(outcome)")
            #expect(try host.archives("volumes-") == [] && host.leftovers() == [])
        }
    }

    /// ★ The key is not imported, or nobody is named: nothing is begun.
    @Test func withoutARecipientNothingIsMade() async throws {
        try await withDemoHost(.ready) {
            $0.recipients = []
        } _: { host in
            let outcome = try await host.script("backup-volumes.sh", setting: ["GPG_RECIPIENT": nil])
            #expect(outcome.status == 4 && outcome.errors.contains("key import"), "\(outcome)")
            #expect(try host.archives("volumes-") == [] && host.leftovers() == [])
        }
    }

    /// ★ A key that was only just imported has "no assurance", and gpg alone would leave a file of no bytes.
    @Test func aFreshlyImportedKeyIsUsable() async throws {
        try await withDemoHost(.ready) {
            ($0.keyring, $0.recipients) = (nil, [])
        } _: { host in
            try host.write("admin.pub", host.keys.other.public)
            expectDone(try await host.script("import-gpg-key.sh", host.path("admin.pub")))
            expectDone(try await host.script("backup-volumes.sh", setting: ["GPG_RECIPIENT": "other@example.org"]))
            let file = try #require(try host.archives("volumes-").first)
            #expect(try host.status("\(host.encrypted)/\(file)").st_size > 1000)
        }
    }

    @Test(arguments: ["", "nowhere.pub"]) func noKeyFile(name: String) async throws {
        try await withDemoHost { host in
            let outcome =
                name.isEmpty
                ? try await host.script("import-gpg-key.sh")
                : try await host.script("import-gpg-key.sh", host.path(name))
            #expect([1, 4].contains(outcome.status) && !outcome.errors.isEmpty, "\(outcome)")
        }
    }

    // MARK: - Names

    /// ★ A file has its name only when it is whole; ★ one that is there is never overwritten, also not in the hour that
    /// comes twice.
    @Test func theNameComesLastAndIsNeverTaken() async throws {
        try await withDemoHost { host in
            let held = try await host.holdingUpGPG(at: "--encrypt")
            try host.write(
                "shims/date",
                "#!/bin/sh\n[ -e \(host.folder)/tick ] && echo 2026-10-25-020001 || echo 2026-10-25-020000\ntouch \(host.folder)/tick\n",
                mode: 0o755)
            try host.write("\(host.encrypted)/volumes-2026-10-25-020000.tar.gz.gpg", "from an hour ago")
            var runner = held.holdfast
            runner.environment.merge(host.scriptEnvironment) { _, new in new }
            let running = try runner.start(["\(DemoHost.scripts)/backup-volumes.sh"])
            try await host.untilGPGIsHeld()
            #expect(
                try host.archives("volumes-") == [
                    "volumes-2026-10-25-020000.tar.gz.gpg", "volumes-2026-10-25-020001.tar.gz.gpg.partial",
                ])
            try host.letGPGGo()
            expectDone(try await running.wait())
            #expect(try host.archives("volumes-").last == "volumes-2026-10-25-020001.tar.gz.gpg")
            #expect(try host.read("\(host.encrypted)/volumes-2026-10-25-020000.tar.gz.gpg") == "from an hour ago")
        }
    }

    /// ★ One volume that fails is no archive with a good name; the exit status says so.
    @Test func whatFailsSaysSo() async throws {
        try await withDemoHost { host in
            try await host.shell("mkdir -p volumes/empty/_data")
            let outcome = try await host.script("backup-volumes.sh")
            #expect(outcome.status == 1 && outcome.output.contains("volume.empty"), "\(outcome)")
            #expect(try host.archives("volumes-") == [])
        }
    }

    // MARK: - Restoring

    /// ★ The seed's test makes its volume after the backup, and passes although nothing was restored. Here the data is
    /// destroyed first; ★ and what was live is kept.
    @Test func destroyedFirstThenRestored() async throws {
        try await withDemoHost { host in
            let saved = try host.snapshot(host.data())
            expectDone(try await host.script("backup-volumes.sh"))
            let file = "\(host.encrypted)/\(try host.archives("volumes-")[0])"
            try await host.shell("rm -r volumes/n8n_data/_data/nodes; echo wrong > volumes/n8n_data/_data/config.json")
            let spoilt = try host.snapshot(host.data())
            let unasked = try await host.script("restore-volumes.sh", file, "--gpg", "--key", host.privateKey)
            #expect(unasked.status == 4 && unasked.errors.contains("--yes"), "\(unasked)")
            try expectSame(spoilt, host.snapshot(host.data()))
            expectDone(try await host.script("restore-volumes.sh", file, "--gpg", "--key", host.privateKey, "--yes"))
            try expectSame(saved, host.snapshot(host.data()))
            expectDone(try await host.holdfast("restore", "undo", "--yes"))
            try expectSame(spoilt, host.snapshot(host.data()))
        }
    }

    /// ★ `volumes-*.tar.gz.gpg` may be more than one.
    @Test func severalMatchesAreListed() async throws {
        try await withDemoHost { host in
            try await host.shell("touch volumes-1.tar.gz.gpg volumes-2.tar.gz.gpg")
            let outcome = try await host.script(
                "restore-volumes.sh", host.path("volumes-1.tar.gz.gpg"), host.path("volumes-2.tar.gz.gpg"), "--gpg",
                "--yes")
            #expect(outcome.status == 4, "\(outcome)")
            #expect(outcome.errors.contains("volumes-1") && outcome.errors.contains("volumes-2"), "\(outcome)")
        }
    }

    @Test(arguments: [(["latest", "--restic"], "later version"), (["latest", "--gpg"], "not chosen"), ([], "Which")])
    func whatIsNotToBeHadSaysSo(arguments: [String], word: String) async throws {
        try await withDemoHost { host in
            var runner = host.holdfast
            runner.environment.merge(host.scriptEnvironment) { _, new in new }
            let outcome = try await runner.run(["\(DemoHost.scripts)/restore-volumes.sh"] + arguments)
            #expect(outcome.status == 4 && outcome.errors.contains(word), "\(outcome)")
        }
    }

    @Test func aWordInAPathIsNoWordOfOurs() async throws {
        try await withDemoHost { host in
            try await host.shell(
                "mkdir 'the latest --restic one'; tar cz -C volumes . > 'the latest --restic one/x.tar.gz'")
            let file = host.path("the latest --restic one/x.tar.gz")
            expectDone(try await host.script("restore-volumes.sh", file, "--gpg", "--yes"))
        }
    }

    /// The seed's partial restore, of a tar of one volume's data.
    @Test func onePlainArchiveIntoOneVolume() async throws {
        try await withDemoHost { host in
            try await host.shell(
                "find volumes -depth -exec touch -h -d 2020-02-02 {} +; tar czf n8n_data.tar.gz -C volumes/n8n_data/_data ."
            )
            let saved = try host.snapshot(host.data())
            try await host.shell("rm -r volumes/n8n_data/_data/*")
            expectDone(try await host.holdfast("verify", host.path("n8n_data.tar.gz")))
            expectDone(try await host.restore("archive", host.path("n8n_data.tar.gz"), "--volume", "n8n_data"))
            try expectSame(saved, host.snapshot(host.data()))
        }
    }
}
