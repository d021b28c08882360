extension Settings {
    /// Reads the text of a `holdfast.yml`.
    ///
    /// - Parameter file: what the file is called in messages and in ``Settings/file``.
    /// - Throws: ``SettingsError`` with every problem found, up to twenty.
    package static func parse(_ text: String, file: String) throws -> Settings {
        let document = try YAMLDocument(text, file: file)
        guard let root = document.root else {
            throw SettingsError(
                SettingsProblem(
                    code: "settings.empty", what: "The configuration is empty.", position: nil, file: file,
                    remedy: "Type `holdfast init`: it writes one that fits this host."))
        }
        let findings = Findings(file: file, document: document)
        let settings = Settings(reading: NodeReader(node: root, path: "", findings: findings))
        guard findings.problems.isEmpty else { throw SettingsError(findings.problems) }
        guard let settings else { preconditionFailure("BUG: neither settings nor a problem") }
        return settings
    }

    private init?(reading reader: NodeReader) {
        let help = "Compare it with what `holdfast init` writes."
        guard let fields = reader.fields(of: .top, remedy: help) else { return nil }
        let schedule = fields["schedule"].flatMap(Schedule.init(reading:))
        let docker = fields["docker"].flatMap(Docker.init(reading:)) ?? Docker()
        let metrics = fields["metrics"].flatMap(Metrics.init(reading:)) ?? Metrics()
        let channels = fields["notify"].map(LocatedChannel.list(reading:)) ?? []
        LocatedChannel.refuseDoubleNames(in: channels)
        let state = fields["state"].flatMap { $0.hostPath() } ?? Self.defaultState
        let section = fields.require("backup", remedy: "Add `backup:` with at least `directory:` in it.")
        guard let backup = section.flatMap({ Backup(reading: $0, state: state) }) else { return nil }
        self.init(
            backup: backup, schedule: schedule, docker: docker, metrics: metrics, notify: channels.map(\.channel),
            state: state,
            file: reader.findings.file)
    }
}

extension Settings.Metrics {
    fileprivate init?(reading reader: NodeReader) {
        let fields = reader.fields(of: .metrics, remedy: "Write `metrics: { textfile: /…/holdfast.prom }`.")
        guard let fields else { return nil }
        self.init(textfile: fields["textfile"].flatMap { $0.hostPath() })
        guard let file = fields["textfile"], let textfile, !textfile.hasSuffix(".prom") else { return }
        file.badValue(
            "\(file.label) has to end in `.prom`: `\(printable(textfile))`.",
            remedy: "Node exporter reads no other files. Write `…/holdfast.prom`.")
    }
}

extension Settings.Docker {
    fileprivate init?(reading reader: NodeReader) {
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
    fileprivate init?(reading reader: NodeReader, state: String) {
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
