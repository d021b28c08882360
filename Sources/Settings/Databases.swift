extension Settings {
    /// One entry of `backup.databases`: a server's databases, or one SQLite file.
    package struct Database: Equatable, Sendable {
        /// What it is called in commands, manifests and archive names.
        package var name: String
        /// What keeps the data, and where it is reached.
        package var engine: Engine

        /// What keeps the data.
        package enum Engine: Equatable, Sendable {
            case postgres(Postgres)
            case sqlite(SQLite)

            /// The word that the file has for it.
            package var word: String {
                switch self {
                case .postgres: "postgres"
                case .sqlite: "sqlite"
                }
            }
        }

        /// Puts an entry together from parts that are taken to be valid.
        package init(name: String, engine: Engine) {
            self.name = name
            self.engine = engine
        }

        /// Whether an entry may be called so: letters, digits, `_`, `-`, at most 32, the first a letter or digit.
        package static func isValid(name: String) -> Bool {
            name.utf8.count <= 32 && !name.utf8.contains(UInt8(ascii: ".")) && FilesSource.isValid(name: name)
        }
    }

    /// A PostgreSQL server and which of its databases are backed up.
    package struct Postgres: Equatable, Sendable {
        /// Where the server is.
        package var place: Place
        /// Whom to log in as; nil: the container's `POSTGRES_USER`, or `postgres`.
        package var user: String?
        /// Which databases.
        package var databases: Selection
        /// A file that holds the password alone; its path is absolute.
        package var passwordFile: String?
        /// Seconds to wait for a lock that somebody else holds, at most.
        package var lockTimeout: Double

        /// Puts a server together from valid parts; by default all of its databases.
        package init(
            place: Place, user: String? = nil, databases: Selection = .all, passwordFile: String? = nil,
            lockTimeout: Double = Postgres.usualLockTimeout
        ) {
            self.place = place
            self.user = user
            self.databases = databases
            self.passwordFile = passwordFile
            self.lockTimeout = lockTimeout
        }

        /// What ``lockTimeout`` is unless `lock_timeout` says otherwise: five minutes.
        package static let usualLockTimeout = 300.0

        /// Where a server is.
        package enum Place: Equatable, Sendable {
            /// In the container of this name or id.
            case container(String)
            /// In the container of a compose service; nil: there is only one project with such a service.
            case service(String, project: String?)
            /// Behind an address.
            case server(Server)
        }

        /// The address of a server.
        package struct Server: Equatable, Sendable {
            /// A name, an address, or the absolute path of the folder with the server's socket; nil: the usual socket.
            package var host: String?
            /// nil: the usual port.
            package var port: UInt16?
            /// Only ``Server/knownParameters``.
            package var parameters: [String: String]

            /// Puts an address together from valid parts.
            package init(host: String? = nil, port: UInt16? = nil, parameters: [String: String] = [:]) {
                self.host = host
                self.port = port
                self.parameters = parameters
            }

            /// What a URL may say after its `?`, beside the parts of the address.
            package static let knownParameters = ["sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout"]
        }

        /// Which databases of a server.
        package enum Selection: Equatable, Sendable {
            /// All but the templates.
            case all
            /// These, in the order of the file: at least one, none twice.
            case some([String])
        }
    }

    /// A database that is one file.
    package struct SQLite: Equatable, Sendable {
        /// Where the file lies.
        package var place: Place

        /// Names a file by a place that is taken to be valid.
        package init(place: Place) { self.place = place }

        /// Where a file lies.
        package enum Place: Equatable, Sendable {
            /// At an absolute path of the host.
            case path(String)
            /// In a volume, at a path that does not begin with a slash.
            case volume(String, file: String)
        }
    }
}
