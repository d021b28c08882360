package import Machine

/// A server, or a file, that holds databases; what every engine of ours can do, and `DatabaseContract` in the tests asks
/// of each.
///
/// Nothing live changes before ``exchange(_:with:keeping:)``, which is all or nothing. Names of databases are data: they
/// may hold anything.
package protocol DatabaseEngine: Sendable {
    /// What is there. Changes nothing.
    ///
    /// - Throws: ``DatabaseError`` when it cannot be reached, or the programs for it are not there or too old.
    func survey() async throws -> DatabaseSurvey

    /// Dumps one database as of one moment; `body` reads the dump, whose end comes only if it is whole.
    ///
    /// - Returns: also what the database held at that very moment.
    func dump<Result: Sendable>(
        _ database: String, _ body: @escaping @Sendable (any ByteSource & Sendable) async throws -> Result
    ) async throws -> (Result, DatabaseFacts)

    /// What belongs to the server and to no database – roles, their passwords and memberships, tablespaces – as an SQL
    /// script; nil where there is no such thing.
    func globals() async throws -> DatabaseGlobals?

    /// What a database holds now, counted by reading it.
    func facts(of database: String) async throws -> DatabaseFacts

    /// Makes the database `staged` from a dump that `body` writes, in the likeness of `facts`, and counts what is in it.
    ///
    /// - Parameter live: the database that it may take the place of, which stays as it is.
    /// - Throws: ``DatabaseError`` `mismatch` when it is not what `facts` say. A part of it may be there: ``drop(_:)``.
    func load(
        _ staged: String, like facts: DatabaseFacts?, for live: String,
        _ body: @escaping @Sendable (any ByteSink & Sendable) async throws -> Void
    ) async throws -> DatabaseFacts

    /// Ends what a run of ours that was killed may still have going on at the server about `staged`, so that what is looked
    /// at afterwards stays as it is.
    func endOrphans(of staged: String) async throws

    /// Removes a database; does nothing if it is not there.
    func drop(_ database: String) async throws

    /// Gives `staged` the name `live`; what had that name before is called `former` then, and nobody can connect to it.
    ///
    /// All or nothing, also if we are killed. Clients of both are disconnected, and none gets in meanwhile.
    ///
    /// - Parameter former: nil if there is no `live`.
    func exchange(_ live: String, with staged: String, keeping former: String?) async throws

    /// The container that it lives in, if it is spoken to there: it cannot be stopped meanwhile.
    var container: String? { get }

    /// The file that programs have open while they use it; nil where a server has it, which sends them away itself.
    func file(of database: String) -> String?

    /// Where a copy lies while it is dumped: has to be removed whatever happens; nil where none is needed.
    func scratch(for database: String) -> (folder: String, name: String)?

    /// What ``load(_:like:for:_:)`` and ``exchange(_:with:keeping:)`` may call the two databases that a restore has beside
    /// the live one. No backup is about such names.
    func names(of restore: String, for live: String) -> (staged: String, former: String)

    /// Which of these names there are, with what tells each from any other that ever had its name.
    func identities(of names: [String]) async throws -> [String: String]
}

/// What belongs to a server and to none of its databases.
package struct DatabaseGlobals: Sendable, Equatable {
    package let script: [UInt8]
    /// How many statements it is.
    package let statements: Int

    package init(script: [UInt8], statements: Int) {
        self.script = script
        self.statements = statements
    }
}

/// What a server is and holds.
package struct DatabaseSurvey: Sendable, Equatable {
    package var version: String
    /// Sorted by name; without templates.
    package var databases: [Found]
    /// What may be missing later, in words.
    package var warnings: [String] = []

    package struct Found: Sendable, Equatable {
        package var name: String
        package var size: ByteCount
        /// Whether anybody may connect.
        package var isOpen: Bool

        package init(name: String, size: ByteCount, isOpen: Bool) {
            self.name = name
            self.size = size
            self.isOpen = isOpen
        }
    }

    package init(version: String, databases: [Found], warnings: [String] = []) {
        self.version = version
        self.databases = databases
        self.warnings = warnings
    }
}
