package import Archives
internal import Databases
package import Docker
package import Machine
package import OpenPGP
package import RestorePoints
package import Settings

/// What one backup run is going to do; printed by `--dry-run`, carried out by ``BackupRun`` or ``StandAloneRun``.
package struct BackupPlan: Sendable {
    package let directory: String
    package let compression: Archives.Compression
    /// Whom the archives are made for, and until when the keys are good.
    package let recipients: [PublicKey]
    /// Items one after another in each lane, lanes side by side. Items whose reading stops the same container share a
    /// lane, so that it is stopped once.
    package let lanes: [[PlannedItem]]
    /// One archive for everything.
    package let singleArchive: Bool
    /// What the point will take, going by the last one; nil when no item has been backed up before.
    package let forecast: ByteCount?
    package let free: ByteCount?
    /// What a person should know before it starts.
    package let warnings: [String]

    package init(
        directory: String, compression: Archives.Compression, recipients: [PublicKey], lanes: [[PlannedItem]],
        singleArchive: Bool = false, forecast: ByteCount? = nil, free: ByteCount? = nil, warnings: [String] = []
    ) {
        self.directory = directory
        self.compression = compression
        self.recipients = recipients
        self.lanes = lanes
        self.singleArchive = singleArchive
        self.forecast = forecast
        self.free = free
        self.warnings = warnings
    }

    package var items: [PlannedItem] { lanes.flatMap(\.self).sorted { $0.item < $1.item } }

    /// - Throws: a refusal when what is free is known not to do.
    func refuseWithoutSpace() throws {
        guard let forecast, let free, forecast > free else { return }
        throw RecoveryError.refused(
            "no-space", "The backup will take about \(forecast), but only \(free) are free.", place: directory,
            remedy: "Free some space or move backup.directory. Older backups were not touched.")
    }
}

/// One item of a plan: where its data lies and what happens around its reading.
package struct PlannedItem: Sendable {
    package let item: Item
    /// What is read: a folder, or where a database is.
    package let path: String
    /// Set for databases, which are dumped instead of read.
    package var dump: Dump?
    /// What is left out, by path below `path`.
    package let source: Settings.FilesSource?
    package let mayBeEmpty: Bool
    /// Containers that are kept still meanwhile, all of them running when the plan was made.
    package let still: [Stilled]
    /// Commands before and after, with the container that each runs in.
    package let before: [Hook]
    package let after: [Hook]
    /// Facts for the manifest's private half; nil without an engine.
    package let volume: Volume?
    /// All containers that use it, running or not.
    package let users: [Container]
    /// Its archive's size in the newest point that has it.
    package let expected: ByteCount?
    package let expectedData: ByteCount?
    /// Why it is going to fail whatever is done; the other items do not suffer from it.
    package var problem: (any Explained)?

    /// Also for tests, which leave out what does not matter to them.
    package init(
        item: Item, path: String, dump: Dump? = nil, source: Settings.FilesSource? = nil, mayBeEmpty: Bool = false,
        still: [Stilled] = [], before: [Hook] = [], after: [Hook] = [], volume: Volume? = nil, users: [Container] = [],
        expected: ByteCount? = nil, expectedData: ByteCount? = nil, problem: (any Explained)? = nil
    ) {
        self.item = item
        self.path = path
        self.dump = dump
        self.source = source
        self.mayBeEmpty = mayBeEmpty
        self.still = still
        self.before = before
        self.after = after
        self.volume = volume
        self.users = users
        self.expected = expected
        self.expectedData = expectedData
        self.problem = problem
    }

    /// A dump to be made.
    package struct Dump: Sendable {
        package let part: Part
        /// How the dump's file is called: `.dump`, `.sqlite`, `.sql`.
        package let suffix: String
        /// The file that programs have open, if it is one.
        package let file: String?
        /// The container that it is dumped in.
        package let container: String?
        private let source: (any DatabaseEngine)?

        package enum Part: Sendable, Equatable {
            case database(String)
            /// Roles, memberships, tablespaces.
            case globals
        }

        /// - Parameter source: nil for a dump that is going to fail, as the item's ``PlannedItem/problem`` says.
        init(_ part: Part, suffix: String, from source: (any DatabaseEngine)?) {
            self.part = part
            self.suffix = suffix
            self.source = source
            container = source?.container
            if case .database(let name) = part { file = source?.file(of: name) } else { file = nil }
        }

        func engine() -> any DatabaseEngine {
            guard let source else { preconditionFailure("BUG: a dump that has a problem was begun") }
            return source
        }
    }

    /// A container and how it is kept still.
    package struct Stilled: Hashable, Sendable {
        package let id: String
        package let name: String
        package let mode: Settings.Quiesce

        package init(id: String, name: String, mode: Settings.Quiesce) {
            self.id = id
            self.name = name
            self.mode = mode
        }
    }

    /// A command and its container.
    package struct Hook: Hashable, Sendable {
        package let container: String
        package let name: String
        package let command: String
    }

    /// Labels by which a container says itself how its volumes are to be backed up.
    package enum Label {
        package static let quiesce = "holdfast.quiesce"
        package static let before = "holdfast.before"
        package static let after = "holdfast.after"
    }
}

/// Which items a person asked for.
package struct BackupRequest: Sendable {
    /// Only items of this kind; nil: all.
    package var kind: Item.Kind?
    /// Only items of these names; empty: all.
    package var names: [String]
    package var singleArchive: Bool
    /// One file instead of a restore point; of volumes or of one database, as ``kind`` says.
    package var file: StandAloneFile?
    /// Whether it is known that the points of before are not in the backup directory.
    package var acceptsEmptyDirectory: Bool

    package init(
        kind: Item.Kind? = nil, names: [String] = [], singleArchive: Bool = false, to file: StandAloneFile? = nil,
        acceptsEmptyDirectory: Bool = false
    ) {
        self.kind = kind
        self.names = names
        self.singleArchive = singleArchive
        self.file = file
        self.acceptsEmptyDirectory = acceptsEmptyDirectory
    }
}
