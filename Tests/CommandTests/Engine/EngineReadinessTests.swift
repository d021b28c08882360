import Docker
import Glibc
import Machine
import TestKit
import Testing

/// What `init` finds on a host with an engine, and what `check` says of it.
@Suite(.enabled(if: RealEngine.isAvailable, Comment(rawValue: RealEngine.howToGetOne)))
struct EngineReadinessTests {
    // MARK: - init

    @Test func initLooksAtTheWholeHost() async throws {
        try await withEngineHost { host in
            let project = uniqueName("project")
            try await withVolume(host.engine) { database in
                try await withVolume(host.engine) { empty in
                    try await withVolume(host.engine, name: hexadecimalName()) { anonymous in
                        try host.write("16\n", to: "pgdata/PG_VERSION", in: database)
                        try host.write("x", to: "file", in: anonymous)
                        try makeFolders(host.folder + "/mounted")
                        let plan: (inout ContainerPlan) -> Void = { plan in
                            plan.volumes = [database.name: "/db", empty.name: "/empty", anonymous.name: "/anonymous"]
                            plan.binds = [
                                "\(host.folder)/mounted:/mounted", "\(host.folder)/compose:/compose",
                                "/etc/localtime:/etc/localtime:ro",
                            ]
                            plan.labels = [
                                "com.docker.compose.project": project, "com.docker.compose.service": "db",
                                "com.docker.compose.project.working_dir": host.folder + "/compose",
                            ]
                        }
                        try await withContainer(host.engine, plan) { container in
                            try await survey(host, project, database, empty, anonymous, container)
                        }
                    }
                }
            }
        }
    }

    private func survey(
        _ host: EngineHost, _ project: String, _ database: Volume, _ empty: Volume, _ anonymous: Volume,
        _ container: Container
    ) async throws {
        var holdfast = host.holdfast
        holdfast.environment["GPG_RECIPIENT"] = "\(host.demo.keys.owner.fingerprint)"
        holdfast.environment["HOLDFAST_CONFIG"] = nil
        let arguments = [
            "init", "--output", host.folder + "/new/holdfast.yml", "--directory", host.folder + "/new/backups",
            "--state",
            host.folder + "/new/state", "--docker-socket", host.engine.socket, "--keyring", host.demo.ring, "--json",
        ]
        let outcome = try await holdfast.run([CommandRunner.binary] + arguments)
        #expect(outcome.status == 0, "\(outcome)")
        let report = try outcome.json()
        let found = report["found"].all.compactMap(\.string)
        #expect(found.contains { $0.hasPrefix("Docker \(host.engine.version.version): ") && $0.hasSuffix(" volumes") })
        #expect(found.contains("compose project \(project) in \(host.folder)/compose"))
        #expect(found.contains { $0.hasPrefix("recipient ") })
        #expect(
            found.contains(
                "volume \(database.name): PostgreSQL lives in it, so its containers are stopped while it is read"))
        #expect(found.contains("volume \(empty.name) is empty now, and may be"))
        let missed = report["notCovered"].all.compactMap(\.string)
        #expect(missed.contains { $0.hasPrefix("\(host.folder)/mounted is mounted into containers and in no backup") })
        #expect(
            missed.contains { $0.contains("\(anonymous.name.prefix(12))…") && $0.contains("used by \(container.name)") }
        )
        #expect(!missed.contains { $0.contains(host.folder + "/compose") }, "it lies in what is backed up")
        #expect(!missed.contains { $0.contains("localtime") }, "it is the system's")
        #expect(!missed.contains { $0.contains("Nobody can read") })

        let yaml = try host.demo.read("new/holdfast.yml")
        #expect(yaml.contains("\(database.name): stop") && yaml.contains("PostgreSQL lives in it (pgdata/PG_VERSION)"))
        #expect(yaml.contains(empty.name) && yaml.contains("used by \(container.name)"))
        #expect(yaml.contains("\(host.demo.keys.owner.fingerprint)") && yaml.contains("path: \(host.folder)/compose"))
        #expect(try host.demo.status("new/holdfast.yml").st_mode & 0o777 == 0o600)
        #expect(host.demo.has("new/backups/host.asc"))
        let card = try host.demo.read("new/state/recovery-card.txt")
        #expect(card.contains(report["host"].string ?? "?"))

        let again = try await holdfast.run([CommandRunner.binary] + arguments)
        #expect(try again.json()["written"].bool == false)
        #expect(try again.json()["signingKey"] == report["signingKey"])
        #expect(try host.demo.read("new/holdfast.yml") == yaml)
        let check = try await holdfast.run([
            CommandRunner.binary, "check", "--config", host.folder + "/new/holdfast.yml", "--json",
        ])
        #expect(level("recipient", check) == ["ok"] && level("volume \(database.name)", check) == ["ok"])
    }

    // MARK: - check

    @Test func readyHostIsReady() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { volume in
                try host.write("data", to: "file", in: volume)
                try host.configure { configuration in
                    configuration.include = [volume.name]
                    configuration.files = [("compose", host.folder + "/compose")]
                }
                let check = try await host.holdfast("check", "--json")
                #expect(check.status == 0, "\(check)")
                #expect(try check.json()["ready"].bool == true)
                for subject in [
                    "configuration", "gpg", "recipient", "private keys", "signing key", "journal", "space", "engine",
                    "files compose", "volume \(volume.name)",
                ] { #expect(level(subject, check) == ["ok"], "\(subject)") }
                let text = try await host.holdfast("check")
                #expect(text.output.contains("ok    engine"))
                #expect(text.output.contains("Docker \(host.engine.version.version) at \(host.engine.socket)"))
                #expect(text.output.contains("Ready"))
            }
        }
    }

    /// What a backup would not bring back: it is said, but no reason to do without the rest.
    @Test func gapsAreWarnings() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { covered in
                try await withVolume(host.engine) { missed in
                    try host.write("data", to: "data/app.db-wal", in: covered)
                    try host.write("16", to: "pgdata/PG_VERSION", in: covered)
                    try makeFolders(host.folder + "/mounted")
                    let configure = { (mode: String) in
                        try host.configure { configuration in
                            configuration.include = [covered.name]
                            configuration.volumes = ["quiesce: { \(covered.name): \(mode) }"]
                            configuration.files = [("compose", host.folder + "/compose")]
                        }
                    }
                    try configure("none")
                    let plan: (inout ContainerPlan) -> Void = { plan in
                        plan.volumes = [covered.name: "/data"]
                        plan.binds = ["\(host.folder)/mounted:/mounted", "\(host.folder)/compose/sub:/sub"]
                    }
                    try await withContainer(host.engine, plan) { _ in
                        let check = try await host.holdfast("check", "--json")
                        #expect(check.status == 0, "\(check)")
                        let gaps = findings("not covered", check)
                        #expect(gaps.map { $0["level"].string } == ["warn", "warn"])
                        let texts = gaps.compactMap { $0["text"].string }
                        #expect(
                            texts.contains {
                                $0.hasPrefix("volumes in no backup: ") && $0.contains(missed.name)
                                    && !$0.contains(covered.name)
                            })
                        #expect(
                            texts.contains {
                                $0.hasPrefix("bind mounts in no backup: ") && $0.contains("\(host.folder)/mounted")
                                    && !$0.contains("/compose/sub")
                            })
                        let live = findings("volume \(covered.name)", check).filter { $0["level"].string == "warn" }
                        #expect(
                            live.compactMap { $0["text"].string?.split(separator: " ").first.map(String.init) }.sorted()
                                == ["PostgreSQL", "SQLite"])
                        let remedies = live.map { $0["remedy"].string ?? "" }.joined(separator: "\n")
                        #expect(remedies.contains("engine: postgres, container: "))
                        #expect(remedies.contains("engine: sqlite, volume: \(covered.name), file: data/app.db }"))
                        try configure("stop")
                        let quiesced = try await host.holdfast("check", "--json")
                        #expect(level("volume \(covered.name)", quiesced) == ["ok"])
                    }
                    try configure("none")
                    let idle = try await host.holdfast("check", "--json")
                    #expect(level("volume \(covered.name)", idle) == ["ok"], "nothing writes to it now")
                }
            }
        }
    }

    @Test func whatWouldFailTonightFailsNow() async throws {
        try await withEngineHost { host in
            try await withVolume(host.engine) { empty in
                let missing = uniqueName("missing")
                try host.configure { configuration in
                    configuration.include = [empty.name, missing]
                    configuration.files = [("gone", host.folder + "/gone")]
                }
                try host.demo.write(
                    "state/journal.jsonl", "{\"container\":\"1\",\"id\":1,\"name\":\"web\",\"owe\":\"start\"}\n")
                try host.demo.write(
                    "state/restores/2025-12-21T000000Z.json",
                    "{\"restore\": \"2025-12-21T000000Z\", \"point\": \"x\", \"swaps\": []}")
                try await host.demo.shell(
                    "gpg --homedir ring --batch -q --import stick/private.asc; gpgconf --homedir $PWD/ring --kill all")
                let check = try await host.holdfast("check", "--json")
                #expect(check.status == 1, "\(check)")
                #expect(try check.json()["ready"].bool == false)
                #expect(level("journal", check) == ["fail"])
                #expect(findings("journal", check).first?["remedy"].string == "holdfast resume")
                #expect(level("private keys", check) == ["fail"])
                #expect(level("files gone", check) == ["fail"])
                #expect(level("volume \(empty.name)", check) == ["fail"])
                #expect(level("volume \(missing)", check) == ["fail"], "a name that is no pattern has to be there")
                #expect(level("restore", check) == ["warn"])
                // Looking mends nothing.
                #expect(!host.demo.journal.isEmpty)

                try host.configure { configuration in
                    configuration.include = [empty.name]
                    configuration.socket = host.folder + "/nowhere.sock"
                }
                let engineless = try await host.holdfast("check", "--json")
                #expect(engineless.status == 1)
                #expect(level("engine", engineless) == ["fail"])
            }
        }
    }

    @Test(arguments: [("40d", "ok"), ("30d", "warn"), ("13d", "warn"), ("5d", "warn"), ("3d", "fail"), ("1d", "fail")])
    func keysThatExpireAreSaidInTime(_ age: String, _ expected: String) async throws {
        try await withEngineHost { host in
            let fingerprint = "\(host.demo.keys.owner.fingerprint)"
            try await host.demo.withOwner {
                try await host.demo.shell(
                    """
                    gpg --batch -q --pinentry-mode loopback --passphrase '' --quick-set-expire \(fingerprint) \(age)
                    gpg --export \(fingerprint) >public.pgp
                    """)
            }
            let imported = try await host.holdfast("key", "import", host.folder + "/public.pgp")
            #expect(imported.status == 0, "\(imported)")
            let check = try await host.holdfast("check", "--json")
            #expect(level("recipient", check) == [expected])
            let finding = findings("recipient", check).first
            #expect(
                finding?["text"].string?.contains("expires in \((Int(age.dropLast()) ?? 0) - 1) days") == true,
                "\(check)")
            guard expected != "ok" else { return }
            #expect(finding?["remedy"].string?.contains("gpg --quick-set-expire \(fingerprint)") == true)
        }
    }

    /// As the engine names volumes that nobody named.
    private func hexadecimalName() -> String {
        (0..<64).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
    }

    private func findings(_ subject: String, _ check: CommandRunner.Outcome) -> [JSONValue] {
        ((try? check.json())?["findings"].all ?? []).filter { $0["subject"].string == subject }
    }

    private func level(_ subject: String, _ check: CommandRunner.Outcome) -> [String] {
        findings(subject, check).compactMap { $0["level"].string }
    }
}
