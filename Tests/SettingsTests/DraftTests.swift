import Schedules
import Settings
import Testing

@Suite struct DraftTests {
    private let fingerprint = "0123456789012345678901234567890123456789"

    private func schedule() throws -> Settings.Schedule {
        .init(
            backup: try CalendarExpression("04:30"), verify: try CalendarExpression("Sun 06:00"), prune: .afterBackup)
    }

    @Test func theBarestDraftIsReadBack() throws {
        let draft = SettingsDraft(directory: "/var/backups/holdfast")
        let settings = try Settings.parse(draft.yaml(), file: "f")
        #expect(
            settings
                == Settings(
                    backup: Settings.Backup(directory: "/var/backups/holdfast", retention: .init(within: 30 * 86_400)),
                    schedule: try schedule(), file: "f"))
    }

    @Test func aFullDraftIsReadBack() throws {
        var draft = SettingsDraft(directory: "/var/backups/my disk: #1")
        draft.recipients = [
            .init(fingerprint: fingerprint, userID: "A <a@b.c>\nstate: /evil"), .init(fingerprint: "a@b.c"),
        ]
        draft.keyring = "/etc/holdfast/keyring"
        draft.compression = .gzip(level: 7)
        draft.volumesRoot = "/mnt/yes"
        draft.volumes = [.init(name: "n8n_data", note: "1.2 GiB, used by n8n"), .init(name: "evil\nstate: /evil")]
        draft.include = ["*", "no", "[a-z]*"]
        draft.exclude = ["*_cache"]
        draft.allowEmpty = ["spool"]
        draft.quiesce = [
            .init(pattern: "n8n_data", mode: .stop, reason: "SQLite lies in it"), .init(pattern: "*", mode: .none),
        ]
        draft.files = [
            .init(
                name: "compose", path: "/home/ä \"x\"/\\infra", exclude: ["*.log", "./a b"], note: "compose project"),
            .init(name: "0", path: "/etc/traefik"),
        ]
        draft.databases = [
            .init(name: "n8n", place: .container("n8n-db"), user: "n8n", note: "PostgreSQL 16\nstate: /evil"),
            .init(name: "app", place: .service("db", project: "app")), .init(name: "0", place: .container("7")),
            .init(name: "kuma", place: .volume("kuma_data", file: "data/my kuma.db")),
            .init(name: "web", place: .path("/srv/a, b/web.db"), note: "it is open"),
        ]
        draft.dockerSocket = "/run/user/1000/docker.sock"
        draft.state = "/srv/state"
        let settings = try Settings.parse(draft.yaml(), file: "f")
        let expected = Settings(
            backup: Settings.Backup(
                directory: "/var/backups/my disk: #1",
                encryption: Settings.Encryption(recipients: [fingerprint, "a@b.c"], keyring: "/etc/holdfast/keyring"),
                compression: .gzip(level: 7),
                volumes: Settings.Volumes(
                    root: "/mnt/yes", include: try patterns("*", "no", "[a-z]*"), exclude: try patterns("*_cache"),
                    quiesce: [.init(try pattern("n8n_data"), .stop), .init(.all, .none)],
                    allowEmpty: try patterns("spool")),
                files: [
                    Settings.FilesSource(
                        name: "compose", path: "/home/ä \"x\"/\\infra", exclude: try patterns("*.log", "a b")),
                    Settings.FilesSource(name: "0", path: "/etc/traefik"),
                ],
                databases: [
                    .init(name: "n8n", engine: .postgres(.init(place: .container("n8n-db"), user: "n8n"))),
                    .init(name: "app", engine: .postgres(.init(place: .service("db", project: "app")))),
                    .init(name: "0", engine: .postgres(.init(place: .container("7")))),
                    .init(
                        name: "kuma", engine: .sqlite(.init(place: .volume("kuma_data", file: "data/my kuma.db")))),
                    .init(name: "web", engine: .sqlite(.init(place: .path("/srv/a, b/web.db")))),
                ], retention: .init(within: 30 * 86_400)),
            schedule: try schedule(),
            docker: Settings.Docker(socket: "/run/user/1000/docker.sock"), state: "/srv/state", file: "f")
        #expect(settings == expected)
        #expect(draft.yaml().contains("#   n8n_data           1.2 GiB, used by n8n\n"))
        let line =
            "    - { name: n8n, engine: postgres, container: n8n-db, user: n8n, database: \"*\" }   # PostgreSQL 16"
        #expect(draft.yaml().contains(line))
    }

    @Test func explainsEveryKey() {
        let text = SettingsDraft(directory: "/b").yaml()
        for key in Section.allCases.flatMap(\.keys) {
            #expect(text.contains("\(key):") || text.contains("`\(key)`"), "\(key)")
        }
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 120 })
    }

    @Test func quotesWhatOtherReadersOfYAMLWouldTakeForSomethingElse() {
        for word in [
            "", "no", "Null", "1", "1e3", "-", "- a", "a: b", "a #b", "*", "&a", "!a", "a\u{85}b", "~", ".5", "a,b",
        ] {
            #expect(SettingsDraft.scalar(word).hasPrefix("\""), "\(word)")
        }
        for word in ["/var/lib", "n8n_data", "a.b-c"] { #expect(SettingsDraft.scalar(word) == word) }
    }

    @Test func anyTextSurvivesTheWayThere() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<300 {
            let text = random.text(
                of: "ab \"'\\:#-*&!|>%@`{}[],?~\n\t\r\u{1}\u{7f}\u{85}\u{2028}\u{fffe}é😀\u{10fffd}", upTo: 12)
            guard !text.isEmpty else { continue }
            var draft = SettingsDraft(directory: "/b")
            draft.volumes = [.init(name: text, note: text)]
            draft.quiesce = [.init(pattern: "a", mode: .stop, reason: text)]
            draft.recipients = [.init(fingerprint: fingerprint, userID: text)]
            let path = "/p/" + text
            let isPath = !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
            draft.databases = [.init(name: "d", place: .container("c"), note: text)]
            if isPath { draft.files = [.init(name: "p", path: path, note: text)] }
            if Settings.Pattern(text) != nil { draft.exclude = [text] }
            let settings = try Settings.parse(draft.yaml(), file: "f")
            #expect(settings.backup.volumes.exclude.map(\.text) == draft.exclude, "seed \(seed)")
            if isPath { #expect(settings.backup.files.map(\.path) == [try HostPath(path).text], "seed \(seed)") }
        }
    }
}
