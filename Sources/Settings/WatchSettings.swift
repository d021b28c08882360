import Yams

/// What `holdfast.yml` says to what runs all the time, and to what asks it: all of it, but `backup` may be missing where there is
/// something to measure.
package struct WatchSettings: Equatable, Sendable {
    /// Nil: nothing is backed up on this host.
    package var backup: Settings.Backup?
    package var schedule: Settings.Schedule?
    package var docker: Settings.Docker
    package var metrics: Settings.Metrics
    package var notify: [Settings.Channel]
    /// The folder of journal, lock, run records and measurements.
    package var state: String
    /// The file that this was read from, as it was named.
    package var file: String

    /// Reads the configuration at `path`, under the conditions of ``Settings/load(from:)``.
    ///
    /// - Throws: ``SettingsError`` with every problem found, or a `MachineError` when it cannot be read.
    package static func load(from path: String) throws -> WatchSettings {
        try parse(try ConfigurationFile.text(of: path, because: ConfigurationFile.runsCommands), file: path)
    }

    /// Reads the text of a `holdfast.yml`.
    ///
    /// - Throws: ``SettingsError`` with every problem found, up to twenty.
    package static func parse(_ text: String, file: String) throws -> WatchSettings {
        try read(text, file: file) { fields in
            if fields["backup"] == nil, fields["metrics"]?.node.mapping?["prometheus"] != nil, fields["schedule"] == nil
            {
                return nil
            }
            return fields.require(
                "backup", remedy: "Add `backup:` with at least `directory:` in it, or `metrics: { prometheus: FILE }`.")
        }
    }

    /// - Parameter backup: the section of backups; nil after it has reported that it is missing, or where it may be.
    static func read(
        _ text: String, file: String, _ backup: (NodeReader.Fields) -> NodeReader?
    ) throws -> WatchSettings {
        let document = try YAMLDocument(text, file: file)
        guard let root = document.root else {
            throw SettingsError(
                SettingsProblem(
                    code: "settings.empty", what: "The configuration is empty.", position: nil, file: file,
                    remedy: "Type `holdfast init`: it writes one that fits this host."))
        }
        let findings = Findings(file: file, document: document)
        let settings = WatchSettings(reading: NodeReader(node: root, path: "", findings: findings), backup)
        guard findings.problems.isEmpty else { throw SettingsError(findings.problems) }
        guard let settings else { preconditionFailure("BUG: neither settings nor a problem") }
        return settings
    }

    private init?(reading reader: NodeReader, _ section: (NodeReader.Fields) -> NodeReader?) {
        let help = "Compare it with what `holdfast init` writes."
        guard let fields = reader.fields(of: Section.top, remedy: help) else { return nil }
        let state = fields["state"].flatMap { $0.hostPath() } ?? Settings.defaultState
        schedule = fields["schedule"].flatMap(Settings.Schedule.init(reading:))
        docker = fields["docker"].flatMap(Settings.Docker.init(reading:)) ?? Settings.Docker()
        metrics = fields["metrics"].flatMap(Settings.Metrics.init(reading:)) ?? Settings.Metrics()
        let channels = fields["notify"].map(LocatedChannel.list(reading:)) ?? []
        LocatedChannel.refuseDoubleNames(in: channels)
        notify = channels.map(\.channel)
        backup = section(fields).flatMap { Settings.Backup(reading: $0, state: state) }
        self.state = state
        file = reader.findings.file
    }
}
