internal import Machine
internal import RestorePoints
internal import Settings

/// What was there before and is not any more.
extension Standing {
    /// Items of earlier points that backups would still be about, if they were there: with their newest whole copy.
    static func gone(_ manifests: [Manifest], current: Set<Item>, _ settings: Settings) -> [ItemStanding] {
        var gone: [Item: ItemStanding] = [:]
        for manifest in manifests {
            for record in manifest.items where record.outcome == .whole && !current.contains(record.item) {
                guard settings.backup.isAbout(record.item) else { continue }
                gone[record.item, default: ItemStanding(item: record.item)].copies.append(
                    .init(
                        place: manifest.point.description, moment: manifest.point.moment, entries: record.entries,
                        data: ByteCount(record.bytes)))
            }
        }
        return gone.values.sorted { $0.item < $1.item }
    }

    /// Items that are gone, as news.
    func newsOfGone() -> News {
        let name = gone.map { "\($0.item) \($0.lastWhole?.place ?? "")" }.joined(separator: " ")
        return News(
            id: "gone-\(Digest.of(Array(name.utf8)).description.prefix(32))", kind: .incomplete, about: "items",
            title: "Gone: \(counted(gone.count, "item")) that \(gone.count == 1 ? "was" : "were") saved before",
            summary: "Backups would be about them, but they are not there any more. The copies of before stay.",
            since: nil,
            wrong: gone.map { News.Part(subject: $0.item.description, text: wordsOfGone($0)) }, good: [],
            next: gone.first.map { "holdfast restore \($0.item.kind.rawValue) \($0.item.name)" })
    }

    func wordsOfGone(_ item: ItemStanding) -> String {
        "it is not there any more, and was last saved in \(item.lastWhole?.place ?? "no point")"
            + "\n  → Restore it; or, if that is meant: holdfast prune --forget \(item.item)"
    }
}

extension Settings.Backup {
    /// Whether backups are about this item as soon as it is there.
    fileprivate func isAbout(_ item: Item) -> Bool {
        switch item.kind {
        case .volume: volumes.selects(item.name)
        case .files: files.contains { $0.name == item.name }
        case .database: databases.contains { item.name == $0.name || item.name.hasPrefix($0.name + ".") }
        }
    }
}
