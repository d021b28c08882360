import Glibc
package import Machine
package import RestorePoints

/// One restore that can be undone; `docs/formats/state.md`.
package struct RestoreRecord: Codable, Sendable {
    package let restore: String
    package let point: String
    package var swaps: [Swap]
    /// Databases that were exchanged; nil in records of folders.
    package var databases: [DatabaseSwap]?
    /// Set until all databases are known to have been exchanged.
    package var exchanging: Bool?
    /// Set once the former data is being dropped: from then on there is no way back.
    package var committing: Bool?

    /// `live` in `folder`, exchanged with `staged`.
    package struct Swap: Codable, Sendable, Equatable {
        package let item: Item
        package let folder: String
        package let live: String
        package let staged: String
        /// Inode of the restored folder: under `live` once the exchange has happened.
        package let inode: UInt64
        /// Whether there was anything under `live`.
        package let existed: Bool
        /// The volume, if it was made for this restore.
        package let madeVolume: String?
    }

    /// The database `live` of an entry, exchanged with `staged`.
    package struct DatabaseSwap: Codable, Sendable, Equatable {
        package let item: Item
        /// The entry of `backup.databases` that says where it is.
        package let entry: String
        package let live: String
        /// What the restored database was called before, and is called again after an undo.
        package let staged: String
        /// What the former one is called now; nil if there was none.
        package let former: String?
        /// Tells the restored database from any other.
        package let identity: String
    }

    /// All items that it was about.
    package var items: [Item] { swaps.map(\.item) + (databases ?? []).map(\.item) }

    /// When it was made.
    package var moment: Timestamp? { PointName(restore)?.moment }
}

/// The restores that are neither committed nor undone.
package struct Restores: Sendable {
    private let state: StateFolder

    package init(_ state: StateFolder) { self.state = state }

    /// All of them, oldest first.
    package func all() throws -> [RestoreRecord] {
        let folder = try state.open(Self.folderName)
        return try folder.names().filter { $0.hasSuffix(".json") }.map { name in
            let file = try folder.open(name, O_RDONLY | O_NOFOLLOW)
            return try JSON.read(RestoreRecord.self, try file.readAll(limit: 16 << 20), place: file.path)
        }
    }

    /// How many were interrupted and wait for their server to be put right.
    package func unsettled() throws -> Int {
        try all().filter { $0.databases != nil && ($0.exchanging == true || $0.committing == true) }.count
    }

    /// A name for a restore begun now: behind all others, also where the clock was put back, for the last is undone first.
    func freshName(_ now: Timestamp) throws -> String {
        let taken = try state.open(Self.folderName).names().compactMap { PointName(String($0.dropLast(".json".count))) }
        let free = taken.max()?.moment.advanced(by: 1) ?? now
        return PointName(max(now, free)).description
    }

    func write(_ record: RestoreRecord) throws {
        try state.open(Self.folderName).publish("\(record.restore).json", try JSON.write(record), replacing: true)
    }

    /// Forgets a restore of which nothing is left that anybody could want.
    func forget(_ record: RestoreRecord) throws {
        // What a killed run removed may be back after a power cut: nobody would know of it then.
        for swap in record.swaps { try swap.synchronize() }
        let folder = try state.open(Self.folderName)
        try folder.removeTree("\(record.restore).json")
    }

    private static let folderName = "restores"
}

extension RestoreRecord.Swap {
    /// Where the restored folder is.
    enum Standing {
        /// Under its live name: swapped in.
        case live
        /// Under its staging name: not swapped in yet, or swapped back.
        case staged
        /// Under neither, and nothing is under its staging name: it was swapped back and removed, or somebody removed all.
        case removed
        /// Under neither, though the former data is there: somebody else moved or removed it.
        case gone
    }

    /// Read from the disk: a flag could lie after a crash, an inode cannot.
    var standing: Standing {
        if inode(of: live) == inode { return .live }
        switch inode(of: staged) {
        case inode: return .staged
        case nil: return .removed
        default: return .gone
        }
    }

    /// Puts the restored folder under its live name, durably, if it is not there already.
    func swap() throws {
        switch standing {
        case .live: try synchronize()
        case .staged: try turn(from: staged, to: live)
        case .removed, .gone: throw moved()
        }
    }

    /// Puts the former data back under the live name, durably, if it is not there already.
    func swapBack() throws {
        switch standing {
        case .live: try turn(from: live, to: staged)
        case .staged: try synchronize()
        case .removed, .gone: throw moved()
        }
    }

    /// Removes the restored folder, which is not live.
    func removeRestored() throws {
        guard standing == .staged else { return }
        try removeStaged()
    }

    /// Removes the former data.
    func removeFormer() throws {
        guard standing != .staged else { return }
        try removeStaged()
    }

    private func moved() -> RecoveryError {
        .failed(
            "moved", "What was restored for \(item) is no longer where it was put: somebody moved or replaced it.",
            place: "\(folder)/\(live)",
            remedy:
                "The former data, if it is still there, is \(folder)/\(staged): look at both, and sort them by hand. "
                + "holdfast restore commit then forgets this restore.")
    }

    private func removeStaged() throws {
        guard let parent = try? Descriptor.folder(folder) else { return }
        // The exchange first: a disk that kept this and lost that would have lost the data that lives.
        try parent.synchronize()
        try parent.removeTree(staged)
    }

    private func turn(from: String, to: String) throws {
        let parent = try Descriptor.folder(folder)
        if existed {
            try parent.exchange(live, staged)
        } else {
            try parent.rename(from, to: to)
        }
        try parent.synchronize()
    }

    /// Makes it survive a power cut that it stands as it does.
    func synchronize() throws { try (try? Descriptor.folder(folder))?.synchronize() }

    private func inode(of name: String) -> UInt64? {
        Descriptor.status(at: "\(folder)/\(name)").map { UInt64($0.st_ino) }
    }
}

extension Restores {
    /// Meets what an interrupted restore, undo or commit left half done; call it only while holding the lock.
    ///
    /// All live, or nothing: a restore that did not come to swap everything goes back to the former data.
    func settle() throws -> [String] {
        let folder = try state.open(Self.folderName)
        try folder.removeUnfinished()
        // What a killed run wrote is gone by from here on: it may not be lost any more.
        try folder.synchronize()
        var done: [String] = []
        for record in try all() where record.databases == nil {
            let standings = Set(record.swaps.map(\.standing))
            if record.committing == true {
                for swap in record.swaps { try swap.removeFormer() }
                try forget(record)
                done.append("finished dropping the former data of the restore \(record.restore)")
            } else if standings == [.removed] {
                try forget(record)
                done.append("forgot the restore \(record.restore): nothing of it is left")
            } else if [[.staged], [.staged, .live], [.staged, .removed]].contains(standings) {
                for swap in record.swaps where swap.standing == .live { try swap.swapBack() }
                for swap in record.swaps { try swap.removeRestored() }
                try forget(record)
                done.append("went back to the former data: the restore \(record.restore) was interrupted")
            } else if standings == [.live] {
                for swap in record.swaps { try swap.synchronize() }
            }
        }
        return done
    }
}
