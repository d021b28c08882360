import Settings
import Testing

@Suite struct ParseTests {
    private static let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567"

    @Test func readsEveryKeyOfTheContract() throws {
        let settings = try Settings.parse(
            """
            backup:
              directory: /var/backups/inlock/encrypted/
              encryption:
                recipients: ["0123 4567 89ab cdef 0123  4567 89ab cdef 0123 4567", admin@inlock.ai]
                keyring: /etc/holdfast/keyring
              compression: gzip:9
              volumes:
                root: /var/lib/docker/volumes
                include: ["n8n_*", traefik]
                exclude: ["*_cache"]
                allow_empty: spool
                quiesce: { "n8n_*": pause, n8n_data: stop, scratch: none }
                hooks: { n8n_data: { before: ["echo a", "echo b"], after: echo c } }
              files:
                - { name: compose, path: /home/comzis//./inlock-infra }
                - { name: logs, path: /var/log, exclude: ["*.gz", ./journal/] }
            docker: { socket: /run/docker.sock }
            state: /srv/holdfast
            """, file: "holdfast.yml")
        let volumes = Settings.Volumes(
            root: "/var/lib/docker/volumes", include: try patterns("n8n_*", "traefik"),
            exclude: try patterns("*_cache"),
            quiesce: [
                .init(try pattern("n8n_*"), .pause), .init(try pattern("n8n_data"), .stop),
                .init(try pattern("scratch"), .none),
            ],
            hooks: [
                .init(try pattern("n8n_data"), Settings.Hooks(before: ["echo a", "echo b"], after: ["echo c"]))
            ],
            allowEmpty: try patterns("spool"))
        let expected = Settings(
            backup: Settings.Backup(
                directory: "/var/backups/inlock/encrypted",
                encryption: Settings.Encryption(
                    recipients: [Self.fingerprint, "admin@inlock.ai"], keyring: "/etc/holdfast/keyring"),
                compression: .gzip(level: 9), volumes: volumes,
                files: [
                    Settings.FilesSource(name: "compose", path: "/home/comzis/inlock-infra"),
                    Settings.FilesSource(name: "logs", path: "/var/log", exclude: try patterns("*.gz", "journal")),
                ]),
            docker: Settings.Docker(socket: "/run/docker.sock"), state: "/srv/holdfast", file: "holdfast.yml")
        #expect(settings == expected)
    }

    @Test(arguments: [
        "backup: { directory: /b }",
        "backup: { directory: /b, volumes: null, files: ~, encryption: , compression: null }\ndocker:\nstate: ~",
        "# a comment\n---\nbackup:\n  directory: \"/b\"\n  volumes: {}\n...\n",
        "\u{feff}backup:\r\n  directory: /b\r\n",
        "{\"backup\": {\"directory\": \"/b\", \"volumes\": {\"include\": [\"*\"]}}}",
        "backup: { directory: !!str /b }",
    ])
    func fillsInDefaults(text: String) throws {
        let settings = try Settings.parse(text, file: "f")
        #expect(settings == Settings(backup: Settings.Backup(directory: "/b"), file: "f"))
        #expect(settings.state == "/var/lib/holdfast")
        #expect(settings.docker.socket == "/var/run/docker.sock")
        #expect(settings.backup.compression == .zstd(level: 3))
        #expect(settings.backup.volumes.selects("anything"))
        #expect(settings.backup.volumes.quiesce(for: "anything") == nil)
        #expect(settings.backup.volumes.hooks(for: "anything") == nil)
    }

    @Test func keepsScalarsAsTheyAreWritten() throws {
        let settings = try Settings.parse(
            "backup: { directory: /b, volumes: { include: [no, 1e3, 0x10, 2020-01-01, 'null'] } }", file: "f")
        #expect(settings.backup.volumes.include.map(\.text) == ["no", "1e3", "0x10", "2020-01-01", "null"])
    }

    @Test func expandsNothing() throws {
        let settings = try Settings.parse("backup: { directory: '/b/$HOME/${X}/~' }", file: "f")
        #expect(settings.backup.directory == "/b/$HOME/${X}/~")
    }

    @Test func takesASocketAsDockerWritesIt() throws {
        let settings = try Settings.parse(
            "backup: { directory: /b }\ndocker: { socket: 'unix:///run//user/1000/docker.sock' }", file: "f")
        #expect(settings.docker.socket == "/run/user/1000/docker.sock")
    }

    @Test func followsAliases() throws {
        let settings = try Settings.parse(
            """
            backup:
              directory: /b
              volumes:
                hooks:
                  a: &wait { before: [sleep 1] }
                  b: *wait
            """, file: "f")
        #expect(settings.backup.volumes.hooks(for: "b") == Settings.Hooks(before: ["sleep 1"]))
    }

    @Test func includesNothingWhenTold() throws {
        let settings = try Settings.parse("backup: { directory: /b, volumes: { include: [] } }", file: "f")
        #expect(!settings.backup.volumes.selects("anything"))
    }

    @Test func exactNamesComeBeforePatternsThenTheFirst() throws {
        let settings = try Settings.parse(
            """
            backup:
              directory: /b
              volumes:
                exclude: ["*_cache", tmp]
                quiesce: { "db_*": pause, "*": none, db_main: stop, "db_?": stop }
            """, file: "f")
        let volumes = settings.backup.volumes
        #expect(volumes.quiesce(for: "db_main") == .stop)
        #expect(volumes.quiesce(for: "db_1") == .pause)
        #expect(volumes.quiesce(for: "web") == Settings.Quiesce.none)
        #expect(volumes.selects("db_main"))
        #expect(!volumes.selects("web_cache"))
        #expect(!volumes.selects("tmp"))
        #expect(volumes.selects("tmp2"))
    }

    @Test func aSourceMayHoldTheBackupsWhenItLeavesThemOut() throws {
        let settings = try Settings.parse(
            """
            backup:
              directory: /srv/backups/holdfast
              files:
                - { name: a, path: /srv, exclude: [backups, state] }
                - { name: b, path: /srv, exclude: [backups/holdfast, /srv/state] }
                - { name: c, path: /srv/backup }
            state: /srv/state
            """, file: "f")
        #expect(settings.backup.files.count == 3)
    }
}

/// A pattern that a test knows to be one.
func pattern(_ text: String) throws -> Settings.Pattern { try #require(Settings.Pattern(text)) }

/// Patterns that a test knows to be some.
func patterns(_ texts: String...) throws -> [Settings.Pattern] { try texts.map(pattern) }
