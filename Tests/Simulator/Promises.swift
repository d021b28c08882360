import Machine
import RestorePoints
import TestKit

/// What `DESIGN.md` promises, held against the disk of a simulated host by code of its own.
extension Host {
    /// What holds at every moment: a name stands for all of a point, and none goes away undecided.
    ///
    /// - Parameter isSettled: whether whoever has the lock has put things right: what can be seen is there for good then. A name
    ///   that was given right before a kill is one that a power cut may still take.
    func checkPoints(isSettled: Bool = false) throws {
        guard let backups = disk.look(Self.backups) else { throw Broken("the backup directory is gone") }
        for (text, folder) in backups.entries {
            guard let name = PointName(text), !ledger.touched.contains(name) else { continue }
            let bytes = try examine(name, folder)
            if let known = ledger.points[name], known != bytes { throw Broken("the manifest of \(name) was changed") }
            if isSettled { try checkDurable(name) }
            if isSettled || backups.durableEntries[text] === folder { ledger.points[name] = bytes }
        }
        for name in ledger.points.keys where backups.entries[name.description] == nil {
            guard ledger.condemned.contains(name) || ledger.touched.contains(name) else {
                throw Broken("the point \(name) is gone, and nobody had decided that")
            }
            ledger.points[name] = nil
        }
    }

    /// Looks at a point as a reader does who trusts nothing.
    ///
    /// - Returns: its manifest.
    @discardableResult
    func examine(_ name: PointName, _ folder: Inode) throws -> [UInt8] {
        guard let file = folder.entries[Manifest.fileName] else { throw Broken("the point \(name) has no manifest") }
        guard let manifest = try? manifest(file.bytes, of: name) else {
            throw Broken("the manifest of \(name) cannot be read: \(String(decoding: file.bytes, as: UTF8.self))")
        }
        guard folder.entries[Manifest.signatureName]?.bytes == signature(of: file.bytes) else {
            throw Broken("the manifest of \(name) is not signed")
        }
        for archive in manifest.archives {
            guard let sealed = folder.entries[archive.file] else {
                throw Broken("\(archive.file) of \(name) is missing")
            }
            guard Int64(sealed.bytes.count) == archive.size, Digest.of(sealed.bytes).description == archive.sha256
            else {
                throw Broken("\(archive.file) of \(name) is not what its manifest says")
            }
        }
        guard folder.entries.count == manifest.archives.count + 2 else {
            throw Broken("the point \(name) holds \(folder.entries.keys.sorted())")
        }
        for record in manifest.items where record.outcome != .failed {
            let file = record.archive.flatMap(manifest.archive(named:))
            let making = file.flatMap { Digest(hex: $0.sha256) }.flatMap { ledger.archives[$0] }
            guard making == (record.outcome == .whole ? .whole : .torn) else {
                throw Broken(
                    "\(record.item) of \(name) is called \(record.outcome), but it is \(making.map { "\($0)" } ?? "made up")"
                )
            }
        }
        return file.bytes
    }

    private func signature(of manifest: [UInt8]) -> [UInt8] {
        if let known = signatures[manifest] { return known }
        let signature = HostSigner.shared.signature(of: manifest)
        signatures[manifest] = signature
        return signature
    }

    private func manifest(_ bytes: [UInt8], of name: PointName) throws -> Manifest {
        if let known = manifests[bytes] { return known }
        let manifest = try Manifest.read(bytes, folder: name, place: "\(name)")
        manifests[bytes] = manifest
        return manifest
    }

    /// A point of which somebody was told survives whatever comes.
    func checkDurable(_ name: PointName) throws {
        guard let folder = disk.look("\(Self.backups)/\(name)", durably: true) else {
            throw Broken("the point \(name) can be seen, but a power cut would take its name")
        }
        for (file, inode) in folder.entries {
            guard folder.durableEntries[file] === inode, inode.durable == inode.bytes else {
                throw Broken("the point \(name) can be seen, but a power cut would spoil its \(file)")
            }
        }
    }

    /// By item, the newest point in which it is whole and there; of points that nobody laid hands on and that are not in the
    /// future.
    func newestWhole() -> [String: PointName] {
        var newest: [String: PointName] = [:]
        for (name, bytes) in ledger.points.sorted(by: { $0.key < $1.key })
        where !ledger.touched.contains(name) && name.moment.since(now) <= 300 {
            guard let manifest = try? manifest(bytes, of: name) else { continue }
            for record in manifest.items where record.outcome == .whole { newest[record.item.description] = name }
        }
        return newest
    }

    /// What holds once whoever has the lock has put things right.
    func checkTidy() throws {
        try checkPoints(isSettled: true)
        for (folder, rests) in [
            ("backups", [".partial", ".removing"]), ("state/runs", [".partial"]), ("state/restores", [".partial"]),
        ] {
            for name in disk.look("/simulated/\(folder)")?.entries.keys.sorted() ?? [] {
                if rests.contains(where: name.hasSuffix) { throw Broken("\(folder)/\(name) was not swept") }
            }
        }
        if let owed = try owed().first { throw Broken("the journal is not met: \(owed)") }
        for container in engine.containers where container.state != "running" {
            throw Broken("\(container.name) ran, and is \(container.state) for ever")
        }
        for (name, file) in disk.look(Self.state + "/runs")?.entries ?? [:] {
            let text = String(decoding: file.bytes, as: UTF8.self)
            if text.contains("\"running\"") { throw Broken("the run \(name) is neither at work nor dead") }
            if !text.hasSuffix("}\n") { throw Broken("the record of the run \(name) is torn: \(text)") }
        }
    }

    /// The lines of the journal that no later one pays.
    private func owed() throws -> [String] {
        struct Line: Codable {
            let id: Int
            let paid: Int?
        }
        var owed: [Int: String] = [:]
        let text = disk.text(Self.state + "/journal.jsonl") ?? ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            guard let facts = try? JSON.read(Line.self, Array(line.utf8), place: "") else { continue }
            if let paid = facts.paid { owed[paid] = nil } else { owed[facts.id] = String(line) }
        }
        return owed.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The data that lives, and what restores keep of the former, oldest first.
    func readData() throws -> (live: Int, kept: [Int]) {
        let records: [KeptRecord] =
            try disk.look(Self.state + "/restores")?.entries.filter { $0.key.hasSuffix(".json") }
            .sorted { $0.key < $1.key }.map { name, file in
                do {
                    return try JSON.read(KeptRecord.self, file.bytes, place: name)
                } catch {
                    throw Broken("the record of the restore \(name) is torn")
                }
            } ?? []
        let kept = try records.map { record in
            try same(
                record.swaps.map { ($0.staged, Host.volumeName(of: $0.folder)) },
                "what the restore \(record.restore) keeps")
        }
        return (try same(Self.volumeNames.map { ("_data", $0) }, "what lives"), kept)
    }

    private struct KeptRecord: Codable {
        struct Swap: Codable {
            let folder: String
            let staged: String
        }

        let restore: String
        let swaps: [Swap]
    }

    /// The generation that all of these are of.
    private func same(_ folders: [(folder: String, volume: String)], _ what: String) throws -> Int {
        let found = folders.map { generation($0.folder, $0.volume) }
        guard let first = found.first, let generation = first, found.allSatisfy({ $0 == generation }) else {
            throw Broken("\(what) is a mixture: \(found.map { $0.map(String.init) ?? "nothing" })")
        }
        return generation
    }

    /// Nothing lies beside the data but what a restore keeps.
    func checkVolumes(_ kept: Int) throws {
        for name in Self.volumeNames {
            let names = disk.look("\(Self.volumes)/\(name)")?.entries.keys.sorted() ?? []
            guard names.count == kept + 1 else { throw Broken("beside the data of \(name) lie \(names)") }
        }
    }

    private static func volumeName(of folder: String) -> String { String(folder.suffix(1)) }
}
