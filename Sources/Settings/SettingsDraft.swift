/// What `holdfast init` found out about a host, to be written as its first `holdfast.yml`.
package struct SettingsDraft: Sendable {
    /// Someone who will be able to read the backups.
    package struct Recipient: Sendable {
        /// 40 hex digits, or an e-mail address.
        package var fingerprint: String
        /// Who that is, for the comment.
        package var userID: String?

        /// Names a recipient.
        package init(fingerprint: String, userID: String? = nil) {
            self.fingerprint = fingerprint
            self.userID = userID
        }
    }

    /// A volume that was found; it goes into a comment.
    package struct Volume: Sendable {
        /// Its name.
        package var name: String
        /// What is worth knowing of it: its size, what uses it.
        package var note: String?

        /// Describes a volume.
        package init(name: String, note: String? = nil) {
            self.name = name
            self.note = note
        }
    }

    /// A volume, or a pattern of volumes, that is kept still while it is read.
    package struct Quiesce: Sendable {
        /// Which volumes.
        package var pattern: String
        /// How.
        package var mode: Settings.Quiesce
        /// Why, for the comment.
        package var reason: String?

        /// Makes a rule.
        package init(pattern: String, mode: Settings.Quiesce, reason: String? = nil) {
            self.pattern = pattern
            self.mode = mode
            self.reason = reason
        }
    }

    /// A folder of the host that is backed up.
    package struct Files: Sendable {
        /// What it is to be called; `Settings.FilesSource.isValid(name:)` has to hold.
        package var name: String
        /// Where it lies, absolute.
        package var path: String
        /// What to leave out.
        package var exclude: [String]
        /// Why it is here, for the comment.
        package var note: String?

        /// Describes a folder.
        package init(name: String, path: String, exclude: [String] = [], note: String? = nil) {
            self.name = name
            self.path = path
            self.exclude = exclude
            self.note = note
        }
    }

    /// A database that was found.
    package struct Database: Sendable {
        /// What it is to be called; `Settings.Database.isValid(name:)` has to hold.
        package var name: String
        /// Where it is, and thereby what keeps it.
        package var place: Place
        /// Whom to log in as, for a server; nil: whom the container names.
        package var user: String?
        /// Why it is here, for the comment.
        package var note: String?

        /// Where a database is.
        package enum Place: Sendable {
            /// A PostgreSQL server in a container.
            case container(String)
            /// A PostgreSQL server in a compose service.
            case service(String, project: String?)
            /// An SQLite file in a volume.
            case volume(String, file: String)
            /// An SQLite file of the host.
            case path(String)
        }

        /// Describes a database.
        package init(name: String, place: Place, user: String? = nil, note: String? = nil) {
            self.name = name
            self.place = place
            self.user = user
            self.note = note
        }
    }

    /// Where backups are to lie.
    package var directory: String
    /// Who is to read them; empty: the file says how to name somebody.
    package var recipients: [Recipient] = []
    /// A GNUPGHOME of our own.
    package var keyring: String?
    /// How archives are compressed.
    package var compression = Settings.Compression.standard
    /// The folder of the volumes, only where there is no engine to ask.
    package var volumesRoot: String?
    /// The volumes that were found.
    package var volumes: [Volume] = []
    /// Patterns of volumes to take.
    package var include: [String] = ["*"]
    /// Patterns of volumes to leave out.
    package var exclude: [String] = []
    /// Volumes that may be empty.
    package var allowEmpty: [String] = []
    /// How volumes are kept still; the order counts.
    package var quiesce: [Quiesce] = []
    /// Folders of the host.
    package var files: [Files] = []
    /// Databases that are dumped by their own means.
    package var databases: [Database] = []
    /// The engine's socket.
    package var dockerSocket = Settings.Docker.defaultSocket
    /// The folder of journal, lock and run records.
    package var state = Settings.defaultState

    /// Starts a draft that writes to `directory` and has defaults for all else.
    package init(directory: String) { self.directory = directory }
}
