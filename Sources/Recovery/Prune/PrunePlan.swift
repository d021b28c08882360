package import Machine
package import RestorePoints

/// What `prune` is going to remove and why; printed by `--dry-run`, carried out by ``PruneRun``.
package struct PrunePlan: Sendable {
    package let directory: String
    /// Nil if only older archives are kept by rules.
    package let policy: RetentionPolicy?
    /// Every point; all of them are kept where there is no policy.
    package let points: [RetentionPlan.PointVerdict]
    /// One for each folder of `backup.legacy`.
    package let legacy: [LegacyPlan]
    /// Why nothing may be removed now; empty when all is well.
    package let refusals: [RecoveryError]
    /// What was known before, and what was accepted with this plan.
    package let acceptances: Acceptances
    /// What was looked at, to be held against the disk before anything goes.
    let seen: [PointName: Seen]

    struct Seen: Sendable {
        let digest: Digest
        let size: ByteCount
    }

    /// Points that go, oldest first.
    package var removed: [PointName] { points.filter { !$0.isKept }.map(\.point) }
    /// Older archives that go.
    package var removedArchives: [LegacyArchive] { legacy.flatMap(\.removed) }

    /// Bytes that a point's archives take; nil where its manifest cannot be read.
    package func size(of point: PointName) -> ByteCount? { seen[point]?.size }

    /// Bytes of all that goes.
    package var frees: ByteCount {
        removed.compactMap(size).reduce(ByteCount(0), +) + removedArchives.map(\.size).reduce(ByteCount(0), +)
    }
}

/// What a person says beside the configuration.
package struct PruneOptions: Sendable {
    /// Items whose sudden drop is known and meant; `all` stands for every one.
    package var acceptDrops: [String]
    /// Whether jumps of the clock are known.
    package var acceptJumps: Bool
    /// Whether to go on though the newest backup failed.
    package var afterFailure: Bool
    /// Items of which even the last copy may go.
    package var forget: [String]

    package init(
        acceptDrops: [String] = [], acceptJumps: Bool = false, afterFailure: Bool = false, forget: [String] = []
    ) {
        self.acceptDrops = acceptDrops
        self.acceptJumps = acceptJumps
        self.afterFailure = afterFailure
        self.forget = forget
    }

    /// Stands for every item.
    package static let all = "all"
}
