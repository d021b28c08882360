package import Databases
package import Docker
package import Machine
package import RestorePoints

/// What a person wants back of a database.
package struct DatabaseRestoreRequest: Sendable {
    /// The item’s name: `n8n`, `postgres.n8n`.
    package var name: String
    /// A point's name; nil: the newest in which it is whole.
    package var from: String?
    /// A database that is not there yet, instead of the live one.
    package var into: String?
    /// Whether roles that the server lacks, or has otherwise, are taken out of the backup.
    package var appliesGlobals: Bool
    /// The entry of `backup.databases` that says which server it goes to; nil: the one that it was saved from.
    package var entry: String?

    package init(
        name: String, from: String? = nil, into: String? = nil, entry: String? = nil, appliesGlobals: Bool = false
    ) {
        self.entry = entry
        self.name = name
        self.from = from
        self.into = into
        self.appliesGlobals = appliesGlobals
    }
}

/// What a restore of a database is going to do; carried out by ``DatabaseRestoreRun``.
package struct DatabaseRestorePlan: Sendable {
    package let item: Item
    /// The entry of `backup.databases`.
    package let entry: String
    package let source: RestoreSource
    package let engine: any DatabaseEngine
    /// What it held; nil for a script, of which that is known only once it was read.
    package let facts: DatabaseFacts?
    /// The name that it had; in a script of several databases it says which is wanted.
    package let database: String
    /// The name that it will have.
    package let target: String
    /// Whether there is a database of that name now, which is kept.
    package let replaces: Bool
    /// Whether it goes to where it came from, so that there is a way back; a new one beside it is simply dropped.
    package let isInPlace: Bool
    /// Rows and bytes of that one are not the plan's; its size is.
    package let present: ByteCount?
    /// What the backup has of roles and memberships, and the server has not.
    package let globals: PostgresGlobals?
    package let appliesGlobals: Bool
    /// Containers that have its file open, and are stopped meanwhile.
    package let users: [Container]
    package let warnings: [String]
    /// What the server lacks, so that it would fail whatever is done.
    package let problem: (any Explained)?
}
