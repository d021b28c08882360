internal import Databases
internal import Docker
internal import Glibc
package import Machine
package import OpenPGP
package import Settings

/// What `init` finds on a host, and the configuration that follows from it.
package struct HostSurvey: Sendable {
    /// The configuration to write.
    package let draft: SettingsDraft
    /// What was found, a line each.
    package let found: [String]
    /// What the configuration does not cover, a line each, with what to do.
    package let uncovered: [String]

    /// Where things are to be, as far as a person said so.
    package struct Wishes: Sendable {
        package var directory: String
        package var state: String
        package var socket: String
        package var keyring: String?
        package var volumesRoot: String?

        package init(directory: String, state: String, socket: String, keyring: String?, volumesRoot: String?) {
            self.directory = directory
            self.state = state
            self.socket = socket
            self.keyring = keyring
            self.volumesRoot = volumesRoot
        }
    }

    /// Looks at engine, compose projects, volumes, bind mounts, databases and keys; changes nothing.
    package init(_ wishes: Wishes, engine access: EngineAccess, keyring: Keyring, recipients: [String], now: Timestamp)
        async throws
    {
        var draft = SettingsDraft(directory: wishes.directory)
        draft.state = wishes.state
        draft.dockerSocket = wishes.socket
        draft.keyring = wishes.keyring
        var notes = Notes()
        try await Self.keys(keyring, recipients, now, &draft, &notes)
        switch access {
        case .reachable(let engine): try await Self.engine(engine, &draft, &notes)
        case .absent(let reason): Self.withoutEngine(reason, wishes.volumesRoot, &draft, &notes)
        }
        self.draft = draft
        found = notes.found
        uncovered = notes.uncovered
    }

    private struct Notes {
        var found: [String] = []
        var uncovered: [String] = []
    }

    // MARK: - Keys

    private static func keys(
        _ keyring: Keyring, _ recipients: [String], _ now: Timestamp, _ draft: inout SettingsDraft, _ notes: inout Notes
    ) async throws {
        var usable: [PublicKey] = []
        if recipients.isEmpty {
            usable = try await keyring.keys().filter {
                if case .usable = $0.encryptionState(at: now) { true } else { false }
            }
        } else {
            for recipient in recipients {
                let key = try await keyring.key(for: recipient)
                try key.requireEncryption(at: now)
                usable.append(key)
            }
        }
        if usable.count == 1 || !recipients.isEmpty {
            draft.recipients = usable.map { .init(fingerprint: $0.fingerprint.description, userID: $0.userIDs.first) }
            notes.found += usable.map { "recipient \($0.name)" }
        } else if usable.isEmpty {
            notes.uncovered.append(
                "Nobody can read the backups yet: holdfast key import FILE, then name the key in backup.encryption.recipients."
            )
        } else {
            notes.uncovered.append(
                "There are \(usable.count) keys, and which of them is to read the backups is yours to say (backup.encryption.recipients): "
                    + usable.map(\.name).joined(separator: "; "))
        }
        for key in usable where key.hasEncryptionSecret {
            notes.uncovered.append(
                "The private key of \(key.name) is on this host: move it away, or this host can read its own backups.")
        }
    }

    // MARK: - Docker

    private static func engine(_ engine: Engine, _ draft: inout SettingsDraft, _ notes: inout Notes) async throws {
        let volumes = try await engine.volumes()
        let containers = try await engine.containers()
        notes.found.append(
            "Docker \(engine.version.version): \(containers.count) containers, \(volumes.count) volumes")
        for volume in volumes {
            let users = containers.filter { $0.uses(volume) }
            let names = users.map(\.name).joined(separator: ", ")
            draft.volumes.append(
                .init(name: volume.name, note: names.isEmpty ? "used by no container" : "used by \(names)"))
            await look(into: volume, users: users, engine, &draft, &notes)
        }
        for (project, folder) in projects(containers) {
            notes.found.append("compose project \(project) in \(folder)")
            let name = Settings.FilesSource.isValid(name: project) ? project : "compose"
            guard !draft.files.contains(where: { $0.path == folder || $0.name == name }) else { continue }
            draft.files.append(.init(name: name, path: folder, note: "the compose project’s own folder"))
        }
        let covered = draft.files.map(\.path)
        for source in BindMounts(containers).all
        where !covered.contains(where: { source == $0 || source.hasPrefix($0 + "/") }) {
            notes.uncovered.append(
                "\(source) is mounted into containers and in no backup: name it, or its folder, under backup.files.")
        }
    }

    private static func look(
        into volume: Volume, users: [Container], _ engine: Engine, _ draft: inout SettingsDraft, _ notes: inout Notes
    ) async {
        if volume.isAnonymous {
            notes.uncovered.append(
                "The volume \(volume.name.prefix(12))… has no name of its own (used by \(users.map(\.name).joined(separator: ", "))): "
                    + "it is backed up, but compose would not find it again.")
        }
        guard volume.isPlain else {
            notes.uncovered.append(
                "The volume \(volume.name) has mount options: it can be read only while a container uses it.")
            return
        }
        if (try? Descriptor.open(volume.mountpoint, O_RDONLY | O_DIRECTORY).isEmpty()) == true {
            draft.allowEmpty.append(volume.name)
            notes.found.append("volume \(volume.name) is empty now, and may be")
        }
        let databases = LiveDatabase.find(in: volume.mountpoint)
        var left: [LiveDatabase] = []
        for database in databases where !(await dump(database, in: volume, users, engine, &draft, &notes)) {
            left.append(database)
        }
        guard let database = left.first else { return }
        let label = users.compactMap { $0.labels[PlannedItem.Label.quiesce] }.first
        guard label == nil else { return }
        draft.quiesce.append(
            .init(pattern: volume.name, mode: .stop, reason: "\(database.engine) lives in it (\(database.sign))"))
        notes.found.append(
            "volume \(volume.name): \(database.engine) lives in it, so its containers are stopped while it is read")
    }

    /// Adds an entry for a database that can be dumped.
    ///
    /// - Returns: whether it can.
    private static func dump(
        _ database: LiveDatabase, in volume: Volume, _ users: [Container], _ engine: Engine,
        _ draft: inout SettingsDraft, _ notes: inout Notes
    ) async -> Bool {
        switch database.engine {
        case "SQLite":
            let name = freshName(volume.name, draft)
            draft.databases.append(.init(name: name, place: .volume(volume.name, file: database.file)))
            notes.found.append("database \(name): SQLite, \(database.file) in the volume \(volume.name)")
            return true
        case "PostgreSQL":
            for user in users where user.state == .running {
                let login = user.environment["POSTGRES_USER"]?.exposed ?? "postgres"
                let server = PostgresServer(
                    .container(engine, user), user: login, password: nil, lockTimeout: 10, known: [])
                guard let survey = try? await server.survey() else { continue }
                let name = freshName(user.composeService ?? user.name, draft)
                draft.databases.append(
                    .init(
                        name: name,
                        place: user.composeService.map { .service($0, project: user.composeProject) }
                            ?? .container(user.name),
                        user: login,
                        note: "PostgreSQL \(survey.version): \(survey.databases.map(\.name).joined(separator: ", "))"))
                draft.exclude.append(volume.name)
                notes.found.append(
                    "database \(name): PostgreSQL \(survey.version) in \(user.name), \(survey.databases.count) databases; dumped, so the files in its volume \(volume.name) are left out"
                )
                return true
            }
            return false
        default: return false
        }
    }

    /// A name for an entry that no other has.
    private static func freshName(_ wish: String, _ draft: SettingsDraft) -> String {
        let letters = wish.unicodeScalars.filter { Settings.Database.isValid(name: "a\($0)") }
        var stem = String(String.UnicodeScalarView(letters)).drop { $0 == "-" || $0 == "_" }.prefix(28)
        if stem.isEmpty { stem = "database" }
        var name = String(stem)
        var number = 2
        while draft.databases.contains(where: { $0.name == name }) {
            name = "\(stem)\(number)"
            number += 1
        }
        return name
    }

    private static func projects(_ containers: [Container]) -> [(String, String)] {
        var projects: [String: String] = [:]
        for container in containers {
            guard let project = container.composeProject, let folder = container.composeWorkingDirectory else {
                continue
            }
            guard folder.hasPrefix("/"), folder != "/", access(folder, R_OK | X_OK) == 0 else { continue }
            projects[project] = folder
        }
        return projects.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func withoutEngine(
        _ reason: any Explained, _ root: String?, _ draft: inout SettingsDraft, _ notes: inout Notes
    ) {
        notes.uncovered.append("There is no engine to ask: \(reason.what) Nothing can be stopped while it is read.")
        guard let root else {
            notes.uncovered.append("No volume is covered: start the engine, or name backup.volumes.root.")
            return
        }
        draft.volumesRoot = root
        for name in (try? volumeNames(in: root)) ?? [] { draft.volumes.append(.init(name: name)) }
        notes.found.append("\(draft.volumes.count) volumes in \(root)")
    }
}
