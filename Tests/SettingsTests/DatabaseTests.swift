import Settings
import Testing

@Suite struct DatabaseTests {
    @Test func readsEveryKeyOfADatabase() throws {
        let databases = try databases(
            """
            - { name: n8n, engine: postgres, container: postgres, user: n8n, database: n8n }
            - { name: shop, engine: postgres, service: db, project: shop, database: [a, "B \\"c\\"", ünï], lock_timeout: 90s }
            - { name: all, engine: postgres, service: db, database: "*", password_file: /etc/holdfast//pg }
            - { name: app, engine: postgres, url: "postgresql://user@127.0.0.1:5433/app", password_file: /etc/holdfast/pg }
            - { name: kuma, engine: sqlite, path: /srv//kuma/kuma.db }
            - { name: Home_1, engine: sqlite, volume: home, file: ./config//home.db }
            """)
        typealias Postgres = Settings.Postgres
        let expected = [
            Settings.Database(
                name: "n8n",
                engine: .postgres(Postgres(place: .container("postgres"), user: "n8n", databases: .some(["n8n"])))),
            Settings.Database(
                name: "shop",
                engine: .postgres(
                    Postgres(
                        place: .service("db", project: "shop"), databases: .some(["a", "B \"c\"", "ünï"]),
                        lockTimeout: 90))),
            Settings.Database(
                name: "all",
                engine: .postgres(Postgres(place: .service("db", project: nil), passwordFile: "/etc/holdfast/pg"))),
            Settings.Database(
                name: "app",
                engine: .postgres(
                    Postgres(
                        place: .server(Postgres.Server(host: "127.0.0.1", port: 5433)), user: "user",
                        databases: .some(["app"]), passwordFile: "/etc/holdfast/pg"))),
            Settings.Database(name: "kuma", engine: .sqlite(.init(place: .path("/srv/kuma/kuma.db")))),
            Settings.Database(name: "Home_1", engine: .sqlite(.init(place: .volume("home", file: "config/home.db")))),
        ]
        #expect(databases == expected)
        #expect(try self.databases("[]").isEmpty)
        let url = "postgres://u@h/d"
        #expect(try postgres(url, also: "user: u, database: [d]") == postgres(url))
    }

    @Test func readsURLs() throws {
        func server(_ url: String) throws -> Settings.Postgres.Server? {
            guard case .server(let server) = try postgres(url).place else { return nil }
            return server
        }
        #expect(try server("postgresql://") == .init())
        #expect(try postgres("postgresql://") == .init(place: .server(.init())))
        #expect(try server("postgres://db.example.org") == .init(host: "db.example.org"))
        #expect(try server("postgresql://h:/") == .init(host: "h"))
        #expect(try server("postgresql://[fe80::1%25eth0]:65535") == .init(host: "fe80::1%25eth0", port: 65535))
        #expect(try server("postgresql://[::1]/a") == .init(host: "::1"))
        #expect(try server("postgresql://%2Frun%2fpostgresql:5432/a") == .init(host: "/run/postgresql", port: 5432))
        #expect(try server("postgresql:///a?host=/run/postgresql/") == .init(host: "/run/postgresql"))
        #expect(try server("postgresql://:7/?host=h") == .init(host: "h", port: 7))
        #expect(
            try server("postgresql://h?sslmode=verify-full&sslrootcert=system&sslcert=/a%20b&connect_timeout=9&port=1")
                == .init(
                    host: "h", port: 1,
                    parameters: [
                        "sslmode": "verify-full", "sslrootcert": "system", "sslcert": "/a b", "connect_timeout": "9",
                    ]))
        let odd = try postgres("postgresql://a%40b%3Ac%25@h/my%20%2F%3Fd%C3%A4ta")
        #expect(odd.user == "a@b:c%" && odd.databases == .some(["my /?däta"]))
        let inQuery = try postgres("postgresql://h?user=%22u%22&dbname=d")
        #expect(inQuery.user == "\"u\"" && inQuery.databases == .some(["d"]))
        #expect(try postgres("postgresql://u@h").databases == .all)
    }

    @Test(arguments: entries + contradictions + addresses)
    func saysWhatWhereAndWhatToDo(input: BadInput) throws {
        let error = try #require(throws: SettingsError.self) { try Settings.parse(input.text, file: "h.yml") }
        #expect(error.code == input.code, "\(error)")
        #expect(error.place == input.place, "\(error)")
        #expect(error.problems.count == 1, "\(error)")
        #expect(!(try #require(error.remedy)).isEmpty)
        for part in input.parts { #expect("\(error)".contains(part), "\(error)") }
    }

    /// Wherever a URL is misspelt, what may be its password stays unsaid.
    @Test(arguments: [
        "postgresql://u:SECRET@h/d", "postgresql://u:a@SECRET@h/d", "postgresql://u:SECRET@h:x/d",
        "postgresql://u:1/SECRET@h/d", "postgresql://u:1?SECRET=1@h/d", "postgresql://u:SECRET", "mysql://u:SECRET@h",
        "postgresql://u:SE%CRET@h", "postgresql://h/d?password=SECRET", "postgresql://h?sslpassword=SECRET",
        "postgresql://u:%53ECRET@[h]/d", "postgresql:/u:SECRET@h", "postgresql://h:5432:SECRET",
        "postgresql://h?sslmode=SECRET", "postgresql://h?connect_timeout=SECRET", "postgresql://h?sslkey=SECRET",
    ])
    func aPasswordIsNeverShown(url: String) throws {
        for key in ["url", "container", "service", "password_file", "password", "uri"] {
            let error = try #require(throws: SettingsError.self) {
                try databases("- { name: a, engine: postgres, \(key): \"\(url)\" }")
            }
            #expect(!"\(error)".contains("SECRET") && !"\(error)".contains("ECRET"), "\(error)")
        }
    }

    @Test func aPasswordInPlaceOfItsFileIsNotShownEither() throws {
        let error = try #require(throws: SettingsError.self) {
            try databases("- { name: a, engine: postgres, container: c, password_file: hunter2 }")
        }
        #expect(!"\(error)".contains("hunter2") && "\(error)".contains("absolute path"))
    }

    @Test(arguments: [
        ("a", true), ("A-b_9", true), ("0", true), (String(repeating: "a", count: 32), true), ("", false),
        ("-a", false), ("_a", false), ("a.b", false), ("ä", false), ("a b", false), ("a/b", false),
        (String(repeating: "a", count: 33), false),
    ])
    func knowsNames(name: String, isOne: Bool) { #expect(Settings.Database.isValid(name: name) == isOne) }

    private func databases(_ yaml: String) throws -> [Settings.Database] {
        let indented = yaml.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
        return try Settings.parse("backup:\n  directory: /b\n  databases:\n" + indented, file: "f").backup.databases
    }

    private func postgres(_ url: String, also: String = "lock_timeout: 5m") throws -> Settings.Postgres {
        let databases = try databases("- { name: a, engine: postgres, url: \"\(url)\", \(also) }")
        guard case .postgres(let postgres)? = databases.first?.engine else { throw Missing() }
        return postgres
    }

    private struct Missing: Error {}
}

extension DatabaseTests {
    /// One entry, whose text begins in column 7 of line 4.
    private static func bad(
        _ name: String, _ entry: String, _ code: String, column: Int, _ parts: String...
    ) -> BadInput {
        BadInput(
            name, text: "backup:\n  directory: /b\n  databases:\n    - { \(entry) }\n", code, "h.yml:4:\(column)", parts
        )
    }

    fileprivate static let entries = [
        BadInput(
            "no list", "backup: { directory: /b, databases: { a: b } }", "wrong-type", "h.yml:1:37", "- { name"),
        BadInput("texts", "backup:\n  directory: /b\n  databases: [a]\n", "wrong-type", "h.yml:3:15", "`a`"),
        bad("no name", "engine: sqlite, path: /p", "missing-key", column: 7, "`backup.databases[0].name`"),
        bad("no engine", "name: a, path: /p", "missing-key", column: 7, "postgres, sqlite"),
        bad("mysql", "name: a, engine: mysql, container: c", "unsupported-engine", column: 26, "not supported yet"),
        bad("MariaDB", "name: a, engine: MariaDB", "unsupported-engine", column: 26, "`backup.files`"),
        bad("postgresql", "name: a, engine: postgresql", "bad-value", column: 26, "did you mean `postgres`?"),
        bad("sqlite3", "name: a, engine: sqlite3", "bad-value", column: 26, "did you mean `sqlite`?"),
        bad("another engine", "name: a, engine: redis", "bad-value", column: 26, "postgres, sqlite"),
        bad("a dot", "name: a.b, engine: sqlite, path: /p", "bad-value", column: 15, "`a.b`", "32"),
        bad("typing slip", "name: a, engine: sqlite, paht: /p, path: /p", "unknown-key", column: 34, "`path`?"),
        bad(
            "password", "name: a, engine: postgres, container: c, password: x", "unknown-key", column: 50,
            "`password_file`"),
        BadInput(
            "twice",
            "backup:\n  directory: /b\n  databases:\n    - { name: a, engine: sqlite, path: /a }\n    - { name: a, engine: postgres, container: c }",
            "bad-value", "h.yml:5:15", "`a` is already", "in line 4"),
        bad("root", "name: a, engine: sqlite, path: /", "bad-value", column: 40, "folder"),
        bad("relative", "name: a, engine: sqlite, path: p", "bad-value", column: 40, "absolute"),
        bad("climbing", "name: a, engine: sqlite, volume: v, file: ../p", "bad-value", column: 51, "inside the volume"),
        bad("from the root", "name: a, engine: sqlite, volume: v, file: /p", "bad-value", column: 51, "`/p`"),
        bad("the volume itself", "name: a, engine: sqlite, volume: v, file: ./", "bad-value", column: 51, "`./`"),
        bad("no file", "name: a, engine: sqlite, volume: v", "missing-key", column: 7, "`backup.databases[0].file`"),
        bad("a volume's path", "name: a, engine: sqlite, volume: /v, file: f", "bad-value", column: 42, "volume"),
        bad("a container's slash", "name: a, engine: postgres, container: /c", "bad-value", column: 47, "`/c`"),
        bad(
            "lock_timeout", "name: a, engine: postgres, container: c, lock_timeout: 5", "bad-value", column: 64, "`90s`"
        ),
        bad(
            "no databases", "name: a, engine: postgres, container: c, database: []", "bad-value", column: 60,
            "no database"),
        bad(
            "all and one", "name: a, engine: postgres, container: c, database: [a, '*']", "bad-value", column: 60, "`*`"
        ),
        bad("one twice", "name: a, engine: postgres, container: c, database: [a, a]", "bad-value", column: 60, "twice"),
        bad(
            "line break", "name: a, engine: postgres, container: c, user: \"a\\nb\"", "bad-value", column: 56,
            "line break"),
        bad(
            "too long", "name: a, engine: postgres, container: c, user: \(String(repeating: "ä", count: 32))",
            "bad-value", column: 56, "63 bytes"),
    ]

    fileprivate static let contradictions = [
        bad("nowhere", "name: a, engine: postgres, user: u", "missing-key", column: 7, "`container: …`", "`url: …`"),
        bad("nowhere, sqlite", "name: a, engine: sqlite, file: f", "missing-key", column: 7, "`volume: …`"),
        bad("two places", "name: a, engine: postgres, service: s, container: c", "conflict", column: 45, "`container`"),
        bad(
            "two places, sqlite", "name: a, engine: sqlite, path: /p, volume: v, file: f", "conflict", column: 52,
            "`path`"),
        bad("file of a path", "name: a, engine: sqlite, path: /p, file: f", "conflict", column: 50, "`volume`"),
        bad(
            "a server's path", "name: a, engine: postgres, container: c, path: /p", "conflict", column: 56,
            "`engine: sqlite`", "`engine: postgres`"),
        bad(
            "a file's user", "name: a, engine: sqlite, path: /p, user: u", "conflict", column: 50, "`engine: postgres`"),
        bad("project", "name: a, engine: postgres, container: c, project: p", "conflict", column: 59, "`service`"),
        bad("two users", "name: a, engine: postgres, user: u, url: 'postgres://v@h'", "conflict", column: 42, "`v`"),
        bad(
            "two databases", "name: a, engine: postgres, database: d, url: 'postgres:///e'", "conflict", column: 46,
            "`e`"),
        bad(
            "one and all", "name: a, engine: postgres, database: '*', url: 'postgres:///e'", "conflict", column: 46,
            "`e`"),
    ]

    private static func url(_ name: String, _ url: String, _ parts: String...) -> BadInput {
        BadInput(
            name,
            text: "backup:\n  directory: /b\n  databases:\n    - { name: a, engine: postgres, url: \"\(url)\" }\n",
            "bad-value", "h.yml:4:41", parts)
    }

    fileprivate static let addresses = [
        url("scheme", "mysql://h/d", "postgresql://"),
        url("password", "postgresql://u:p@h/d", "holds a password", "password_file"),
        url("empty password", "postgresql://u:@h/d", "holds a password"),
        url("at", "postgresql://a@b@h/d", "%40"),
        url("late at", "postgresql://h/d@e", "%40"),
        url("parameter", "postgresql://h?application_name=x", "`application_name`", "`sslmode`"),
        url("parameter without value", "postgresql://h?sslmode", "without a value"),
        url("parameter twice", "postgresql://h?sslmode=require&sslmode=disable", "`sslmode` twice"),
        url("host twice", "postgresql://h?host=g", "`host` twice"),
        url("passfile", "postgresql://h?passfile=/p", "password_file"),
        url("sslmode", "postgresql://h?sslmode=on", "verify-full"),
        url("port", "postgresql://h:65536/d", "65535"), url("port zero", "postgresql://h:0", "65535"),
        url("port with a sign", "postgresql://h:+5", "65535"),
        url("two hosts", "postgresql://g,h/d", "more than one host"),
        url("bare IPv6", "postgresql://::1/d", "`[::1]`"), url("brackets", "postgresql://[h]/d", "IPv6"),
        url("percent", "postgresql://h/100%", "`%25`"), url("NUL", "postgresql://h/a%00", "NUL"),
        url("no UTF-8", "postgresql://h/a%ff", "UTF-8"), url("line break", "postgresql://h/a%0a", "line break"),
        url("two names", "postgresql://h/a/b", "`%2F`"),
        url("relative folder", "postgresql:///d?host=a/b", "host"),
    ]
}
