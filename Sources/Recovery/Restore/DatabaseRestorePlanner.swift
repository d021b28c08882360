internal import Archives
internal import Databases
internal import Docker
internal import Machine
package import OpenPGP
package import RestorePoints
internal import Settings

/// Decides where a database comes from and goes to. Changes nothing.
///
/// It needs the private key already: what a database held, and what it needs of its server, is encrypted.
package struct DatabaseRestorePlanner: Sendable {
    private let site: Site
    private let trust: SignerTrust
    private let key: DecryptionKey

    package init(_ site: Site, trust: SignerTrust, key: DecryptionKey) {
        self.site = site
        self.trust = trust
        self.key = key
    }

    /// Makes the plan.
    ///
    /// - Throws: when the item is in no point, the point is not signed by who is trusted, the server cannot be asked, the
    ///   target is there already, or an earlier restore of it is neither kept nor undone.
    package func plan(_ request: DatabaseRestoreRequest) async throws -> DatabaseRestorePlan {
        let item = try item(request.name)
        let point = try RestorePlanner(site, trust: trust).point(for: item, request.from)
        try await RestorePlanner.requireSignature(of: point, trust: trust)
        let (record, archive) = try point.contents(of: item)
        let sources = DatabaseSources(site: site)
        let entry = try sources.entry(request.entry ?? DatabaseItems.entry(of: item))
        guard let facts = try await point.privateFacts(key).databases?[item.description] else {
            throw RestorePointError(
                "no-database-facts", "The point does not say what \(item) held.", place: point.path,
                remedy: "Restore from another point, or its file alone: holdfast restore archive FILE --database NAME")
        }
        let engine = try await sources.engine(for: entry)
        let globals = try await missingGlobals(point, DatabaseItems.entry(of: item), engine)
        return try await plan(
            item, entry, .point(point, record, archive), engine, facts, into: request.into, live: facts.database,
            globals, request.appliesGlobals)
    }

    /// Makes the plan for a dump or a script that a person named.
    ///
    /// - Parameters:
    ///   - name: the entry, or the item, that says which server and which database.
    package func plan(_ file: ArchiveFile, name: String, into: String?) async throws -> DatabaseRestorePlan {
        let sources = DatabaseSources(site: site)
        let name = try await fullName(name, sources)
        let item = Item(.database, name)
        let entry = try sources.entry(DatabaseItems.entry(of: item))
        let engine = try await sources.engine(for: entry)
        let live = try await database(name, of: entry, engine, into)
        return try await plan(item, entry, .file(file), engine, nil, into: into, live: live, nil, false)
    }

    private func plan(
        _ item: Item, _ entry: Settings.Database, _ source: RestoreSource, _ engine: any DatabaseEngine,
        _ facts: DatabaseFacts?, into: String?, live: String, _ globals: PostgresGlobals?, _ appliesGlobals: Bool
    ) async throws -> DatabaseRestorePlan {
        let target = into ?? live
        let survey = try await engine.survey()
        let present = survey.databases.first { $0.name == target }
        guard into == nil || present == nil else {
            throw RecoveryError.refused(
                "database-exists", "There is a database “\(RawPath(target))” already, and --into never replaces one.",
                place: entry.place,
                remedy: "Name one that is not there yet, or leave --into out: the present one is kept then.")
        }
        try refusePending(entry.name, target)
        guard target.utf8.count <= 63 || engine is SQLiteFolder else {
            throw RecoveryError.refused(
                "bad-name", "“\(RawPath(target))” is longer than the 63 bytes that PostgreSQL keeps of a name.",
                place: entry.place, remedy: "Give --into a shorter name.")
        }
        if engine is SQLiteFolder, target.contains("/") {
            throw RecoveryError.refused(
                "bad-name",
                "An SQLite database is restored beside the present one: “\(RawPath(target))” is no file’s name.",
                place: entry.place, remedy: "Give --into a name without a slash.")
        }
        // A file that takes no other's place is in nobody's way.
        let file = present == nil ? nil : engine.file(of: target)
        return DatabaseRestorePlan(
            item: item, entry: entry.name, source: source, engine: engine, facts: facts, database: live,
            target: target,
            replaces: present != nil, isInPlace: into == nil, present: present?.size, globals: globals,
            appliesGlobals: appliesGlobals,
            users: try await Users.find(of: file.map { [(item, $0)] } ?? [], site),
            warnings: warnings(facts, survey, file),
            problem: appliesGlobals ? nil : try await missingPrerequisite(facts, engine))
    }

    // MARK: - Parts

    private func item(_ name: String) throws -> Item {
        let item = Item(.database, name.hasPrefix("database.") ? String(name.dropFirst("database.".count)) : name)
        guard Item.isName(item.name) else {
            throw RecoveryError.refused(
                "bad-name", "“\(RawPath(name))” can be no database’s name in a backup.",
                remedy: "See: holdfast show latest")
        }
        guard !DatabaseItems.isGlobals(item) else {
            throw RecoveryError.refused(
                "globals", "\(item) is what belongs to the server; it comes with a database.",
                remedy: "holdfast restore database NAME --globals shows what it would change, and changes it.")
        }
        return try inPoints(item)
    }

    /// The item itself, or the only one that is a database of this name.
    private func inPoints(_ item: Item) throws -> Item {
        let known = Set(try site.catalog.points().flatMap { (try? $0.manifest.get().items) ?? [] }.map(\.item))
            .filter { $0.kind == .database && !DatabaseItems.isGlobals($0) }
        if known.contains(item) { return item }
        let ofThatName = known.filter { $0.name.hasSuffix("." + DatabaseItems.encoded(item.name)) }
        if ofThatName.count == 1, let only = ofThatName.first { return only }
        throw RecoveryError.refused(
            "no-such-database", "There is no database “\(item.name)” in any restore point.",
            place: site.settings.backup.directory,
            remedy: known.isEmpty
                ? "There are none: see backup.databases in \(site.settings.file)."
                : "There are: \(known.sorted().map(\.name).joined(separator: ", ")).")
    }

    /// `ENTRY.DATABASE` of a database’s name alone, if only one entry has it.
    private func fullName(_ name: String, _ sources: DatabaseSources) async throws -> String {
        let entries = site.settings.backup.databases
        if entries.contains(where: { $0.name == DatabaseItems.entry(of: Item(.database, name)) }) { return name }
        var found: [String] = []
        for entry in entries {
            guard let engine = try? await sources.engine(for: entry),
                let names = try? await databases(of: entry, engine)
            else { continue }
            found += names.filter { $0 == name }.map { DatabaseItems.item($0, of: entry).name }
        }
        return found.count == 1 ? found[0] : name
    }

    /// Which database of the server a file is to become.
    private func database(
        _ name: String, of entry: Settings.Database, _ engine: any DatabaseEngine, _ into: String?
    ) async throws -> String {
        let names = try await databases(of: entry, engine)
        if let found = names.first(where: { DatabaseItems.item($0, of: entry).name == name }) { return found }
        if let into { return into }
        throw RecoveryError.refused(
            "which-database", "“\(RawPath(name))” does not say which database of the server is meant.",
            place: entry.place,
            remedy:
                "There are: \(names.map { DatabaseItems.item($0, of: entry).name }.joined(separator: ", ")). For a new one: --into NAME"
        )
    }

    /// The databases that the entry is about: those that it names, else those that the server has.
    private func databases(of entry: Settings.Database, _ engine: any DatabaseEngine) async throws -> [String] {
        switch entry.engine {
        case .postgres(let settings):
            if case .some(let names) = settings.databases { return names }
            return try await engine.survey().databases.map(\.name)
        case .sqlite: return [(engine as? SQLiteFolder)?.name ?? entry.name]
        }
    }

    private func missingPrerequisite(
        _ facts: DatabaseFacts?, _ engine: any DatabaseEngine
    ) async throws -> (any Explained)? {
        guard let server = engine as? PostgresServer else { return nil }
        do {
            try await server.requirePrerequisites(facts?.postgres)
            return nil
        } catch let error as DatabaseError where error.kind == .prerequisites {
            return error
        }
    }

    private func missingGlobals(
        _ point: Catalog.Point, _ entry: String, _ engine: any DatabaseEngine
    ) async throws -> PostgresGlobals? {
        guard let (_, archive) = try? point.contents(of: DatabaseItems.globals(of: entry)),
            let live = try await engine.globals()
        else { return nil }
        let sealed = SealedArchive(archive: archive, path: point.path, key: key)
        let script = try await sealed.open(meter: Meter()) { source, _ in
            try CompressedStream.withPlain(source) { try $0.readAll(limit: 64 << 20) }
        }
        return try PostgresGlobals(script: script).missing(from: PostgresGlobals(script: live.script))
    }

    private func refusePending(_ entry: String, _ target: String) throws {
        let pending = try Restores(site.state).all().first { record in
            record.databases?.contains { $0.entry == entry && $0.live == target } == true
        }
        guard let pending else { return }
        throw RecoveryError.refused(
            "pending",
            "The database \(RawPath(target)) was restored before (\(pending.restore)), and the way back from that is still kept.",
            place: site.state.path,
            remedy: "First drop that (holdfast restore commit) or go back to it (holdfast restore undo).")
    }

    private func warnings(_ facts: DatabaseFacts?, _ survey: DatabaseSurvey, _ file: String?) -> [String] {
        var warnings: [String] = []
        if let lost = facts?.postgres?.tablespaces, !lost.isEmpty {
            warnings.append(
                "Tablespaces that the server lacks do not come back, what lay in them goes to the usual one: \(lost.joined(separator: ", "))."
            )
        }
        if let saved = facts?.version, saved.major != survey.version.major {
            warnings.append("It was saved from version \(saved), the server is \(survey.version).")
        }
        if file != nil, site.engine.engine == nil {
            warnings.append("There is no engine to ask who uses the file: stop those programs yourself first.")
        }
        return warnings
    }
}

extension String {
    fileprivate var major: Substring { prefix { $0.isNumber } }
}

extension Catalog.Point {
    /// The record and the file of an item.
    ///
    /// - Throws: when the point has neither.
    func contents(of item: Item) throws -> (Manifest.ItemRecord, Manifest.Archive) {
        let manifest = try manifest.get()
        guard let record = manifest.record(of: item), let file = record.archive,
            let archive = manifest.archive(named: file)
        else {
            throw RecoveryError.refused(
                "not-in-point", "\(item) is not in the restore point \(name).",
                place: path,
                remedy:
                    "It holds: \(manifest.items.filter { $0.archive != nil }.map(\.item.description).joined(separator: ", "))"
            )
        }
        return (record, archive)
    }
}
