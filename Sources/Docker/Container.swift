package import Machine

/// A container, as the engine knew it when it was asked.
package struct Container: Sendable {
    /// 64 hexadecimal digits.
    package let id: String
    /// Without the leading slash.
    package let name: String
    /// The image as it was asked for: `postgres:15`.
    package let image: String
    /// `sha256:…`
    package let imageID: String
    package let labels: [String: String]
    package let state: State
    /// Nil if it has no health check.
    package let health: Health?
    package let mounts: [Mount]
    package let restartPolicy: RestartPolicy
    /// Of its last end; 0 while it runs.
    package let exitCode: Int
    /// Whether the kernel killed it for want of memory.
    package let wasOutOfMemory: Bool
    /// When it started last; nil: never.
    package let startedAt: Timestamp?
    /// How often its restart policy has started it since it was started by hand.
    package let restartCount: Int
    /// Holds passwords.
    package let environment: [String: Redacted]
    /// Whether the engine removes it, with its anonymous volumes, as soon as it stops (`--rm`).
    package let isAutoRemoved: Bool
    /// How long it may take to stop before it is killed, if it says so itself (compose: `stop_grace_period`).
    package let stopTimeout: Duration?

    /// Also for tests, which leave out what does not matter to them.
    package init(
        id: String, name: String, image: String = "", imageID: String = "", labels: [String: String] = [:],
        state: State = .running, health: Health? = nil, mounts: [Mount] = [],
        restartPolicy: RestartPolicy = RestartPolicy(.no), exitCode: Int = 0, wasOutOfMemory: Bool = false,
        startedAt: Timestamp? = nil, restartCount: Int = 0, environment: [String: Redacted] = [:],
        isAutoRemoved: Bool = false, stopTimeout: Duration? = nil
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.imageID = imageID
        self.labels = labels
        self.state = state
        self.health = health
        self.mounts = mounts
        self.restartPolicy = restartPolicy
        self.exitCode = exitCode
        self.wasOutOfMemory = wasOutOfMemory
        self.startedAt = startedAt
        self.restartCount = restartCount
        self.environment = environment
        self.isAutoRemoved = isAutoRemoved
        self.stopTimeout = stopTimeout
    }

    /// What it is doing.
    package enum State: String, Sendable {
        case created, running, paused, restarting, exited, dead, removing
        /// What no engine said so far.
        case unknown

        /// Whether its processes are there and may write.
        package var isActive: Bool { self == .running || self == .restarting || self == .unknown }
    }

    /// What its health check found.
    package struct Health: Sendable {
        /// What the engine concludes from the checks.
        package enum Status: String, Sendable { case starting, healthy, unhealthy, unknown }

        package let status: Status
        /// How many checks in a row have failed.
        package let failingStreak: Int
        /// The exit code of the last check, nil if there was none yet.
        package let lastExitCode: Int?
        /// What the last check printed, as far as the engine keeps it (4 KiB).
        package let lastOutput: String

        package init(_ status: Status, failingStreak: Int = 0, lastExitCode: Int? = nil, lastOutput: String = "") {
            self.status = status
            self.failingStreak = failingStreak
            self.lastExitCode = lastExitCode
            self.lastOutput = lastOutput
        }
    }

    /// Something of the host that is seen in the container.
    package struct Mount: Sendable, Hashable {
        package enum Kind: String, Sendable { case volume, bind, tmpfs, other }

        package let kind: Kind
        /// The volume's name.
        package let name: String?
        /// Where it comes from on the host.
        package let source: String
        /// Where it is seen in the container.
        package let destination: String
        package let isReadOnly: Bool

        package init(_ kind: Kind, name: String? = nil, source: String, destination: String, isReadOnly: Bool = false) {
            self.kind = kind
            self.name = name
            self.source = source
            self.destination = destination
            self.isReadOnly = isReadOnly
        }
    }

    /// When the engine starts it again by itself.
    package struct RestartPolicy: Sendable, Hashable {
        package enum Kind: String, Sendable {
            case no, always
            case unlessStopped = "unless-stopped"
            case onFailure = "on-failure"
        }

        package let kind: Kind
        /// For `onFailure`; 0: no limit.
        package let maximumRetries: Int

        package init(_ kind: Kind, maximumRetries: Int = 0) {
            self.kind = kind
            self.maximumRetries = maximumRetries
        }
    }
}

extension Container {
    /// The compose project that it belongs to.
    package var composeProject: String? { labels["com.docker.compose.project"] }
    /// Its service in the compose file.
    package var composeService: String? { labels["com.docker.compose.service"] }
    /// The folder that compose was started in.
    package var composeWorkingDirectory: String? { labels["com.docker.compose.project.working_dir"] }
    /// The compose files, as compose names them.
    package var composeFiles: [String] {
        (labels["com.docker.compose.project.config_files"] ?? "").split(separator: ",").map(String.init)
    }

    /// Whether it sees the volume's data: by its name, or by a bind mount of its folder or of something in it.
    ///
    /// A bind of a folder above all volumes, as monitoring containers have, does not count.
    package func uses(_ volume: Volume) -> Bool {
        mounts.contains { $0.shows(volumeNamed: volume.name, at: volume.mountpoint) }
    }
}

extension Container.Mount {
    func shows(volumeNamed name: String, at mountpoint: String) -> Bool {
        switch kind {
        case .volume: self.name == name
        case .bind: !mountpoint.isEmpty && (source == mountpoint || source.hasPrefix(mountpoint + "/"))
        case .tmpfs, .other: false
        }
    }
}
