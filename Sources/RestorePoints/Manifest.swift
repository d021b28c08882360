package import Machine

/// The public facts of a restore point; `docs/formats/restore-point.md` describes each.
package struct Manifest: Codable, Sendable {
    package static let currentFormat = "holdfast-point/1"
    package static let fileName = "manifest.json"
    package static let signatureName = "manifest.json.sig"

    package var format = Manifest.currentFormat
    package var host: String
    package var point: PointName
    package var started: String
    package var finished: String
    package var outcome: PointOutcome
    package var previous: Previous?
    package var recipients: [String]
    package var archives: [Archive]
    package var items: [ItemRecord]
    package var holdfast: String

    /// The point that was published before this one, and the digest of its manifest.
    package struct Previous: Codable, Sendable, Equatable {
        package var point: PointName
        package var sha256: String

        package init(point: PointName, sha256: String) {
            self.point = point
            self.sha256 = sha256
        }
    }

    /// One file of the point.
    package struct Archive: Codable, Sendable, Equatable {
        package var file: String
        package var size: Int64
        package var sha256: String
        package var keys: [String]

        package init(file: String, size: Int64, sha256: String, keys: [String]) {
            self.file = file
            self.size = size
            self.sha256 = sha256
            self.keys = keys
        }
    }

    /// What became of one item.
    package struct ItemRecord: Codable, Sendable, Equatable {
        package var item: Item
        package var outcome: ItemOutcome
        package var archive: String?
        package var within: String?
        package var entries: Int64 = 0
        package var bytes: Int64 = 0
        package var grew: Int64 = 0
        package var torn: Int64 = 0
        package var seconds: Double = 0
        package var error: String?

        package init(item: Item, outcome: ItemOutcome) {
            self.item = item
            self.outcome = outcome
        }
    }

    package init(
        host: String, point: PointName, started: Timestamp, finished: Timestamp, previous: Previous?,
        recipients: [String], archives: [Archive], items: [ItemRecord], holdfast: String
    ) {
        self.host = host
        self.point = point
        self.started = started.description
        self.finished = finished.description
        self.outcome = items.allSatisfy { $0.outcome == .whole } ? .complete : .incomplete
        self.previous = previous
        self.recipients = recipients
        self.archives = archives.sorted { $0.file < $1.file }
        self.items = items.sorted { $0.item < $1.item }
        self.holdfast = holdfast
    }

    /// The record of an item, if the run was about it.
    package func record(of item: Item) -> ItemRecord? { items.first { $0.item == item } }

    /// The facts of a file of this point.
    package func archive(named file: String) -> Archive? { archives.first { $0.file == file } }

    /// Bytes that all of the point's files take.
    package var size: ByteCount { ByteCount(archives.reduce(0) { $0 + $1.size }) }
}

extension Manifest {
    /// Reads and judges a manifest: format, the folder's name, names of files that could lead elsewhere, sizes.
    ///
    /// - Parameter folder: name of the folder it was found in.
    package static func read(_ bytes: [UInt8], folder: PointName, place: String) throws -> Manifest {
        let manifest: Manifest
        do {
            manifest = try JSON.read(Manifest.self, bytes, place: place)
            try requireKnown(manifest.format, place)
        } catch {
            // What another format lacks or has is not what is wrong then.
            try requireKnown(try JSON.read(Head.self, bytes, place: place).format, place)
            throw error
        }
        guard manifest.point == folder else {
            throw RestorePointError(
                "renamed", "The folder is called \(folder), but its manifest is that of \(manifest.point).",
                place: place,
                remedy: "Somebody renamed or copied it: give the folder its own name back.")
        }
        guard manifest.hasPlausibleHead else {
            throw RestorePointError(
                "bad-manifest", "The manifest's facts about the whole point are not usable.", place: place)
        }
        let files = Set(manifest.archives.map(\.file))
        guard files.count == manifest.archives.count,
            Set(manifest.items.map(\.item)).count == manifest.items.count
        else { throw RestorePointError("bad-manifest", "The manifest names something twice.", place: place) }
        for archive in manifest.archives {
            guard isFileName(archive.file), Digest(hex: archive.sha256) != nil,
                archive.keys.allSatisfy({ isHexadecimal($0, 16) })
            else {
                throw RestorePointError("bad-manifest", "The manifest's entry for a file is not usable.", place: place)
            }
        }
        for record in manifest.items {
            guard (record.outcome == .failed) == (record.archive == nil),
                record.archive.map(files.contains) ?? true,
                record.within.map({ Item($0) != nil }) ?? true, record.error.map(isShortText) ?? true
            else {
                throw RestorePointError(
                    "bad-manifest", "The manifest's entry for \(record.item) is not usable.", place: place)
            }
        }
        guard manifest.hasPlausibleNumbers else {
            throw RestorePointError("bad-manifest", "The manifest has a number that cannot be right.", place: place)
        }
        return manifest
    }

    private static func requireKnown(_ format: String, _ place: String) throws {
        guard format != currentFormat else { return }
        throw RestorePointError(
            "unknown-format",
            "The manifest has the format “\(RawPath(format))”, this version reads \(currentFormat).",
            place: place, remedy: "Use the version of holdfast that wrote it, or a newer one.")
    }

    private var hasPlausibleHead: Bool {
        Self.isHexadecimal(host, 32) && Timestamp(started) != nil && Timestamp(finished) != nil
            && Self.isShortText(holdfast) && recipients.allSatisfy { Self.isHexadecimal($0, 40) }
            && (previous.map { Digest(hex: $0.sha256) != nil } ?? true)
            && (outcome == .complete) == items.allSatisfy { $0.outcome == .whole }
    }

    /// Whether no number is negative and no sum of them overflows: others add them up without a second look.
    private var hasPlausibleNumbers: Bool {
        let columns = [
            archives.map(\.size), items.map(\.entries), items.map(\.bytes), items.map(\.grew), items.map(\.torn),
        ]
        return columns.allSatisfy(Self.canBeAddedUp) && items.allSatisfy { (0..<1e12).contains($0.seconds) }
    }

    private static func canBeAddedUp(_ numbers: [Int64]) -> Bool {
        var room = Int64.max
        for number in numbers {
            guard (0...room).contains(number) else { return false }
            room -= number
        }
        return true
    }

    /// A file of a point: one that `open` takes for a name in its folder, with room for what unfinished ones are called.
    private static func isFileName(_ name: String) -> Bool {
        let longest = 255 - DurableFile.partialSuffix.utf8.count
        return name.utf8.count <= longest && name.utf8.first.map(Item.isAlphanumeric) == true
            && name.utf8.allSatisfy(Item.isNameByte) && ![fileName, signatureName].contains(name)
            && !name.hasSuffix(DurableFile.partialSuffix)
    }

    private static func isHexadecimal(_ text: String, _ digits: Int) -> Bool {
        text.utf8.count == digits && [UInt8](hex: text) != nil
    }

    /// Something to print as it stands.
    private static func isShortText(_ text: String) -> Bool {
        text.utf8.count <= 100 && text.utf8.allSatisfy { (32..<127).contains($0) }
    }

    private struct Head: Codable { let format: String }
}
