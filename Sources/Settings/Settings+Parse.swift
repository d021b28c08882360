extension Settings {
    /// Reads the text of a `holdfast.yml`.
    ///
    /// - Parameter file: what the file is called in messages and in ``Settings/file``.
    /// - Throws: ``SettingsError`` with every problem found, up to twenty.
    package static func parse(_ text: String, file: String) throws -> Settings {
        let settings = try WatchSettings.read(text, file: file) { fields in
            fields.require("backup", remedy: "Add `backup:` with at least `directory:` in it.")
        }
        guard let whole = Settings(settings) else { preconditionFailure("BUG: neither a backup nor a problem") }
        return whole
    }

    /// Nil if nothing is said of backups.
    private init?(_ settings: WatchSettings) {
        guard let backup = settings.backup else { return nil }
        self.init(
            backup: backup, schedule: settings.schedule, docker: settings.docker, metrics: settings.metrics,
            notify: settings.notify, state: settings.state, file: settings.file)
    }
}

extension Settings.Docker {
    init?(reading reader: NodeReader) {
        let fields = reader.fields(of: .docker, remedy: "Write `docker: { socket: /var/run/docker.sock }`.")
        guard let fields else { return nil }
        self.init()
        guard let socket = fields["socket"], var text = socket.string(expected: "a path") else { return }
        if text.hasPrefix("unix://") { text.removeFirst("unix://".count) }
        guard !text.contains("://") else {
            socket.badValue(
                "`docker.socket` has to be a Unix socket: `\(printable(text))`.",
                remedy: "Write the path of the socket, usually `/var/run/docker.sock`.")
            return
        }
        do {
            self.socket = try HostPath(text).text
        } catch {
            socket.badValue("`docker.socket` \(error.complaint): `\(printable(text))`.", remedy: error.remedy)
        }
    }
}

extension Settings.Backup {
    init?(reading reader: NodeReader, state: String) {
        let fields = reader.fields(of: .backup, remedy: "Write `backup:`, and `directory: …` indented below it.")
        guard let fields else { return nil }
        let encryption = fields["encryption"].flatMap(Settings.Encryption.init(reading:))
        let compression = fields["compression"].flatMap(Settings.Compression.init(reading:))
        let volumes = fields["volumes"].flatMap(Settings.Volumes.init(reading:))
        let sources = fields["files"].map(LocatedSource.list(reading:)) ?? []
        let databases = fields["databases"].map(LocatedDatabase.list(reading:)) ?? []
        let retention = fields["retention"].flatMap(Settings.Retention.init(reading:))
        let legacy = fields["legacy"].map(Settings.Legacy.list(reading:)) ?? []
        let maximumAge = fields["max_age"].flatMap { $0.duration() } ?? Self.usualMaximumAge
        let folder = fields.require("directory", remedy: "Add `directory: /var/backups/…`, where backups are to lie.")
        let directory = folder?.hostPath()
        LocatedSource.refuseDoubleNames(in: sources)
        LocatedDatabase.refuseDoubleNames(in: databases)
        LocatedSource.refuseSwallowing(sources, key: "backup.directory", path: directory)
        LocatedSource.refuseSwallowing(sources, key: "state", path: state)
        guard let directory else { return nil }
        self.init(
            directory: directory, encryption: encryption ?? Settings.Encryption(),
            compression: compression ?? .standard, volumes: volumes ?? Settings.Volumes(),
            files: sources.map(\.source), databases: databases.map(\.database), retention: retention, legacy: legacy,
            maximumAge: maximumAge)
    }
}

extension Settings.Encryption {
    fileprivate init?(reading reader: NodeReader) {
        let fields = reader.fields(of: .encryption, remedy: "Write `encryption: { recipients: [\"FINGERPRINT\"] }`.")
        guard let fields else { return nil }
        let recipients = fields["recipients"].flatMap { reader in
            reader.list(of: "recipients") { element -> String? in
                guard let text = element.string(expected: "a fingerprint or an e-mail address") else { return nil }
                guard let recipient = Recipient.normalised(text) else {
                    element.badValue(Recipient.complaint(about: text, in: element.label), remedy: Recipient.remedy)
                    return nil
                }
                return recipient
            }
        }
        self.init(recipients: Recipient.unique(recipients ?? []), keyring: fields["keyring"].flatMap { $0.hostPath() })
    }
}

extension Settings.Compression {
    fileprivate init?(reading reader: NodeReader) {
        let help = "Write `zstd`, `zstd:1` … `zstd:19`, `gzip`, `gzip:1` … `gzip:9`, or `none`."
        guard let word = reader.string(expected: "a word", remedy: help) else { return nil }
        do {
            try self.init(word)
        } catch {
            let what =
                switch error {
                case .unknown(let near):
                    "`\(printable(word))` is not a compression\(near.map { " – did you mean `\($0)`?" } ?? ".")"
                case .levelOutOfRange(let name, let levels):
                    "`\(printable(word))`: \(name) has levels \(levels.lowerBound) to \(levels.upperBound)."
                case .takesNoLevel: "`\(printable(word))`: `none` has no levels."
                }
            reader.badValue("\(reader.label): \(what)", remedy: help)
            return nil
        }
    }
}
