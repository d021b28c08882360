extension Settings {
    /// The `backup` section.
    package struct Backup: Equatable, Sendable {
        /// The folder that restore points are written to.
        package var directory: String
        /// Who can read the backups.
        package var encryption: Encryption
        /// How archives are compressed.
        package var compression: Compression
        /// Which volumes, and how each is treated.
        package var volumes: Volumes
        /// Folders of the host, in the order of the file; names are unique.
        package var files: [FilesSource]
        /// Databases, in the order of the file; names are unique.
        package var databases: [Database]
        /// Which restore points are kept; nil: nothing is ever removed.
        package var retention: Retention?
        /// Folders with the archives of older scripts.
        package var legacy: [Legacy]
        /// Seconds after which an item's last success is too old.
        package var maximumAge: Double

        /// Puts the section together from parts that are taken to be valid.
        package init(
            directory: String, encryption: Encryption = Encryption(), compression: Compression = .standard,
            volumes: Volumes = Volumes(), files: [FilesSource] = [], databases: [Database] = [],
            retention: Retention? = nil, legacy: [Legacy] = [], maximumAge: Double = Backup.usualMaximumAge
        ) {
            self.directory = directory
            self.encryption = encryption
            self.compression = compression
            self.volumes = volumes
            self.files = files
            self.databases = databases
            self.retention = retention
            self.legacy = legacy
            self.maximumAge = maximumAge
        }

        /// What ``maximumAge`` is unless `max_age` says otherwise: a day, and an hour for the run itself.
        package static let usualMaximumAge = 25 * 3600.0
    }

    /// A folder of the host that is backed up under a name of its own.
    package struct FilesSource: Equatable, Sendable {
        /// What it is called in commands, manifests and archive names.
        package var name: String
        /// The folder, absolute, without a trailing slash.
        package var path: String
        /// What is left out.
        package var exclude: [Pattern]

        /// Puts a source together from parts that are taken to be valid.
        package init(name: String, path: String, exclude: [Pattern] = []) {
            self.name = name
            self.path = path
            self.exclude = exclude
        }

        /// Whether `exclude` leaves out the entry at `relative`, a path below `path` without a slash in front.
        ///
        /// A pattern without a slash is held against every name on the way (`node_modules`, `*.log`); one that starts
        /// with a slash against the absolute path, any other against the relative one. What is left out takes all
        /// beneath it along. `*` and `?` match slashes too.
        package func excludes(_ relative: String) -> Bool {
            let names = relative.split(separator: "/").map(String.init)
            var above = ""
            for name in names {
                above += above.isEmpty ? name : "/" + name
                let absolute = path == "/" ? "/" + above : path + "/" + above
                let hit = exclude.contains { pattern in
                    if pattern.text.hasPrefix("/") { return pattern.matches(absolute) }
                    return pattern.matches(pattern.text.contains("/") ? above : name)
                }
                if hit { return true }
            }
            return false
        }

        /// Whether a source may be called so: letters, digits, `_`, `.`, `-`, at most 128, the first a letter or digit.
        package static func isValid(name: String) -> Bool {
            let bytes = Array(name.utf8)
            guard let first = bytes.first, bytes.count <= 128, isAlphanumeric(first) else { return false }
            return bytes.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
        }

        private static func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"):
                true
            default: false
            }
        }
    }
}
