package import Schedules

/// What `holdfast.yml` says, checked, with its defaults filled in.
///
/// A value is consistent in itself: paths are absolute and tidy, patterns and recipients well formed, no files source
/// swallows the backups. Whether the host agrees – the folder is there, the key is known – is for readiness to say.
/// Nothing here expands `~` or environment variables.
package struct Settings: Equatable, Sendable {
    /// What is backed up, where to and how.
    package var backup: Backup
    /// When what runs by itself; nil: nothing does.
    package var schedule: Schedule?
    /// How the engine is reached.
    package var docker: Docker
    /// Where the numbers go that others watch.
    package var metrics: Metrics
    /// Who is told when something goes wrong, in the order of the file.
    package var notify: [Channel]
    /// The folder of journal, lock and run records.
    package var state: String
    /// The file that this was read from, as it was named.
    package var file: String

    /// Puts settings together from parts that are taken to be valid.
    package init(
        backup: Backup, schedule: Schedule? = nil, docker: Docker = Docker(), metrics: Metrics = Metrics(),
        notify: [Channel] = [],
        state: String = Settings.defaultState, file: String
    ) {
        self.backup = backup
        self.schedule = schedule
        self.docker = docker
        self.metrics = metrics
        self.notify = notify
        self.state = state
        self.file = file
    }

    /// Where journal, lock and run records lie unless `state` says otherwise.
    package static let defaultState = "/var/lib/holdfast"

    /// The places looked at when neither `--config` nor `$HOLDFAST_CONFIG` names one, in this order.
    package static let usualFiles = ["./holdfast.yml", "/etc/holdfast/holdfast.yml"]
}

extension Settings {
    /// The `schedule` section.
    package typealias Schedule = Schedules.Schedule
}

extension Settings {
    /// The `docker` section.
    package struct Docker: Equatable, Sendable {
        /// The Unix socket of the engine.
        package var socket: String

        /// Names a socket; by default Docker's own.
        package init(socket: String = Docker.defaultSocket) { self.socket = socket }

        /// Where Docker itself listens.
        package static let defaultSocket = "/var/run/docker.sock"
    }
}
