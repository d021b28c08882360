internal import Databases
internal import Machine
internal import RestorePoints
internal import Settings

extension BackupPlanner {
    /// The databases of every entry, as the servers list them now. A server that cannot be asked is a failure of what
    /// earlier points have of it, not of the others.
    mutating func databases(_ last: [Item: LastTime]) async throws -> [PlannedItem] {
        var planned: [PlannedItem] = []
        for entry in site.settings.backup.databases {
            do {
                let engine = try await DatabaseSources(site: site).engine(for: entry)
                let survey = try await engine.survey()
                warnings += survey.warnings.map { "\(entry.name): \($0)" }
                planned += found(entry, engine, survey, last)
            } catch is Interrupted {
                throw Interrupted()
            } catch {
                planned += unreachable(entry, explain(error), last)
            }
        }
        return planned
    }

    private mutating func found(
        _ entry: Settings.Database, _ engine: any DatabaseEngine, _ survey: DatabaseSurvey, _ last: [Item: LastTime]
    ) -> [PlannedItem] {
        guard case .postgres(let settings) = entry.engine else {
            // Also if the file is not there: that is a failure.
            let name = (engine as? SQLiteFolder)?.name ?? entry.name
            return [plan(Item(.database, entry.name), entry, .database(name), engine, last)]
        }
        var names: [String]
        switch settings.databases {
        case .some(let wanted): names = wanted
        case .all:
            names = survey.databases.filter(\.isOpen).map(\.name)
            for closed in survey.databases where !closed.isOpen {
                warnings.append(
                    "\(entry.name): nobody can connect to the database \(RawPath(closed.name)), so it is not saved.")
            }
        }
        var planned = names.map { plan(DatabaseItems.item($0, of: entry), entry, .database($0), engine, last) }
        planned.append(plan(DatabaseItems.globals(of: entry.name), entry, .globals, engine, last))
        let present = Set(planned.map(\.item))
        for gone in last.keys.sorted()
        where gone.kind == .database && DatabaseItems.entry(of: gone) == entry.name && !present.contains(gone) {
            warnings.append("\(gone) is in earlier restore points, but the server no longer has it.")
        }
        return planned
    }

    /// What cannot be asked about now: all that the last points have of the entry, or what it names itself.
    private func unreachable(
        _ entry: Settings.Database, _ problem: any Explained, _ last: [Item: LastTime]
    ) -> [PlannedItem] {
        var items = Set(last.keys.filter { $0.kind == .database && DatabaseItems.entry(of: $0) == entry.name })
        switch entry.engine {
        case .sqlite: items.insert(Item(.database, entry.name))
        case .postgres(let settings):
            items.insert(DatabaseItems.globals(of: entry.name))
            if case .some(let names) = settings.databases {
                items.formUnion(names.map { DatabaseItems.item($0, of: entry) })
            }
        }
        return items.sorted().map { item in
            let part: PlannedItem.Dump.Part = DatabaseItems.isGlobals(item) ? .globals : .database(item.name)
            return plan(item, entry, part, nil, last, problem)
        }
    }

    /// The database that one file is to hold.
    ///
    /// Every server has one called `postgres` to begin with, for its own administration: beside another one it has to be
    /// named to be meant.
    mutating func theOne(of items: [PlannedItem], _ request: BackupRequest) throws -> PlannedItem {
        var databases = items.filter { $0.dump?.part != .globals }
        if request.names.isEmpty, databases.count > 1 {
            let others = databases.filter { $0.dump?.part != .database("postgres") }
            if others.count == 1 {
                warnings.append(
                    "\(databases.filter { $0.dump?.part == .database("postgres") }.map(\.item.description).joined(separator: ", ")) is not in this file: one file holds one database."
                )
                databases = others
            }
        }
        guard databases.count == 1, let one = databases.first else {
            throw RecoveryError.refused(
                "several-databases",
                databases.isEmpty
                    ? "No database is selected."
                    : "One file holds one database, and these are selected: \(databases.map(\.item.name).joined(separator: ", ")).",
                place: site.settings.file,
                remedy:
                    "Name one: holdfast backup databases NAME --to FILE. holdfast backup databases saves all, and roles."
            )
        }
        if one.dump?.suffix == ".sqlite" {
            throw RecoveryError.refused(
                "no-script", "\(one.item) is SQLite, and is saved as the file that it is, not as SQL.",
                remedy: "holdfast backup databases \(one.item.name), without --to")
        }
        return one
    }

    private func plan(
        _ item: Item, _ entry: Settings.Database, _ part: PlannedItem.Dump.Part, _ engine: (any DatabaseEngine)?,
        _ last: [Item: LastTime], _ problem: (any Explained)? = nil
    ) -> PlannedItem {
        var planned = PlannedItem(
            item: item, path: entry.place, source: nil, mayBeEmpty: false, still: [], before: [], after: [],
            volume: nil, users: [], expected: last[item]?.size, expectedData: last[item]?.data, problem: problem)
        if problem == nil, !Item.isName(item.name) {
            planned.problem = RecoveryError.failed(
                "long-name", "The database’s name is too long for the name of a file.", place: item.description,
                remedy: "Name it in an entry of its own: - { name: …, database: … }")
        }
        let suffix =
            switch (entry.engine, part) {
            case (_, .globals): ".sql"
            case (.postgres, _): ".dump"
            case (.sqlite, _): ".sqlite"
            }
        planned.dump = PlannedItem.Dump(part, suffix: suffix, from: engine)
        return planned
    }
}

extension Settings.Database {
    /// Where it is, in words.
    var place: String {
        switch engine {
        case .postgres(let settings):
            switch settings.place {
            case .container(let name): "container \(name)"
            case .service(let name, let project): "service \(project.map { "\($0)/" } ?? "")\(name)"
            case .server(let server): "\(server.host ?? "this host")\(server.port.map { ":\($0)" } ?? "")"
            }
        case .sqlite(let settings):
            switch settings.place {
            case .path(let path): path
            case .volume(let volume, let file): "volume \(volume), \(file)"
            }
        }
    }
}
