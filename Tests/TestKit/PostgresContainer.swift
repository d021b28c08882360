package import Docker
import Machine

/// A container with a Postgres server in it.
package struct PostgresContainer: Sendable {
    package let engine: Engine
    package let container: Container
    /// The superuser.
    package let user: String
    /// The first database.
    package let database: String
    /// The superuser's, over TCP; through the socket in the container nobody needs one.
    package let password: String

    /// Runs SQL, and what psql itself understands, in a database, to the first error; less than 100 KiB.
    ///
    /// - Parameters:
    ///   - database: nil: the first one.
    ///   - user: nil: the superuser.
    /// - Returns: the rows, one a line, their columns separated by `|`.
    /// - Throws: ``TestKitError`` with what psql says.
    @discardableResult
    package func psql(_ sql: String, database: String? = nil, user: String? = nil) async throws -> String {
        let psql = "printf %s \"$1\" | psql -X -q -A -t -v ON_ERROR_STOP=1 -f -"
        let result = try await engine.exec(
            container.id, ["sh", "-c", psql, "sh", sql],
            environment: [
                "PGUSER": Redacted(user ?? self.user), "PGDATABASE": Redacted(database ?? self.database),
            ])
        guard result.succeeded else { throw TestKitError(description: "psql: \(result.errors)\(result.text)") }
        return withoutLastLineEnd(result.text)
    }

    /// Waits until the server answers; after a start it takes a moment.
    package func waitUntilReady() async throws {
        // The one that makes the cluster at first does not listen on TCP.
        let question = ["pg_isready", "-q", "-h", "127.0.0.1", "-U", user, "-d", database]
        let end = monotonicSeconds() + 60
        while try await !engine.exec(container.id, question).succeeded {
            guard monotonicSeconds() < end else {
                throw TestKitError(description: "the server in \(container.name) does not answer")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

/// A container with a Postgres server that answers, for one test; it has no network.
///
/// - Parameters:
///   - database: nil: named like the user, as the official image has it.
///   - change: says how it differs from a plain one; its data lies in `/var/lib/postgresql/data`.
package func withPostgresContainer<Result>(
    _ engine: Engine, name: String = uniqueName("postgres"), user: String = "postgres", database: String? = nil,
    password: String = "in the container", _ change: (inout ContainerPlan) -> Void = { _ in },
    isolation: isolated (any Actor)? = #isolation, _ body: (PostgresContainer) async throws -> Result
) async throws -> Result {
    let makePlan: (inout ContainerPlan) -> Void = { plan in
        plan.image = RealPostgres.image
        plan.command = ["postgres", "-c", "fsync=off", "-c", "shared_buffers=32MB"]
        plan.environment = [
            "POSTGRES_USER=\(user)", "POSTGRES_DB=\(database ?? user)", "POSTGRES_PASSWORD=\(password)",
            "POSTGRES_INITDB_ARGS=--no-sync",
        ]
        change(&plan)
    }
    return try await withContainer(engine, name: name, makePlan) { container in
        let postgres = PostgresContainer(
            engine: engine, container: container, user: user, database: database ?? user, password: password)
        if container.state.isActive { try await postgres.waitUntilReady() }
        return try await body(postgres)
    }
}
