package import Machine

/// An item whose newest whole copy has less than half of what an earlier one had: perhaps cleaned up, perhaps lost.
package struct SuddenDrop: Sendable, Equatable {
    package let item: Item
    /// The last point before it, and the first after it.
    package let before: PointName
    package let after: PointName
    package let entries: Change
    package let bytes: Change

    /// What there was before, and what there is after.
    package struct Change: Sendable, Equatable {
        package let from: Int64
        package let to: Int64

        /// Whether less than half is left of something that is large enough for that to mean anything.
        func isDrop(from least: Int64) -> Bool { from >= least && to < from - to }
    }

    /// Finds at most one for each item, the newest, in points of this host that are not in the future.
    ///
    /// It is looked for between whole copies that follow each other, and is over once the newest copy has half of what there
    /// was before it again. So a drop is found as well when prune did not run right after it.
    ///
    /// - Parameter accepted: by item, the first point after the newest drop that a person knows of.
    package static func find(
        in candidates: [RetentionCandidate], now: Timestamp, accepted: [Item: PointName] = [:],
        forgetting forgotten: Set<Item> = []
    ) -> [SuddenDrop] {
        var copies: [Item: [(name: PointName, copy: RetentionCandidate.Copy)]] = [:]
        for candidate in candidates.sorted(by: { $0.name < $1.name }) {
            for (item, copy) in candidate.copies(at: now) where copy.state == .whole && !forgotten.contains(item) {
                copies[item, default: []].append((candidate.name, copy))
            }
        }
        return copies.compactMap { newest(in: $1, of: $0, after: accepted[$0]) }.sorted { $0.item < $1.item }
    }

    private static func newest(
        in copies: [(name: PointName, copy: RetentionCandidate.Copy)], of item: Item, after known: PointName?
    ) -> SuddenDrop? {
        guard let newest = copies.last?.copy else { return nil }
        let drop = zip(copies, copies.dropFirst()).reversed().first { before, after in
            known.map { after.name > $0 } ?? true && isDrop(before.copy, after.copy, item.kind)
                && isDrop(before.copy, newest, item.kind)
        }
        return drop.map { before, after in
            SuddenDrop(
                item: item, before: before.name, after: after.name,
                entries: Change(from: before.copy.entries, to: after.copy.entries),
                bytes: Change(from: before.copy.bytes, to: after.copy.bytes))
        }
    }

    private static func isDrop(
        _ before: RetentionCandidate.Copy, _ after: RetentionCandidate.Copy, _ kind: Item.Kind
    ) -> Bool {
        Change(from: before.entries, to: after.entries).isDrop(from: leastEntries)
            || Change(from: before.bytes, to: after.bytes).isDrop(from: kind == .database ? leastRows : leastBytes)
    }

    /// Items with fewer than these change by half for no reason.
    private static let leastEntries: Int64 = 20
    private static let leastBytes: Int64 = 1 << 20
    /// Of a dump, which is all rows, and says nothing by its number of entries.
    private static let leastRows: Int64 = 16 << 10
}

extension SuddenDrop: CustomStringConvertible {
    /// `volume.n8n_data had 5000 entries, 38.2 MiB in 2026-11-21T020000Z and 12 entries, 900 B in 2026-11-22T020000Z`
    package var description: String {
        "\(item) had \(entries.from) entries, \(ByteCount(bytes.from)) in \(before)"
            + " and \(entries.to) entries, \(ByteCount(bytes.to)) in \(after)"
    }
}
