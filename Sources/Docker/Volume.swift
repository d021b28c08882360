package import Machine

/// A volume, as the engine knows it.
package struct Volume: Sendable {
    package let name: String
    /// `local`, or the name of a plugin.
    package let driver: String
    /// Where it is, or would be, mounted on the host; empty if the driver does not say.
    package let mountpoint: String
    package let labels: [String: String]
    /// What the driver was told; can hold the password of a network share.
    package let options: [String: Redacted]
    /// `local` or `global`.
    package let scope: String
    /// Nil if the driver does not say.
    package let created: Timestamp?

    /// Also for tests, which leave out what does not matter to them.
    package init(
        name: String, driver: String = "local", mountpoint: String = "", labels: [String: String] = [:],
        options: [String: Redacted] = [:], scope: String = "local", created: Timestamp? = nil
    ) {
        self.name = name
        self.driver = driver
        self.mountpoint = mountpoint
        self.labels = labels
        self.options = options
        self.scope = scope
        self.created = created
    }

    /// Whether its data simply lies in ``mountpoint``. Volumes of other drivers and with options (NFS, CIFS, bind, tmpfs)
    /// are there only while a container uses them.
    package var isPlain: Bool { driver == "local" && options.isEmpty }

    /// Whether it was made without a name, for one container.
    package var isAnonymous: Bool {
        labels["com.docker.volume.anonymous"] != nil
            || name.utf8.count == 64 && name.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    /// The compose project that made it.
    package var composeProject: String? { labels["com.docker.compose.project"] }
    /// Its name in the compose file.
    package var composeName: String? { labels["com.docker.compose.volume"] }
}
