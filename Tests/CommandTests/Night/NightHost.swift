import Docker
import Machine
import TestKit
import Testing

/// A host with a volume that a container uses, a Postgres server, and people who want to hear of it: by mail, by a hook of
/// their own, by a heartbeat. Its clock is the test's; all else is real.
struct NightHost: Sendable {
    var host: EngineHost
    let volume: Volume
    let app: Container
    let postgres: PostgresContainer
    let hooks: HookServer
    let mail: MailServer

    /// The item that the database is.
    static let database = "database.shop"
    var volumeItem: String { "volume.\(volume.name)" }
    var textfile: String { host.folder + "/numbers/holdfast.prom" }
}

/// A host for one test, with a backup directory of 80 MiB.
func withNightHost<Result: Sendable>(
    isolation: isolated (any Actor)? = #isolation, _ body: (NightHost) async throws -> Result
) async throws -> Result {
    try await withEngineHost { host in
        try await withVolume(host.engine) { volume in
            try await withPostgresContainer(host.engine, database: "shop") { postgres in
                try await postgres.psql(Shop.sql)
                let plan: (inout ContainerPlan) -> Void = { $0.volumes = [volume.name: "/data"] }
                return try await withContainer(host.engine, plan) { app in
                    try await withHookServer { hooks in
                        try await withMailServer { mail in
                            try await withTmpfs(host.demo.backups, "size=80m") {
                                var host = host
                                host.demo = try await host.demo.withClock(offBy: 0)
                                let night = NightHost(
                                    host: host, volume: volume, app: app, postgres: postgres, hooks: hooks, mail: mail)
                                try night.setUp()
                                return try await body(night)
                            }
                        }
                    }
                }
            }
        }
    }
}

extension NightHost {
    fileprivate func setUp() throws {
        try host.write("what the app knows", to: "file", in: volume)
        try makeFolders(host.folder + "/numbers")
        try host.configure { configuration in
            configuration.include = [volume.name]
            configuration.volumes = ["quiesce: { \"*\": stop }"]
            configuration.databases = [
                "{ name: shop, engine: postgres, container: \(postgres.container.name), user: \(postgres.user), database: shop }"
            ]
            configuration.more = [
                "metrics: { textfile: \(textfile) }", "notify:",
                "  - { email: admin@example.org, smtp: \"smtp://127.0.0.1:\(mail.port)\", user: \(MailServer.user), "
                    + "password_file: \(mail.passwordFile), ca_file: \(mail.authority) }",
                "  - { webhook: ops, url: \"\(hooks.url("hook/ops"))\" }",
                "  - { heartbeat: \"\(hooks.url("ping/night"))\" }",
            ]
        }
    }

    /// What it is now on this host: so many hours after the first night.
    mutating func set(hours: Double) { host.demo.holdfast.environment["CLOCK_OFF_BY"] = "\(Int(hours * 3600))" }

    /// Runs a command at that hour.
    mutating func run(at hours: Double, _ arguments: String...) async throws -> CommandRunner.Outcome {
        set(hours: hours)
        return try await host.holdfast.run([CommandRunner.binary] + arguments)
    }

    /// Messages so far, as the hook got them.
    func messages() throws -> [JSONValue] {
        try hooks.requests().filter { $0["path"].string == "/hook/ops" }.map {
            try JSONValue(parsing: $0["body"].string ?? "")
        }
    }

    /// Heartbeats so far: `/start`, ``, `/fail`.
    func beats() throws -> [String] {
        try hooks.requests().compactMap { $0["path"].string }.filter { $0.hasPrefix("/ping/night") }.map {
            String($0.dropFirst("/ping/night".count))
        }
    }

    /// A number of the textfile.
    func number(_ name: String, _ item: String? = nil) throws -> Double? {
        let start = name + (item.map { "{item=\"\($0)\"}" } ?? "") + " "
        let lines = try host.demo.read(textfile).split(separator: "\n")
        return lines.first { $0.hasPrefix(start) }.flatMap { Double($0.dropFirst(start.count)) }
    }

    /// `status --json`, and how it ended.
    mutating func status(at hours: Double) async throws -> (status: Int32, JSONValue) {
        let outcome = try await run(at: hours, "status", "--json")
        return (outcome.status, try outcome.json())
    }
}
