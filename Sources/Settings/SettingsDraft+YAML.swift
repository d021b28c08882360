extension SettingsDraft {
    /// The file: every key with its value and a comment; ends with a newline.
    ///
    /// `Settings.parse` reads it back to what the draft says, provided that paths, names, recipients and patterns are
    /// ones that it accepts. Notes cannot break out of their comments.
    package func yaml() -> String {
        var text = Lines()
        text.add("# What holdfast backs up on this host, written by `holdfast init`. Change what you like, then type")
        text.add(
            "# `holdfast check`. Paths are absolute; `~` and variables are not expanded. Only you and root may be able")
        text.add("# to write this file: it can run commands.")
        text.add("")
        text.add("backup:")
        text.add("  # Where restore points are written: one folder each. Best on a disk of its own.")
        text.add("  directory: \(Self.scalar(directory))")
        addEncryption(to: &text)
        text.add("")
        text.add("  # zstd[:1…19] | gzip[:1…9] | none")
        text.add("  compression: \(compression)")
        addVolumes(to: &text)
        addFiles(to: &text)
        addDatabases(to: &text)
        addKeeping(to: &text)
        addSchedule(to: &text)
        text.add("")
        text.add("docker:")
        text.add("  # The engine's socket: it names the volumes and the containers that use them.")
        text.add("  socket: \(Self.scalar(dockerSocket))")
        text.add("")
        addMetrics(to: &text)
        text.add("")
        addChannels(to: &text)
        text.add("")
        text.add("# Journal, lock and run records; not a place for backups.")
        text.add("state: \(Self.scalar(state))")
        return text.text
    }

    private func addMetrics(to text: inout Lines) {
        text.add(
            "# Numbers for node exporter's textfile collector, written after each run, and what `holdfast watch` measures."
        )
        text.add("# It answers on `listen`; from other machines with a token or a password only.")
        text.add("# metrics:")
        text.add("#   textfile: /var/lib/prometheus/node-exporter/holdfast.prom")
        text.add("#   prometheus: /etc/holdfast/prometheus.yml")
        text.add("#   keep: 30d")
        text.add("#   size: 10GB")
        text.add("#   listen: \(Settings.Metrics.usualListen)")
        text.add("#   token_file: /etc/holdfast/token")
        text.add("#   users: [{ name: me, password_file: /etc/holdfast/password }]")
        text.add("#   hosts: [status.example.org]")
    }

    private func addEncryption(to text: inout Lines) {
        text.add("")
        text.add("  encryption:")
        text.add(
            "    # Who can read the backups: full fingerprints of public keys. The private keys stay elsewhere; without"
        )
        text.add("    # one of them nobody can restore. $GPG_RECIPIENT, where it is set, takes the place of this list.")
        if recipients.isEmpty {
            text.add(
                "    # Nobody yet: `holdfast key new /media/STICK` makes a key, `holdfast key import FILE` takes one in."
            )
            text.add("    recipients: []")
        } else {
            text.add("    recipients:")
            for recipient in recipients {
                text.add("      - \(Self.quoted(recipient.fingerprint))", note: recipient.userID)
            }
        }
        text.add("    # A GNUPGHOME for holdfast alone; without it the keyring of whoever runs holdfast.")
        text.add(keyring.map { "    keyring: \(Self.scalar($0))" } ?? "    # keyring: /etc/holdfast/keyring")
    }

    private func addVolumes(to text: inout Lines) {
        text.add("")
        text.add("  volumes:")
        if !volumes.isEmpty {
            text.add("    # Found on this host:")
            let width = min(40, volumes.map(\.name.count).max() ?? 0)
            for volume in volumes {
                let gap = String(repeating: " ", count: max(0, width - volume.name.count) + 2)
                text.add("    #   " + Self.comment(volume.name + (volume.note.map { gap + $0 } ?? "")))
            }
        }
        text.add("    # Where they lie; without it the engine is asked.")
        text.add(volumesRoot.map { "    root: \(Self.scalar($0))" } ?? "    # root: /var/lib/docker/volumes")
        text.add("    # Which to take and which not: names, or patterns with * ? [abc] in quotes. `exclude` wins.")
        text.add("    include: \(Self.list(include))")
        text.add("    exclude: \(Self.list(exclude))")
        text.add("    # Volumes that may be empty; any other empty one makes the backup fail.")
        text.add("    allow_empty: \(Self.list(allowEmpty))")
        text.add(
            "    # What happens to the containers of a volume while it is read: stop | pause | none. Exact names come")
        text.add("    # before patterns, then the first that matches counts.")
        text.add(quiesce.isEmpty ? "    quiesce: {}" : "    quiesce:")
        for rule in quiesce {
            text.add("      \(Self.scalar(rule.pattern)): \(rule.mode.rawValue)", note: rule.reason)
        }
        text.add(
            "    # How long containers may be kept still for one volume, before its backup is given up and they run again."
        )
        text.add("    max_downtime: 1h")
        text.add("    # Shell commands run in the one running container of a volume, before and after it is read:")
        text.add("    #   hooks: { my_volume: { before: [\"app maintenance on\"], after: [\"app maintenance off\"] } }")
        text.add("    hooks: {}")
    }

    private func addFiles(to text: inout Lines) {
        text.add("")
        text.add(
            "  # Folders of the host: compose projects, bind mounts. `exclude` takes patterns: a name (`*.log`) at any")
        text.add("  # depth, or a path inside the folder (`data/cache`).")
        text.add(files.isEmpty ? "  files: []" : "  files:")
        if files.isEmpty { text.add("  # - { name: compose, path: /srv/compose }") }
        for source in files {
            text.add("    - name: \(Self.scalar(source.name))", note: source.note)
            text.add("      path: \(Self.scalar(source.path))")
            if !source.exclude.isEmpty { text.add("      exclude: \(Self.list(source.exclude))") }
        }
    }

    private func addDatabases(to text: inout Lines) {
        text.add("")
        text.add(
            "  # Databases, copied as of one moment while they run, and counted. PostgreSQL: `database` is a name, a list of"
        )
        text.add(
            "  # names, or \"*\" for all; the server is a `container`, a compose `service` (with its `project`), or a `url`;"
        )
        text.add(
            "  # `password_file` holds the password alone, `lock_timeout` is how long to wait for others. SQLite: a `path`, or"
        )
        text.add("  # a `volume` and the `file` in it.")
        text.add(databases.isEmpty ? "  databases: []" : "  databases:")
        if databases.isEmpty {
            text.add("  # - { name: app, engine: postgres, container: app-db, user: app, database: \"*\" }")
            text.add(
                "  # - { name: web, engine: postgres, url: \"postgresql://USER@HOST:5432/web\", password_file: /etc/holdfast/pg }"
            )
            text.add("  # - { name: kuma, engine: sqlite, volume: kuma_data, file: kuma.db }")
        }
        for database in databases { text.add("    - { \(Self.entry(for: database)) }", note: database.note) }
    }

    private func addKeeping(to text: inout Lines) {
        text.add("")
        text.add(
            "  # What `holdfast prune` leaves alone: all points of the last 30 days, the newest three however old they are,"
        )
        text.add(
            "  # and for so many days, weeks, months and years the newest of each. It never removes the last whole copy of"
        )
        text.add("  # anything. Nothing is removed before somebody or the schedule calls it.")
        text.add(
            "  retention: { keep_within: 30d, keep_last: 3, keep_daily: 0, keep_weekly: 0, keep_monthly: 0, keep_yearly: 0 }"
        )
        text.add("  # When the last success of anything is older than this, you hear of it.")
        text.add("  max_age: 25h")
        text.add("  # Folders with the archives of older scripts (volumes-YYYY-MM-DD-HHMMSS.tar.gz.gpg):")
        text.add("  # legacy: [ { directory: /var/backups/scripts, keep_within: 7d } ]")
    }

    private func addChannels(to text: inout Lines) {
        for line in [
            "# Who is told when a backup fails, and when all is well again. `holdfast notify test` tries them. Secrets stand",
            "# alone in a file that only root can read (`…_file`), or in a variable of the environment (`…_env`).",
            "# notify:",
            "#   - email: you@example.org                 # or a list",
            "#     smtp: \"smtp://mail.example.org:587\"    # STARTTLS; smtps:// for TLS from the first byte",
            "#     user: you@example.org",
            "#     password_file: /etc/holdfast/mail      # or password_env: VARIABLE",
            "#     from: holdfast@example.org             # else the user",
            "#     tls: required                          # or none: without encryption, and without a password",
            "#     ca_file: /etc/ssl/own-ca.pem           # else the machine's authorities",
            "#   - { slack: ops, url_file: /etc/holdfast/slack }              # or url_env: VARIABLE; the name is yours",
            "#   - { discord: ops-discord, url_file: /etc/holdfast/discord }",
            "#   - { pagerduty: on-call, key_file: /etc/holdfast/pagerduty }  # or key_env: VARIABLE",
            "#   - { webhook: my-app, url: \"https://app.example.org/hook\", token_file: /etc/holdfast/hook }",
            "#   - { ntfy: phone, url: \"https://ntfy.example.org/backups\" }   # or url_file; token_file or token_env: VARIABLE",
            "#   - { heartbeat: \"https://hc.example.org/ping/UUID\" }         # pinged at start, success and failure",
        ] { text.add(line) }
    }

    private func addSchedule(to text: inout Lines) {
        text.add("")
        text.add(
            "# When what runs, in systemd's words (OnCalendar=), in local time unless a zone stands behind it. Nothing runs"
        )
        text.add(
            "# before `holdfast schedule install`; `holdfast schedule show` says when the next runs are, and who starts them."
        )
        text.add(
            "# Where clocks are changed, an hour between 01:00 and 04:00 is missing one night a year: best not then.")
        text.add("schedule:")
        text.add("  backup: \"*-*-* 04:30\"")
        text.add("  # The newest copy of everything, from outside, without the private key.")
        text.add("  verify: \"Sun 06:00\"")
        text.add("  # A time, or `after backup`: behind each one that made a restore point.")
        text.add("  prune: after backup")
    }

    private static func entry(for database: Database) -> String {
        let pairs: [(String, String?)] =
            switch database.place {
            case .container(let name):
                [("engine", "postgres"), ("container", name), ("user", database.user), ("database", "*")]
            case .service(let name, let project):
                [
                    ("engine", "postgres"), ("service", name), ("project", project), ("user", database.user),
                    ("database", "*"),
                ]
            case .volume(let name, let file): [("engine", "sqlite"), ("volume", name), ("file", file)]
            case .path(let path): [("engine", "sqlite"), ("path", path)]
            }
        let all = [("name", database.name)] + pairs
        return all.compactMap { key, value in value.map { "\(key): \(scalar($0))" } }.joined(separator: ", ")
    }

    /// Lines of the file as they come.
    private struct Lines {
        var text = ""

        mutating func add(_ line: String, note: String? = nil) {
            text += line + (note.map { "   # " + SettingsDraft.comment($0) } ?? "") + "\n"
        }
    }
}

extension SettingsDraft {
    /// `text` as YAML, in quotes only where it would be read as something else.
    package static func scalar(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let isPlain = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"):
                true
            default: "_./-".utf8.contains(byte)
            }
        }
        // Words that look like a number, a date or a truth value to other readers of YAML start like these.
        let startsPlain = bytes.first.map { $0 == UInt8(ascii: "/") || $0 >= UInt8(ascii: "A") } ?? false
        let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        return isPlain && startsPlain && !words.contains(text.lowercased()) ? text : quoted(text)
    }

    /// `text` in double quotes, everything unusual escaped.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where isControl(scalar):
                let digits = String(scalar.value, radix: 16)
                result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func list(_ texts: [String]) -> String {
        "[" + texts.map(scalar).joined(separator: ", ") + "]"
    }

    /// `text` as the rest of a comment: one line, nothing that a terminal acts upon.
    private static func comment(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
    }
}
