import Settings
import Testing

/// A wrong configuration and what has to be said about it.
struct BadInput: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let code: String
    let place: String
    let parts: [String]

    init(_ name: String, _ text: String, _ code: String, _ place: String, _ parts: String...) {
        self.init(name, text: text, code, place, parts)
    }

    init(_ name: String, text: String, _ code: String, _ place: String, _ parts: [String]) {
        self.name = name
        self.text = text
        self.code = "settings." + code
        self.place = place
        self.parts = parts
    }

    var testDescription: String { name }
}

@Suite struct BadInputTests {
    @Test(arguments: keys + shapes + values + syntax)
    func saysWhatWhereAndWhatToDo(input: BadInput) throws {
        let error = try #require(throws: SettingsError.self) { try Settings.parse(input.text, file: "h.yml") }
        #expect(error.code == input.code)
        #expect(error.place == input.place)
        #expect(error.problems.count == 1)
        let remedy = try #require(error.remedy)
        #expect(!remedy.isEmpty)
        for part in input.parts { #expect("\(error)".contains(part), "\(error)") }
    }

    private static let keys = [
        BadInput(
            "typing slip", "backup:\n  directory: /b\n  encryption:\n    recipient: a@b.c\n", "unknown-key",
            "h.yml:4:5",
            "Unknown key `recipient` in `backup.encryption` – did you mean `recipients`?"),
        BadInput(
            "swapped letters", "bakcup: { directory: /b }\nbackup: { directory: /b }", "unknown-key", "h.yml:1:1",
            "`backup`"),
        BadInput("begun alike", "backup: { dir: /b, directory: /b }", "unknown-key", "h.yml:1:11", "`directory`"),
        BadInput(
            "elsewhere", "backup: { directory: /b, recipients: [a@b.c] }", "unknown-key", "h.yml:1:26",
            "belongs in `backup.encryption`"),
        BadInput(
            "unheard of", "backup: { directory: /b }\nfrobnicate: 1", "unknown-key", "h.yml:2:1", "the top level",
            "`backup`, `schedule`, `notify`, `docker`, `metrics`, `state`"),
        BadInput("merge key", "backup: { directory: /b, <<: {} }", "unknown-key", "h.yml:1:26", "`<<`"),
        BadInput(
            "a later holdfast's", "backup: { directory: /b }\noffsite: { restic: /r }", "unsupported-key",
            "h.yml:2:1",
            "`offsite` is not supported by this version of holdfast"),
        BadInput(
            "keeps nothing", "backup:\n  directory: /b\n  retention: { keep_last: 0 }\n", "bad-value", "h.yml:3:14",
            "`backup.retention` keeps nothing at all"),
        BadInput(
            "no number", "backup:\n  directory: /b\n  retention: { keep_daily: many }\n", "bad-value", "h.yml:3:28",
            "`many` is no number"),
        BadInput(
            "legacy without a folder", "backup:\n  directory: /b\n  legacy: [ { keep_within: 7d } ]\n", "missing-key",
            "h.yml:3:13", "`backup.legacy[0].directory`"),
        BadInput(
            "no textfile", "backup: { directory: /b }\nmetrics: { textfile: /x/holdfast.txt }", "bad-value",
            "h.yml:2:22",
            "has to end in `.prom`"),
        BadInput(
            "twice", "backup:\n  directory: /b\n  compression: none\n  directory: /c\n", "duplicate-key", "h.yml:4:3",
            "`backup.directory` stands twice, first in line 2"),
        BadInput(
            "pattern twice", "backup:\n  directory: /b\n  volumes: { quiesce: { 'a': stop, \"a\": none } }",
            "duplicate-key",
            "h.yml:3:36", "`backup.volumes.quiesce.a`"),
        BadInput("no backup", "state: /s", "missing-key", "h.yml:1:1", "`backup` is missing"),
        BadInput("no directory", "state: /s\nbackup:\n  files: []\n", "missing-key", "h.yml:3:3", "`backup.directory`"),
        BadInput(
            "directory without value", "backup:\n  directory:\n", "missing-key", "h.yml:2:3", "`backup.directory`"),
        BadInput(
            "source without path", "backup: { directory: /b, files: [{ name: a }] }", "missing-key", "h.yml:1:34",
            "`backup.files[0].path`"),
        BadInput("list as key", "backup: { directory: /b }\n? [a]\n: b", "wrong-type", "h.yml:2:3", "plain text"),
    ]

    private static let shapes = [
        BadInput("top is a list", "- backup", "wrong-type", "h.yml:1:1", "mapping", "a list"),
        BadInput("top is a text", "hello", "wrong-type", "h.yml:1:1", "`hello`"),
        BadInput("backup is a text", "backup: /b", "wrong-type", "h.yml:1:9", "`backup`", "`/b`"),
        BadInput("path is a list", "backup: { directory: [/b] }", "wrong-type", "h.yml:1:22", "a path", "a list"),
        BadInput(
            "volumes is a word", "backup: { directory: /b, volumes: none }", "wrong-type", "h.yml:1:35", "include: []"),
        BadInput(
            "include is a mapping", "backup: { directory: /b, volumes: { include: {} } }", "wrong-type", "h.yml:1:46",
            "a list of patterns"),
        BadInput(
            "files is a mapping", "backup: { directory: /b, files: { a: /a } }", "wrong-type", "h.yml:1:33", "- { name"),
        BadInput(
            "files holds paths", "backup:\n  directory: /b\n  files:\n    - /a", "wrong-type", "h.yml:4:7",
            "`backup.files[0]`"),
        BadInput(
            "quiesce is a list", "backup: { directory: /b, volumes: { quiesce: [a] } }", "wrong-type", "h.yml:1:46",
            "VOLUME: stop"),
        BadInput(
            "quiesce of nothing", "backup: { directory: /b, volumes: { quiesce: { a: } } }", "wrong-type", "h.yml:1:51",
            "nothing"),
        BadInput(
            "hook is a text", "backup: { directory: /b, volumes: { hooks: { a: ls } } }", "wrong-type", "h.yml:1:49",
            "before"),
        BadInput(
            "list in a list", "backup: { directory: /b, volumes: { include: [[a]] } }", "wrong-type", "h.yml:1:47",
            "include[0]"),
        BadInput(
            "nothing in a list", "backup: { directory: /b, volumes: { include: [~] } }", "wrong-type", "h.yml:1:47",
            "nothing"),
    ]

    private static let values = [
        BadInput("home", "backup: { directory: ~/b }", "bad-value", "h.yml:1:22", "absolute", "`~` is not expanded"),
        BadInput("variable", "backup: { directory: $HOME/b }", "bad-value", "h.yml:1:22", "not expanded"),
        BadInput("relative", "backup: { directory: b }", "bad-value", "h.yml:1:22", "`b`", "Start it with `/`"),
        BadInput("climbing", "backup: { directory: /a/../b }", "bad-value", "h.yml:1:22", "`..`"),
        BadInput(
            "line break in a path", "backup: { directory: \"/a\\nb\" }", "bad-value", "h.yml:1:22", "control character"),
        BadInput("empty", "backup: { directory: '' }", "bad-value", "h.yml:1:22", "is empty"),
        BadInput("state", "backup: { directory: /b }\nstate: var", "bad-value", "h.yml:2:8", "`state`"),
        BadInput(
            "short id", "backup: { directory: /b, encryption: { recipients: [DEADBEEF] } }", "bad-value", "h.yml:1:53",
            "`backup.encryption.recipients[0]`", "`DEADBEEF`", "gpg --list-keys --with-subkey-fingerprint"),
        BadInput(
            "0x", "backup: { directory: /b, encryption: { recipients: 0x0123456789ABCDEF0123456789ABCDEF01234567 } }",
            "bad-value", "h.yml:1:52", "full fingerprint", "holdfast key list"),
        BadInput(
            "user id", "backup: { directory: /b, encryption: { recipients: ['A <a@b.c>'] } }", "bad-value",
            "h.yml:1:53",
            "`A <a@b.c>`"),
        BadInput(
            "option", "backup: { directory: /b, encryption: { recipients: ['--x@b.c'] } }", "bad-value", "h.yml:1:53"),
        BadInput(
            "keyring", "backup: { directory: /b, encryption: { keyring: k } }", "bad-value", "h.yml:1:49",
            "`backup.encryption.keyring`"),
        BadInput(
            "compression", "backup: { directory: /b, compression: zst }", "bad-value", "h.yml:1:39",
            "did you mean `zstd`?"),
        BadInput(
            "level", "backup: { directory: /b, compression: zstd:20 }", "bad-value", "h.yml:1:39", "levels 1 to 19"),
        BadInput(
            "gzip level", "backup: { directory: /b, compression: gzip:0 }", "bad-value", "h.yml:1:39", "levels 1 to 9"),
        BadInput("no level", "backup: { directory: /b, compression: 'zstd:' }", "bad-value", "h.yml:1:39", "levels"),
        BadInput(
            "level of none", "backup: { directory: /b, compression: none:3 }", "bad-value", "h.yml:1:39", "no levels"),
        BadInput(
            "bracket", "backup: { directory: /b, volumes: { include: ['a[b'] } }", "bad-value", "h.yml:1:47", "bracket"),
        BadInput(
            "bracket in a key", "backup: { directory: /b, volumes: { quiesce: { 'a[b': stop } } }", "bad-value",
            "h.yml:1:48", "`a[b`"),
        BadInput(
            "quiesce", "backup: { directory: /b, volumes: { quiesce: { a: stopp } } }", "bad-value", "h.yml:1:51",
            "did you mean `stop`?"),
        BadInput(
            "name", "backup: { directory: /b, files: [{ name: .a, path: /a }] }", "bad-value", "h.yml:1:42", "`.a`"),
        BadInput(
            "name with a slash", "backup: { directory: /b, files: [{ name: a/b, path: /a }] }", "bad-value",
            "h.yml:1:42", "`a/b`"),
        BadInput(
            "name twice",
            "backup:\n  directory: /b\n  files:\n    - { name: a, path: /a }\n    - { name: a, path: /c }",
            "bad-value", "h.yml:5:15", "`a` is already", "in line 4"),
        BadInput(
            "TCP", "backup: { directory: /b }\ndocker: { socket: 'tcp://h:2375' }", "bad-value", "h.yml:2:19",
            "Unix socket"),
        BadInput(
            "swallows backups", "backup: { directory: /a/b, files: [{ name: a, path: /a }] }", "conflict", "h.yml:1:53",
            "`backup.directory`", "exclude: [b]"),
        BadInput(
            "is the backups", "backup: { directory: /a, files: [{ name: a, path: /a/ }] }", "conflict", "h.yml:1:51",
            "Move one"),
        BadInput(
            "swallows state", "backup: { directory: /b, files: [{ name: a, path: /var/lib }] }", "conflict",
            "h.yml:1:51", "`state`", "exclude: [holdfast]"),
        BadInput(
            "swallows from the root", "backup: { directory: /b, files: [{ name: a, path: /, exclude: [var] }] }",
            "conflict", "h.yml:1:51", "`backup.directory`"),
    ]

    private static let syntax = [
        BadInput("empty", "# nothing\n", "empty", "h.yml", "holdfast init"),
        BadInput("no text at all", "", "empty", "h.yml", "holdfast init"),
        BadInput("tab", "backup:\n\tdirectory: /b\n", "syntax", "h.yml:2:1", "spaces"),
        BadInput("open bracket", "backup: { directory: [/b }\n", "syntax", "h.yml:1:26", "brackets"),
        BadInput("open quote", "backup: { directory: \"/b }\n", "syntax", "h.yml:2:1", "Not valid YAML"),
        BadInput("star", "backup:\n  volumes:\n    include: [*]\n", "syntax", "h.yml:3:15", "in quotes"),
        BadInput("star and name", "backup:\n  volumes:\n    include: [*_cache]\n", "syntax", "h.yml:3:15", "in quotes"),
        BadInput("at", "backup: { directory: @b }", "syntax", "h.yml:1:22", "in quotes"),
        BadInput("colon", "backup:\n  directory: a: b\n", "syntax", "h.yml:2:15", "in quotes"),
        BadInput(
            "two documents", "backup: { directory: /b }\n---\nbackup: { directory: /b }\n", "syntax", "h.yml:3:1",
            "more than one"),
        BadInput("tag", "backup: { directory: !secret b }", "syntax", "h.yml:1:22", "`!secret`"),
        BadInput("control character", "backup:\n  directory: /\u{1}b\n", "syntax", "h.yml:2:15", "control characters"),
    ]
}
