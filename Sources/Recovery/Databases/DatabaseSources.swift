internal import Databases
internal import Docker
internal import Glibc
internal import Machine
internal import Settings

/// Finds the engines that the entries of `backup.databases` are about.
struct DatabaseSources: Sendable {
    let site: Site

    /// The engine of one entry, not yet spoken to.
    ///
    /// - Throws: when its container does not run, its password cannot be read, or its volume is not there.
    func engine(for entry: Settings.Database) async throws -> any DatabaseEngine {
        switch entry.engine {
        case .postgres(let settings): return try await postgres(settings, entry.name)
        case .sqlite(let settings):
            return SQLiteFolder(
                holding: try await path(of: settings, entry.name),
                copies: (site.state.path, ".holdfast-sqlite-\(entry.name)"))
        }
    }

    /// The entry that a restore or a check is about.
    func entry(_ name: String) throws -> Settings.Database {
        let entries = site.settings.backup.databases
        if let entry = entries.first(where: { $0.name == name }) { return entry }
        throw RecoveryError.refused(
            "no-database-entry", "There is no entry “\(RawPath(name))” under backup.databases.",
            place: site.settings.file,
            remedy: entries.isEmpty
                ? "Add it there under that name, and say where its server, or its file, is."
                : "There are: \(entries.map(\.name).joined(separator: ", ")). Add it there under that name again, or restore with --entry NAME."
        )
    }

    // MARK: - PostgreSQL

    private func postgres(_ settings: Settings.Postgres, _ name: String) async throws -> PostgresServer {
        let known: [String] = if case .some(let names) = settings.databases { names } else { [] }
        let (place, usual) = try await place(settings.place, name)
        return PostgresServer(
            place, user: settings.user ?? usual, password: try settings.passwordFile.map(password),
            lockTimeout: settings.lockTimeout, known: known)
    }

    /// Where the server's programs run, and the user that is usual there.
    private func place(_ place: Settings.Postgres.Place, _ name: String) async throws -> (PostgresPlace, String) {
        switch place {
        case .server(let server):
            var environment = server.parameters.reduce(into: [String: String]()) { environment, parameter in
                environment["PG" + parameter.key.uppercased()] = parameter.value
            }
            environment["PGHOST"] = server.host
            environment["PGPORT"] = server.port.map { "\($0)" }
            return (.host(environment), "postgres")
        case .container, .service: return try await inContainer(name) { place.isIn($0) }
        }
    }

    private func inContainer(
        _ name: String, where isWanted: (Container) -> Bool
    ) async throws -> (PostgresPlace, String) {
        let engine: Engine
        switch site.engine {
        case .reachable(let reachable): engine = reachable
        case .absent(let reason): throw reason
        }
        let all = try await engine.containers().filter(isWanted)
        let running = all.filter { $0.state == .running }
        guard running.count == 1, let container = running.first else {
            throw RecoveryError.refused(
                "database-container",
                running.isEmpty
                    ? all.isEmpty
                        ? "There is no such container for the database entry \(name)."
                        : "The container of the database entry \(name) does not run: \(all.map { "\($0.name) is \($0.state.rawValue)" }.joined(separator: ", "))."
                    : "Several containers match the database entry \(name): \(running.map(\.name).joined(separator: ", ")).",
                place: site.settings.file,
                remedy: running.isEmpty
                    ? "Start it (docker start …), or mend `container` or `service` of that entry."
                    : "Say which: add `project: …`, or name one with `container: …`.")
        }
        return (.container(engine, container), container.environment["POSTGRES_USER"]?.exposed ?? "postgres")
    }

    /// The first line of the file, which nobody else may be able to read.
    private func password(_ path: String) throws -> Redacted {
        let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == 0 || status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0
        else {
            throw RecoveryError.refused(
                "password-file", "The password file can be read by others, or is not yours or root’s.", place: path,
                remedy: "chmod 600 \(path), and chown root \(path)")
        }
        let text = String(decoding: try file.readAll(limit: 64 << 10), as: UTF8.self)
        return Redacted(text.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init) ?? "")
    }

    // MARK: - SQLite

    private func path(of settings: Settings.SQLite, _ name: String) async throws -> String {
        switch settings.place {
        case .path(let path): return path
        case .volume(let volume, let file):
            if let root = site.settings.backup.volumes.root { return try inside("\(root)/\(volume)/_data", file) }
            guard case .reachable(let engine) = site.engine else {
                guard case .absent(let reason) = site.engine else { return "" }
                throw reason
            }
            guard let found = try await engine.volume(volume) else {
                throw RecoveryError.refused(
                    "no-volume", "There is no volume \(volume), which the database entry \(name) is about.",
                    place: site.settings.file, remedy: "docker volume ls; nothing was created.")
            }
            return try inside(found.mountpoint, file)
        }
    }

    /// A file of a volume; a link in there may not lead us elsewhere.
    private func inside(_ volume: String, _ file: String) throws -> String {
        let path = "\(volume)/\(file)"
        let folder = parent(of: path)
        guard access(folder, F_OK) != 0 || resolved(folder) == parent(of: "\(resolved(volume))/\(file)") else {
            throw RecoveryError.refused(
                "link-in-volume", "A link in the volume leads away from where the database entry says.", place: path,
                remedy: "Name the file by the path that it really has in the volume.")
        }
        return path
    }
}

extension Settings.Postgres {
    /// Whether the server is in this container.
    func isIn(_ container: Container) -> Bool { place.isIn(container) }
}

extension Settings.Postgres.Place {
    func isIn(_ container: Container) -> Bool {
        switch self {
        case .container(let wanted):
            container.name == wanted || wanted.utf8.count >= 12 && container.id.hasPrefix(wanted)
        case .service(let service, let project):
            container.composeService == service && (project == nil || container.composeProject == project)
        case .server: false
        }
    }
}
