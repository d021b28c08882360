/// A mapping with fixed keys, in whatever file.
protocol MappingKeys {
    /// The keys that it may have.
    var keys: [String] { get }
    /// Keys that mean something, but not to this version: they get an answer of their own.
    var comingKeys: [String] { get }
    /// Where a key that does not belong here may belong, in words.
    static func home(of key: String) -> String?
}

/// A mapping of `holdfast.yml` with fixed keys.
package enum Section: String, CaseIterable, MappingKeys {
    case top = ""
    case backup = "backup"
    case encryption = "backup.encryption"
    case volumes = "backup.volumes"
    case hooks = "backup.volumes.hooks.*"
    case files = "backup.files[]"
    case databases = "backup.databases[]"
    case retention = "backup.retention"
    case legacy = "backup.legacy[]"
    case schedule = "schedule"
    case docker = "docker"
    case metrics = "metrics"
    case users = "metrics.users[]"
    case notify = "notify[]"

    /// The keys that it may have.
    package var keys: [String] {
        switch self {
        case .top: ["backup", "schedule", "notify", "docker", "metrics", "state"]
        case .backup:
            [
                "directory", "encryption", "compression", "volumes", "files", "databases", "retention", "legacy",
                "max_age",
            ]
        case .encryption: ["recipients", "keyring"]
        case .volumes: ["root", "include", "exclude", "quiesce", "hooks", "allow_empty", "max_downtime"]
        case .hooks: ["before", "after"]
        case .files: ["name", "path", "exclude"]
        case .databases:
            [
                "name", "engine", "container", "service", "project", "url", "user", "database", "password_file",
                "lock_timeout", "path", "volume", "file",
            ]
        case .retention:
            ["keep_within", "keep_last", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"]
        case .legacy: ["directory", "keep_within"]
        case .schedule: ["backup", "verify", "prune"]
        case .docker: ["socket"]
        case .metrics: ["textfile", "prometheus", "listen", "token_file", "users", "hosts", "keep", "size"]
        case .users: ["name", "password_file"]
        case .notify:
            Settings.Channel.kinds + [
                "smtp", "user", "password_file", "password_env", "from", "tls", "ca_file", "url", "url_file", "url_env",
                "key_file", "key_env", "token_file", "token_env",
            ]
        }
    }

    /// Keys that a later holdfast will know: they get an answer of their own.
    var comingKeys: [String] {
        switch self {
        case .top: ["offsite", "drills"]
        default: []
        }
    }

    /// Where a key that does not belong here may belong, in words.
    static func home(of key: String) -> String? {
        let homes = allCases.filter { $0.keys.contains(key) }
        guard homes.count == 1, let home = homes.first else { return nil }
        return switch home {
        case .top: "at the top level"
        case .files: "in an entry of `backup.files`"
        case .databases: "in an entry of `backup.databases`"
        case .legacy: "in an entry of `backup.legacy`"
        case .notify: "in an entry of `notify`"
        case .users: "in an entry of `metrics.users`"
        case .hooks: "under a pattern in `backup.volumes.hooks`"
        default: "in `\(home.rawValue)`"
        }
    }
}
