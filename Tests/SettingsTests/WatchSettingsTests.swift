import Machine
import Settings
import Testing

/// What `holdfast watch` reads of `holdfast.yml`.
@Suite struct WatchSettingsTests {
    @Test func aHostThatOnlyMeasuresNeedsNoBackup() throws {
        let settings = try WatchSettings.parse("metrics: { prometheus: prometheus.yml }\n", file: "/etc/h/holdfast.yml")
        #expect(settings.backup == nil && settings.schedule == nil)
        #expect(settings.metrics.prometheus == "/etc/h/prometheus.yml")
        #expect(settings.metrics.listen == "127.0.0.1:9470")
        #expect(settings.metrics.keep == 30 && settings.metrics.size == nil)
        #expect(throws: SettingsError.self) { try Settings.parse("metrics: { prometheus: p }\n", file: "f") }
    }

    @Test func aScheduleNeedsOne() throws {
        let text = "metrics: { prometheus: p }\nschedule: { backup: daily }\n"
        let error = try #require(throws: SettingsError.self) { try WatchSettings.parse(text, file: "f") }
        #expect(error.code == "settings.missing-key" && "\(error)".contains("`backup` is missing"))
        #expect(throws: SettingsError.self) { try WatchSettings.parse("state: /s\n", file: "f") }
    }

    @Test func readsTheWholeSection() throws {
        let text = """
            backup: { directory: /b }
            metrics:
              prometheus: /p.yml
              listen: 0.0.0.0:9090
              token_file: token
              users: [{ name: me, password_file: /pw }]
              hosts: [status.example.org]
              keep: 36h
              size: 10GB
            """
        let metrics = try Settings.parse(text, file: "holdfast.yml").metrics
        #expect(
            metrics
                == Settings.Metrics(
                    prometheus: "/p.yml", listen: "0.0.0.0:9090", tokenFile: "token",
                    users: [.init(name: "me", passwordFile: "/pw")], hosts: ["status.example.org"], keep: 2,
                    size: ByteCount(10 << 30)))
        let quiet = try WatchSettings.parse("metrics: { prometheus: /p, listen: none }\n", file: "f").metrics
        #expect(quiet.listen == nil)
    }

    @Test(
        arguments: [
            ("{ prometheus: p, listen: \"0.0.0.0:9090\" }", "f:1:35", "lets everybody", "`token_file"),
            ("{ prometheus: p, listen: 9090 }", "f:1:35", "not an address", "`HOST:PORT`"),
            ("{ prometheus: p, size: 10 }", "f:1:33", "no size", "`10GB`"),
            ("{ prometheus: p, keep: forever }", "f:1:33", "no duration", "`7d`"),
            ("{ prometheus: ~/p }", "f:1:24", "not a path", "not expanded"),
            ("{ textfile: /x.prom, keep: 3d }", "f:1:37", "nothing is measured", "`prometheus: FILE`"),
            ("{ prometheus: p, users: [{ name: me }] }", "f:1:35", "`metrics.users[0].password_file` is missing", ""),
        ])
    func badOnesPointAtLineAndColumn(section: String, place: String, what: String, remedy: String) throws {
        let error = try #require(throws: SettingsError.self) {
            try WatchSettings.parse("metrics: \(section)\nbackup: { directory: /b }\n", file: "f")
        }
        #expect(error.place == place, "\(error)")
        #expect("\(error)".contains(what) && "\(error)".contains(remedy), "\(error)")
    }
}
