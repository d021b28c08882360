import Machine
import Yams

/// An entry of `backup.databases` together with where its name stands in the file.
struct LocatedDatabase {
    let database: Settings.Database
    private let name: NodeReader

    private static let help = "Write `- { name: NAME, engine: postgres, container: CONTAINER }`."
    private static let engines = ["postgres", "sqlite"]

    /// Reads `backup.databases`; entries with something wrong in them are reported and left out.
    static func list(reading reader: NodeReader) -> [LocatedDatabase] {
        guard reader.node.sequence != nil else {
            reader.wrongType(expected: "a list of databases", remedy: help)
            return []
        }
        return reader.list(of: "databases", LocatedDatabase.init(reading:)) ?? []
    }

    private init?(reading reader: NodeReader) {
        guard let fields = reader.fields(of: .databases, remedy: Self.help) else { return nil }
        let name = fields.require(
            "name", remedy: "Add `name: …`: what it is called in `holdfast restore database NAME`.")
        let word = fields.require("engine", remedy: "Add `engine: …`, one of: \(Self.engines.joined(separator: ", ")).")
        let text = name.flatMap(Self.name(reading:))
        let engine = word.flatMap(Self.engine(reading:)).flatMap { Self.engine($0, fields) }
        guard let name, let text, let engine else { return nil }
        database = Settings.Database(name: text, engine: engine)
        self.name = name
    }

    private static func name(reading reader: NodeReader) -> String? {
        guard let text = reader.string(expected: "a name") else { return nil }
        guard Settings.Database.isValid(name: text) else {
            reader.badValue(
                "\(reader.label) is not a name: `\(printable(text))`.",
                remedy: "Use letters, digits, `_` and `-`, at most 32, the first a letter or a digit.")
            return nil
        }
        return text
    }

    private static func engine(reading reader: NodeReader) -> String? {
        let help = "Write one of: \(engines.joined(separator: ", "))."
        guard let word = reader.string(expected: "a word", remedy: help) else { return nil }
        if engines.contains(word) { return word }
        if ["mysql", "mariadb"].contains(word.lowercased()) {
            reader.findings.report(
                "unsupported-engine", "\(reader.label): `\(printable(word))` is not supported yet by holdfast.",
                at: reader.position,
                remedy: "Remove this entry, and dump that server into a folder under `backup.files` meanwhile.")
            return nil
        }
        let near = nearest(to: word, among: engines).map { " – did you mean `\($0)`?" } ?? "."
        reader.badValue("\(reader.label): `\(printable(word))` is no engine that is known\(near)", remedy: help)
        return nil
    }

    private static func engine(_ word: String, _ fields: NodeReader.Fields) -> Settings.Database.Engine? {
        let postgres = [
            "container", "service", "project", "url", "user", "database", "password_file", "lock_timeout",
        ]
        let sqlite = ["path", "volume", "file"]
        let (foreign, other) = word == "sqlite" ? (postgres, "postgres") : (sqlite, "sqlite")
        for key in foreign {
            guard let value = fields[key] else { continue }
            value.findings.report(
                "conflict", "\(value.label) belongs to `engine: \(other)`, but this entry has `engine: \(word)`.",
                at: value.position, remedy: "Remove the key, or change the engine.")
        }
        if word == "sqlite" { return Settings.SQLite(reading: fields).map(Settings.Database.Engine.sqlite) }
        return Settings.Postgres(reading: fields).map(Settings.Database.Engine.postgres)
    }

    /// Reports entries that are called like one before them.
    static func refuseDoubleNames(in databases: [LocatedDatabase]) {
        var places: [String: SettingsProblem.Position?] = [:]
        for located in databases {
            let name = located.database.name
            guard let first = places.updateValue(located.name.position, forKey: name) else { continue }
            located.name.badValue(
                "\(located.name.label): `\(name)` is already the name of another database\(first.map { ", in line \($0.line)" } ?? "").",
                remedy: "Give each database a name of its own.")
        }
    }
}

extension Settings.SQLite {
    fileprivate init?(reading fields: NodeReader.Fields) {
        switch (fields["path"], fields["volume"]) {
        case (let path?, nil):
            if let file = fields["file"] {
                file.findings.report(
                    "conflict", "\(file.label) goes with `volume`, not with `path`.", at: file.position,
                    remedy: "Write the whole path in `path`.")
            }
            guard let text = path.hostPath() else { return nil }
            guard text != "/" else {
                path.badValue("\(path.label) is a folder.", remedy: "Write the path of the database's file.")
                return nil
            }
            self.init(place: .path(text))
        case (nil, let volume?):
            let file = fields.require("file", remedy: "Add `file: …`: the path of the database inside the volume.")
            guard let volume = volume.engineName("volume"), let file = file?.pathInVolume() else { return nil }
            self.init(place: .volume(volume, file: file))
        case (.some, let volume?):
            volume.reportSecondPlace("`path`")
            return nil
        case (nil, nil):
            fields.reader.reportNoPlace("`path: /…`, or `volume: …` and `file: …`")
            return nil
        }
    }
}

extension Settings.Postgres {
    fileprivate init?(reading fields: NodeReader.Fields) {
        let user = fields["user"].flatMap { $0.databaseName("a user") }
        let selection = fields["database"].flatMap(Self.selection(reading:))
        let passwordFile = fields["password_file"].flatMap(Self.passwordFile(reading:))
        let lockTimeout = fields["lock_timeout"].flatMap { $0.duration() }
        let places = ["container", "service", "url"].compactMap { key in fields[key].map { (key, $0) } }
        guard let (key, value) = places.first else {
            fields.reader.reportNoPlace("`container: …`, `service: …` or `url: …`")
            return nil
        }
        for (_, second) in places.dropFirst() { second.reportSecondPlace("`\(key)`") }
        if key != "service", let project = fields["project"] {
            project.findings.report(
                "conflict", "\(project.label) goes with `service`, not with `\(key)`.", at: project.position,
                remedy: "Remove it.")
        }
        var place: Place?
        var url: ServerURL?
        switch key {
        case "container": place = value.engineName("container").map(Place.container)
        case "service":
            let project = fields["project"].flatMap { $0.engineName("project") }
            place = value.engineName("service").map { .service($0, project: project) }
        default:
            url = Self.url(reading: value)
            place = url.map { .server($0.server) }
        }
        guard let place else { return nil }
        Self.refuseContradiction(in: user == nil ? nil : fields["user"], url?.user, user)
        let other = url?.database.flatMap { selection == .some([$0]) ? $0 : nil }
        Self.refuseContradiction(in: selection == nil ? nil : fields["database"], url?.database, other)
        self.init(
            place: place, user: user ?? url?.user,
            databases: selection ?? url?.database.map { .some([$0]) } ?? .all, passwordFile: passwordFile,
            lockTimeout: lockTimeout ?? Self.usualLockTimeout)
    }

    /// Reports that key and URL name different ones.
    private static func refuseContradiction(in key: NodeReader?, _ inURL: String?, _ inKey: String?) {
        guard let key, let inURL, inURL != inKey else { return }
        key.findings.report(
            "conflict", "\(key.label) says something else than the URL, which names `\(printable(inURL))`.",
            at: key.position, remedy: "Keep one of the two.")
    }

    private static func url(reading reader: NodeReader) -> ServerURL? {
        guard let text = reader.string(expected: "a URL") else { return nil }
        do {
            return try ServerURL(text)
        } catch {
            reader.badValue("\(reader.label) \(error.complaint)", remedy: error.remedy)
            return nil
        }
    }

    private static func selection(reading reader: NodeReader) -> Selection? {
        guard let names = reader.list(of: "databases", { $0.databaseName("a database") }) else { return nil }
        if names == ["*"] { return .all }
        let help = "Write `database: NAME`, `database: [ONE, TWO]`, or `database: \"*\"` for all of them."
        if names.contains("*") {
            reader.badValue("\(reader.label) has `*` beside names.", remedy: help)
        } else if Set(names).count < names.count {
            reader.badValue("\(reader.label) names a database twice.", remedy: help)
        } else if names.isEmpty, reader.node.sequence?.isEmpty == true {
            reader.badValue("\(reader.label) names no database.", remedy: help)
        }
        return names.isEmpty ? nil : .some(names)
    }

    /// The path of a password file; never shown, for it might be the password itself.
    private static func passwordFile(reading reader: NodeReader) -> String? {
        guard let text = reader.string(expected: "a path") else { return nil }
        do {
            return try HostPath(text).text
        } catch {
            reader.badValue(
                "\(reader.label) \(error.complaint).", remedy: "Name the file that holds the password and nothing else."
            )
            return nil
        }
    }

    /// Why nothing on a server is called so, as the end of a sentence; nil: it may be.
    static func complaint(aboutName name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name.utf8.count > 63 { return "is longer than 63 bytes" }
        let breaks = name.unicodeScalars.contains { ["\0", "\n", "\r"].contains($0) }
        return breaks ? "holds a line break or NUL" : nil
    }
}

extension NodeReader {
    /// The name of a database or a user: nearly any text.
    fileprivate func databaseName(_ expected: String) -> String? {
        guard let text = string(expected: expected) else { return nil }
        guard let complaint = Settings.Postgres.complaint(aboutName: text) else { return text }
        badValue("\(label) \(complaint).", remedy: "Write the name as the server has it.")
        return nil
    }

    /// What engine and compose call things: letters, digits, `_`, `.`, `-`.
    fileprivate func engineName(_ what: String) -> String? {
        guard let text = string(expected: "a name") else { return nil }
        // Not shown: there may be a password in it.
        guard !text.contains(":") else {
            badValue(
                "\(label) is an address, not the name of a \(what).",
                remedy: "Write the name alone; a server's address goes under `url`.")
            return nil
        }
        let fits = text.utf8.allSatisfy { byte in
            let letter = byte | 0x20
            return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
                || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || "_.-".utf8.contains(byte)
        }
        guard fits, text.utf8.count <= 255, text != ".", text != ".." else {
            badValue(
                "\(label) is not the name of a \(what): `\(printable(text))`.",
                remedy: "Such names have letters, digits, `_`, `.` and `-` alone.")
            return nil
        }
        return text
    }

    /// A path below a volume's folder, in its shortest spelling.
    fileprivate func pathInVolume() -> String? {
        guard let text = string(expected: "a path") else { return nil }
        let path = text.hasPrefix("/") ? nil : try? HostPath("/" + text).text.dropFirst()
        guard let path, !path.isEmpty else {
            badValue(
                "\(label) is no path inside the volume: `\(printable(text))`.",
                remedy: "Write it from the volume's folder on, without `/` in front and without `..`: `data/app.db`.")
            return nil
        }
        return String(path)
    }

    /// Reports that an entry says twice where its database is.
    fileprivate func reportSecondPlace(_ first: String) {
        findings.report(
            "conflict", "\(label) and \(first) say both where the database is.", at: position,
            remedy: "Keep one of them.")
    }

    /// Reports that an entry does not say where its database is.
    fileprivate func reportNoPlace(_ keys: String) {
        findings.report(
            "missing-key", "\(label) does not say where the database is.", at: position, remedy: "Add \(keys).")
    }
}
