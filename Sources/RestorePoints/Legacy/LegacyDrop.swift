import Machine

/// A series of older archives whose newest good one has less than half of the size of an earlier one: perhaps cleaned up,
/// perhaps lost.
package struct LegacyDrop: Sendable, Equatable {
    /// The last archive before it, and the first after it.
    package let before: LegacyArchive
    package let after: LegacyArchive

    /// Finds the newest in a series, newest first, that is over once the newest archive has half of what there was before.
    static func find(in series: [LegacyArchive]) -> LegacyDrop? {
        guard let newest = series.first else { return nil }
        return zip(series.dropFirst(), series).first { before, after in
            isDrop(before.size, after.size) && isDrop(before.size, newest.size)
        }.map { LegacyDrop(before: $0, after: $1) }
    }

    private static func isDrop(_ before: ByteCount, _ after: ByteCount) -> Bool {
        before.bytes >= leastBytes && after.bytes < before.bytes - after.bytes
    }

    /// Archives that are smaller change by half for no reason.
    private static let leastBytes: Int64 = 64 << 10
}

extension LegacyDrop: CustomStringConvertible {
    /// `volumes-2025-12-07.tar.gz has 38.2 MiB and volumes-2025-12-08.tar.gz 900 B`
    package var description: String { "\(before.file) has \(before.size) and \(after.file) \(after.size)" }
}
