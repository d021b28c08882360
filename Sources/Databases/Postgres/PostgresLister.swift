package import Machine

/// PostgreSQL's own opinion of a dump: `pg_restore --list`, by the programs of this host.
package struct PostgresLister: Sendable {
    private let tools: PostgresTools

    /// - Parameter version: of the `pg_dump` that wrote it.
    /// - Throws: ``DatabaseError`` `noTools`, `toolsTooOld`.
    package init(reading version: String) async throws {
        let major = Int(version.prefix { $0.isASCII && $0.isNumber }) ?? 0
        do {
            tools = try await PostgresPlace.host([:]).tools(for: major, saying: version)
        } catch let error as DatabaseError {
            throw DatabaseError(
                error.kind,
                error.kind == .noTools
                    ? "There is no pg_restore here to ask: apt-get install postgresql-client"
                    : "The pg_restore here is older than the pg_dump \(version) that wrote it.")
        }
    }

    /// Lists a dump that `body` writes.
    ///
    /// - Returns: also how many entries it has; nil if the list does not say.
    package func list<Result: Sendable>(
        _ body: @escaping @Sendable (any ByteSink & Sendable) async throws -> Result
    ) async throws -> (Result, entries: Int?) {
        let restore = ChildProcess(tools.folder.map { "\($0)/pg_restore" } ?? "pg_restore", ["--list"])
        return try await restore.withStreams(judge: { end in
            if !end.succeeded { throw DatabaseError("pg_restore", end, .restoreFailed, "", .host([:])) }
        }) { running in
            async let printed = onThread("list") { _ in try running.output.readAll(limit: 256 << 20) }
            let result: Result
            do {
                result = try await body(running.input)
            } catch {
                // Else it would wait for more, and the list for its end.
                try? running.input.end()
                throw error
            }
            try running.input.end()
            let lines = String(decoding: try await printed, as: UTF8.self).split(separator: "\n")
            let count = lines.first { $0.hasPrefix(";     TOC Entries: ") }?.split(separator: " ").last
            return (result, entries: count.flatMap { Int($0) })
        }
    }
}
