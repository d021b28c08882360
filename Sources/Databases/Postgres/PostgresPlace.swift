package import Docker
import Glibc
import Machine

/// Where a server's own programs (`psql`, `pg_dump`, …) run: beside it in its container, or on this host.
package enum PostgresPlace: Sendable {
    case container(Engine, Container)
    /// `environment` says where the server listens, in libpq's own variables. The programs are looked for in `folders`.
    case host([String: String], folders: [String] = PostgresPlace.usualFolders)

    /// Where distributions put them, and what `PATH` names.
    package static var usualFolders: [String] {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let versions = ["/usr/lib/postgresql", "/usr/local/pgsql"].flatMap { root in
            ((try? Descriptor.folder(root).names()) ?? []).map { "\(root)/\($0)/bin" }
        }
        return versions + path.split(separator: ":").map(String.init)
    }

    /// For messages.
    var description: String {
        switch self {
        case .container(_, let container): return "container \(container.name)"
        case .host(let environment, _):
            guard let host = environment["PGHOST"] else { return "this host" }
            return host + (environment["PGPORT"].map { ":\($0)" } ?? "")
        }
    }

    /// Runs one of the programs with its streams in the hands of `body`.
    ///
    /// - Parameters:
    ///   - folder: where it is; only on the host.
    ///   - judge: throws if the end was not a good one.
    func run<Result: Sendable>(
        _ program: String, _ arguments: [String], in folder: String?, environment: [String: Redacted],
        dropsOutput: Bool = false, judge: @escaping @Sendable (RunningCommand.End) throws -> Void,
        _ body: @escaping @Sendable (RunningCommand) async throws -> Result
    ) async throws -> Result {
        switch self {
        case .container(let engine, let container):
            return try await engine.execWithStreams(
                container.id, [program] + arguments, environment: environment, dropsOutput: dropsOutput,
                judge: judge, body)
        case .host(let server, _):
            let variables = server.merging(environment.mapValues(\.exposed)) { _, new in new }
            let process = ChildProcess(
                folder.map { "\($0)/\(program)" } ?? program, arguments, environment: variables)
            return try await process.withStreams(dropsOutput: dropsOutput, judge: judge, body)
        }
    }

    /// Finds the programs: those of the lowest version that is not below `server`, for what they write is the most like
    /// what the server's own would write.
    ///
    /// - Parameter server: major version.
    /// - Throws: ``DatabaseError`` `noTools`, `toolsTooOld` with both versions.
    func tools(for server: Int, saying version: String) async throws -> PostgresTools {
        let found = try await allTools()
        guard let newest = found.max(by: { $0.major < $1.major }) else {
            throw DatabaseError(
                .noTools, "There is no pg_dump to dump the server \(version) with.", place: description,
                remedy: isContainer
                    ? "Name the container that the server itself runs in."
                    : "Install the client programs of that version: apt-get install postgresql-client")
        }
        guard let chosen = found.filter({ $0.major >= server }).min(by: { $0.major < $1.major }) else {
            throw DatabaseError(
                .toolsTooOld, "The server is version \(version), but pg_dump is only version \(newest.version).",
                place: description,
                remedy: isContainer
                    ? "Name the container that the server itself runs in."
                    : "Install the client programs of that version (apt-get install postgresql-client-\(server)), or name the server’s container."
            )
        }
        return chosen
    }

    private var isContainer: Bool { if case .container = self { true } else { false } }

    private func allTools() async throws -> [PostgresTools] {
        switch self {
        case .container(let engine, let container):
            let answer = try await engine.exec(container.id, ["pg_dump", "--version"], timeout: .seconds(60))
            return answer.succeeded ? [PostgresTools(folder: nil, answer.text)].compactMap(\.self) : []
        case .host(_, let folders):
            var found: [PostgresTools] = []
            for folder in distinct(folders) where access("\(folder)/pg_dump", X_OK) == 0 {
                let answer = try await ChildProcess("\(folder)/pg_dump", ["--version"]).run()
                if answer.succeeded, let tools = PostgresTools(folder: folder, answer.text) { found.append(tools) }
            }
            return found
        }
    }

    /// Folders by other names, as `/bin` is of `/usr/bin`, are asked once.
    private func distinct(_ folders: [String]) -> [String] {
        var seen: Set<String> = []
        return folders.filter { folder in
            guard let real = realpath(folder, nil) else { return false }
            defer { free(real) }
            return seen.insert(String(cString: real)).inserted
        }
    }

    /// Where `psql` is, which has no need to be of the server's version; nil where its place finds it.
    var psqlFolder: String? {
        guard case .host(_, let folders) = self else { return nil }
        return folders.first { access("\($0)/psql", X_OK) == 0 }
    }
}

/// The programs of one version.
struct PostgresTools: Sendable {
    /// Nil in a container: its own `PATH` finds them.
    let folder: String?
    /// `15.8`, `17beta1`
    let version: String
    let major: Int

    /// Reads `pg_dump (PostgreSQL) 15.8 (Debian …)`.
    init?(folder: String?, _ answer: String) {
        let words = answer.split(separator: " ").map(String.init)
        guard words.count > 2, words[1] == "(PostgreSQL)" else { return nil }
        version = words[2].split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
        guard let major = Int(version.prefix { $0.isASCII && $0.isNumber }) else { return nil }
        self.major = major
        self.folder = folder
    }
}
