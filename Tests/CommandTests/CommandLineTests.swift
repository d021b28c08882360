import Glibc
import TestKit
import Testing

/// What every command promises: JSON, help with an example, exit statuses, and a configuration that nobody else wrote.
@Suite struct CommandLineTests {
    private static let commands = [
        ["init"], ["check"], ["key"], ["key", "import"], ["key", "list"], ["key", "new"], ["backup"], ["list"],
        ["show"], ["verify"],
        ["restore"], ["restore", "volume"], ["restore", "files"], ["restore", "archive"], ["restore", "undo"],
        ["restore", "commit"],
        ["resume"],
    ]

    @Test(arguments: commands) func helpHasAnExample(command: [String]) async throws {
        let help = try await CommandRunner().run([CommandRunner.binary] + command + ["--help"])
        #expect(help.status == 0, "\(help)")
        #expect(help.output.contains("Example"))
        #expect(help.output.contains("holdfast \(command.joined(separator: " "))"))
        if command != ["restore"] { #expect(help.output.contains("Exit status")) }
    }

    @Test func theStatusesAreThoseOfThePage() async throws {
        let help = try await CommandRunner()("--help")
        for status in ["0 done", "1 failed", "3 incomplete", "4 refused", "5 not verified", "64", "75", "130/143"] {
            #expect(help.output.contains(status), "\(status)")
        }
        #expect(try await CommandRunner()("--version").output.hasPrefix("0."))
    }

    @Test(arguments: [
        ["frobnicate"], ["backup", "--frobnicate"], ["restore", "volume"], ["show"], ["verify", "--all", "latest"],
        ["verify", "--key", "x"],
    ])
    func aWrongCommandLine(words: [String]) async throws {
        let outcome = try await CommandRunner().run([CommandRunner.binary] + words)
        #expect(outcome.status == 64, "\(outcome)")
        #expect(outcome.errors.contains("Usage") || outcome.errors.contains("rror"))
    }

    @Test func everyResultIsJSON() async throws {
        try await withDemoHost { host in
            try host.write("public", host.keys.owner.public)
            let key = ["--key", host.privateKey]
            let lines: [[String]] = [
                ["init", "--config", host.config], ["check"], ["key", "list"], ["key", "import", "public"],
                ["key", "new", "new-stick"], ["backup", "--dry-run"], ["backup"], ["list"], ["show", "latest"],
                ["verify"],
                ["verify", "--all", "--deep"] + key, ["restore", "volume", "n8n_data", "--dry-run"],
                ["restore", "volume", "n8n_data", "--yes"] + key, ["restore", "undo", "--yes"],
                ["restore", "files", "compose", "--yes"] + key, ["restore", "commit", "--yes"],
                ["restore", "archive", "x.tar", "--to", "out"], ["resume"],
            ]
            try await host.shell("tar cf x.tar -C compose .")
            for words in lines {
                let outcome = try await host.holdfast.run([CommandRunner.binary] + words + ["--json"])
                #expect(outcome.status == 0, "\(words): \(outcome)")
                let json = try outcome.json()
                #expect(!json.keys.isEmpty || !json.all.isEmpty, "\(words): \(outcome)")
            }
        }
    }

    @Test func everyErrorIsJSONToo() async throws {
        let lines: [[String]] = [
            ["check"], ["key", "list"], ["key", "import", "x"], ["backup"], ["list"], ["show", "latest"], ["verify"],
            ["restore", "volume", "x"], ["restore", "files", "x"], ["restore", "archive", "x"], ["restore", "undo"],
            ["restore", "commit"], ["resume"], ["init", "--signing-key-only"],
        ]
        for words in lines {
            let outcome = try await CommandRunner().run(
                [CommandRunner.binary] + words + ["--config", "/nowhere/holdfast.yml", "--json"])
            #expect(outcome.status == 4 || words[0] == "init", "\(words): \(outcome)")
            #expect(try outcome.json()["error"]["what"].string?.isEmpty == false, "\(words): \(outcome)")
            #expect(outcome.errors.contains("/nowhere/holdfast.yml"), "\(words): \(outcome)")
        }
    }

    @Test func withoutPointsItSaysHowToMakeOne() async throws {
        try await withDemoHost { host in
            #expect(try await host.holdfast("list").output.contains("holdfast backup"))
            #expect(try await host.holdfast("list", "--json").json() == .array([]))
            for words in [["verify"], ["show", "latest"]] {
                let outcome = try await host.holdfast.run([CommandRunner.binary] + words + ["--json"])
                try expectFailure(outcome, 4, "point.none", says: "holdfast backup")
            }
            let restored = try await host.restore("volume", "n8n_data", "--json")
            try expectFailure(restored, 4, "recovery.in-no-point", says: "There are none")
        }
    }

    @Test func noColoursWhereNobodySees() async throws {
        try await withDemoHost(.backedUp) { host in
            for words in [["list"], ["verify"], ["check"], ["backup"]] {
                let outcome = try await host.holdfast.run([CommandRunner.binary] + words)
                #expect(!outcome.output.contains("\u{1B}") && !outcome.errors.contains("\u{1B}"), "\(words)")
            }
        }
    }

    @Test func aReaderWhoHasSeenEnoughIsNoFailure() async throws {
        try await withDemoHost(.backedUp) { host in
            let outcome = try await host.tools.run(["bash", "-c", "set -o pipefail; \(CommandRunner.binary) list | :"])
            #expect(outcome.status == 0, "\(outcome)")
        }
    }
}

/// The configuration: it can run commands, so it is refused rather than guessed at.
@Suite struct ConfigurationTests {
    @Test func anUnknownKeyIsNamedWithItsLineAndItsNeighbour() async throws {
        try await withDemoHost {
            $0.more = "stat: /elsewhere"
        } _: { host in
            let line = try host.read("holdfast.yml").split(separator: "\n").firstIndex(of: "stat: /elsewhere")
            let outcome = try await host.holdfast("backup", "--json")
            try expectFailure(
                outcome, 4, "settings.unknown-key", says: "holdfast.yml:\((line ?? 0) + 1):1", "stat", "state")
            #expect(try host.points() == [])
        }
    }

    @Test(arguments: ["666", "620", "602"])
    func aConfigurationThatOthersCanWrite(mode: String) async throws {
        try await withDemoHost(.backedUp) { host in
            let before = try Possessions(of: host)
            try await host.shell("chmod \(mode) holdfast.yml")
            for words in [["backup"], ["list"], ["restore", "undo", "--yes"]] {
                let outcome = try await host.holdfast.run([CommandRunner.binary] + words + ["--json"])
                try expectFailure(outcome, 4, "settings.unsafe", says: host.config, "chmod go-w")
            }
            try await host.shell("chmod 600 holdfast.yml")
            try await before.expectUntouched(host)
        }
    }

    @Test(.enabled(if: isRoot, needsRoot)) func aConfigurationThatBelongsToSomebodyElse() async throws {
        try await withDemoHost { host in
            try await host.shell("chown 12345 holdfast.yml")
            try expectFailure(try await host.holdfast("check", "--json"), 4, "settings.unsafe", says: "chown")
        }
    }

    @Test func aBackupThatWouldSwallowItselfIsRefused() async throws {
        try await withDemoHost {
            $0.files.append(("all", "/"))
        } _: { host in
            let outcome = try await host.holdfast("backup", "--json")
            #expect(outcome.status == 4 && outcome.output.contains("exclude"), "\(outcome)")
        }
    }

    @Test func initWritesOneThatWorks() async throws {
        try await withDemoHost { host in
            var holdfast = host.holdfast
            holdfast.environment["HOLDFAST_CONFIG"] = nil
            holdfast.environment["GPG_RECIPIENT"] = host.keys.owner.digits
            try host.remove("holdfast.yml")
            let arguments = [
                "init", "--directory", host.path("new/backups"), "--state", host.path("new/state"), "--docker-socket",
                "/nowhere",
                "--volumes-root", host.volumes, "--keyring", host.ring,
            ]
            let made = try await holdfast.run([CommandRunner.binary] + arguments)
            #expect(made.status == 0, "\(made)")
            #expect(made.output.contains("Not covered") && made.output.contains("recovery card"))
            #expect(try host.read("holdfast.yml").contains("#"))
            holdfast.environment["GPG_RECIPIENT"] = nil
            let checked = try await holdfast("check")
            #expect(checked.status == 0, "\(checked)")
            #expect(try await holdfast("backup").status == 0)
            #expect(try await holdfast("verify", "--deep", "--key", host.privateKey).status == 0)
            let written = try host.read("holdfast.yml")
            #expect(try await holdfast.run([CommandRunner.binary] + arguments).status == 0)
            #expect(try host.read("holdfast.yml") == written)
        }
    }

    @Test func aKeyPairOnAStickOpensWhatTheHostMakes() async throws {
        try await withDemoHost { host in
            let made = try await host.holdfast("key", "new", host.path("usb"), "--json")
            #expect(made.status == 0, "\(made)")
            let digits = try #require(try made.json()["fingerprint"].string)
            #expect(try host.names("usb") == ["README.txt", "private.asc", "public.asc", "revocation.asc"])
            #expect(try host.find("ring").filter { $0.hasSuffix(".key") } == [])
            #expect(try await host.holdfast("key", "import", "usb/public.asc").status == 0)
            try host.configure { $0.recipients = [digits] }
            try await host.backup()
            #expect(try await host.holdfast("verify", "--deep", "--key", "usb/private.asc").status == 0)
            let again = try await host.holdfast("key", "new", host.path("usb"), "--json")
            try expectFailure(again, 4, "recovery.key-exists", says: host.path("usb"))
        }
    }
}

/// `check`: one line each, with what to do.
@Suite struct ReadinessTests {
    private func finding(_ subject: String, _ outcome: CommandRunner.Outcome) throws -> JSONValue {
        try outcome.json()["findings"].all.first { $0["subject"].string == subject } ?? .null
    }

    @Test func allIsWell() async throws {
        try await withDemoHost(.backedUp) { host in
            let outcome = try await host.holdfast("check", "--json")
            #expect(outcome.status == 0, "\(outcome)")
            #expect(try outcome.json()["ready"].bool == true)
            for subject in [
                "gpg", "recipient", "private keys", "signing key", "journal", "space", "files compose",
                "volume n8n_data",
            ] {
                #expect(try finding(subject, outcome)["level"].string == "ok", "\(subject): \(outcome)")
            }
            #expect(try finding("engine", outcome)["level"].string == "warn")
        }
    }

    @Test func aPrivateKeyOnTheHostFails() async throws {
        try await withDemoHost { host in
            try await host.shell(
                "gpg --homedir ring --batch -q --import stick/private.asc; gpgconf --homedir ring --kill all")
            let outcome = try await host.holdfast("check", "--json")
            #expect(outcome.status == 1, "\(outcome)")
            #expect(try finding("private keys", outcome)["level"].string == "fail")
        }
    }

    @Test(arguments: [(200, "ok", 0), (25, "warn", 0), (10, "warn", 0), (2, "fail", 1)] as [(Int, String, Int32)])
    func aKeyThatExpires(days: Int, level: String, status: Int32) async throws {
        try await withDemoHost { host in
            let digits = host.keys.owner.digits
            try await host.withOwner {
                try await host.shell(
                    """
                    gpg --batch -q --quick-set-expire \(digits) \(days)d
                    gpg --batch -q --quick-set-expire \(digits) \(days)d '*'
                    gpg --batch --export \(digits) > public
                    """)
            }
            #expect(try await host.holdfast("key", "import", "public").status == 0)
            let outcome = try await host.holdfast("check", "--json")
            #expect(outcome.status == status, "\(outcome)")
            let found = try finding("recipient", outcome)
            #expect(found["level"].string == level, "\(outcome)")
            #expect(found["text"].string?.contains("expires in \(days - 1) days") == true, "\(outcome)")
            let backup = try await host.holdfast("backup")
            #expect(backup.errors.contains("expires in") == (level != "ok"))
        }
    }

    @Test func whatIsMissingFails() async throws {
        try await withDemoHost {
            $0.files.append(("gone", "/nowhere/at/all"))
        } _: { host in
            try await host.shell("mkdir -p volumes/empty/_data")
            let outcome = try await host.holdfast("check", "--json")
            #expect(outcome.status == 1, "\(outcome)")
            for subject in ["files gone", "volume empty"] {
                let found = try finding(subject, outcome)
                #expect(found["level"].string == "fail", "\(subject): \(outcome)")
            }
            #expect(try finding("volume empty", outcome)["remedy"].string?.contains("allow_empty") == true)
        }
    }

    @Test func aRestoreThatIsNeitherKeptNorUndoneIsSaid() async throws {
        try await withDemoHost(.backedUp) { host in
            #expect(try await host.restore("volume", "n8n_data").status == 0)
            let found = try finding("restore", try await host.holdfast("check", "--json"))
            #expect(found["level"].string == "warn")
            #expect(found["remedy"].string?.contains("restore commit") == true)
        }
    }

    @Test func whatAnInterruptedRunLeftFails() async throws {
        try await withDemoHost(.backedUp) { host in
            let held = try await host.holdingUpGPG(at: "--decrypt")
            let running = try held.holdfast.start(
                [CommandRunner.binary, "restore", "volume", "n8n_data", "--yes", "--key", host.privateKey])
            try await host.untilGPGIsHeld()
            running.signal(SIGKILL)
            _ = try await running.wait()
            let outcome = try await host.holdfast("check", "--json")
            #expect(outcome.status == 1, "\(outcome)")
            #expect(try finding("journal", outcome)["remedy"].string == "holdfast resume")
            #expect(try await host.holdfast("resume").status == 0)
            #expect(try host.leftovers() == [])
            #expect(try await host.holdfast("check").status == 0)
            try host.letGPGGo()
        }
    }
}
