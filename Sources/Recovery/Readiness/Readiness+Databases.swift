internal import Databases
internal import Docker
internal import Machine
internal import RestorePoints
internal import Settings

extension Readiness {
    /// The entry of `backup.databases` that saves a database found in a volume.
    func entry(for database: LiveDatabase, in volume: Volume, _ users: [Container]) -> String? {
        site.settings.backup.databases.first { entry in
            switch entry.engine {
            case .postgres(let settings): database.engine == "PostgreSQL" && users.contains(where: settings.isIn)
            case .sqlite(let settings):
                switch settings.place {
                case .volume(let name, let file): name == volume.name && database.sign == file + "-wal"
                case .path(let path): "\(volume.mountpoint)/\(database.sign)" == path + "-wal"
                }
            }
        }?.name
    }

    /// Whether all that lives in a volume is one server, which is dumped.
    func isDumped(_ volume: Volume, _ users: [Container]) -> Bool {
        let found = LiveDatabase.find(in: volume.mountpoint)
        return found.count == 1
            && found.allSatisfy { $0.engine == "PostgreSQL" && entry(for: $0, in: volume, users) != nil }
    }

    /// Databases that earlier points have and the server has no longer.
    private mutating func gone(_ survey: DatabaseSurvey, _ entry: Settings.Database) {
        guard case .postgres(let settings) = entry.engine, case .all = settings.databases else { return }
        let present = Set(survey.databases.map { DatabaseItems.item($0.name, of: entry) })
        let points = (try? site.catalog.points().suffix(50)) ?? []
        let known = Set(points.flatMap { (try? $0.manifest.get().items) ?? [] }.map(\.item)).filter {
            $0.kind == .database && DatabaseItems.entry(of: $0) == entry.name && !DatabaseItems.isGlobals($0)
        }
        for item in known.subtracting(present).sorted() {
            findings.append(
                Finding(
                    level: .warn, subject: "\(item)",
                    text: "is in earlier restore points, but the server no longer has it",
                    remedy: "If that is not meant: holdfast restore database \(item.name)"))
        }
    }

    /// Whether every server answers, and how much it has.
    mutating func databases() async {
        for entry in site.settings.backup.databases {
            let subject = "database \(entry.name)"
            do {
                let engine = try await DatabaseSources(site: site).engine(for: entry)
                let survey = try await engine.survey()
                let saved = try selected(from: survey, entry)
                let size = saved.reduce(ByteCount(0)) { $0 + $1.size }
                let what = entry.engine.word == "postgres" ? "PostgreSQL" : "SQLite"
                ok(subject, "\(what) \(survey.version), \(entry.place): \(counted(saved.count, "database")), \(size)")
                gone(survey, entry)
                for warning in survey.warnings {
                    findings.append(Finding(level: .warn, subject: subject, text: warning, remedy: nil))
                }
            } catch {
                fail(subject, error)
            }
        }
    }

    /// What the entry is about.
    ///
    /// - Throws: when a database that is named is not there, or there is none.
    private func selected(
        from survey: DatabaseSurvey, _ entry: Settings.Database
    ) throws -> [DatabaseSurvey.Found] {
        let there = survey.databases.filter(\.isOpen)
        guard !there.isEmpty else {
            throw DatabaseError(
                .noSuchDatabase, "There is no database.", place: entry.place,
                remedy: "See whether the file is where the entry says.")
        }
        guard case .postgres(let settings) = entry.engine, case .some(let names) = settings.databases else {
            return there
        }
        if let missing = names.first(where: { name in !there.contains { $0.name == name } }) {
            throw DatabaseError(
                .noSuchDatabase, "There is no database “\(RawPath(missing))” that lets anybody in.", place: entry.place,
                remedy: "There are: \(there.map { RawPath($0.name).description }.joined(separator: ", ")).")
        }
        return there.filter { names.contains($0.name) }
    }
}
