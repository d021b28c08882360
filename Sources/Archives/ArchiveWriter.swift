internal import CLinux
import Glibc
package import Machine

/// Makes an archive: trees → pax tar → compression → sink, in the form of `docs/formats/archive.md`; or a plain one, which
/// has the trees and nothing of ours.
///
/// Its calls block; they belong on one thread (see `onThread`). After a throw neither it nor its sink is of more use.
package final class ArchiveWriter {
    /// Entries and bytes written so far.
    package private(set) var totals = ArchiveTotals()

    /// For tests: called at the moments at which a tree that is in use can change.
    package enum Moment { case listed, opened, read }
    package var observer: ((Moment, RawPath) throws -> Void)?

    let attributes = AttributeReader()
    let hasher = Hasher256()
    let stream: TarStream
    var encoder = TarEncoder()
    /// The name of our own folder in the archive, once the first tree is known.
    private(set) var controlFolder: [UInt8]?

    /// What the members of our own say; a plain archive has none.
    private let control: (identity: ArchiveIdentity, time: Timestamp)?
    private var lines: [UInt8] = []
    private var pendingEntries = 0
    private var hasRoot = false

    /// - Parameter time: the restore point's; our own members get it as theirs.
    package init(to sink: any ByteSink, compression: Compression, identity: ArchiveIdentity, time: Timestamp) throws {
        control = (identity, time)
        stream = try TarStream(to: try compressor(compression, to: sink))
    }

    /// A plain archive: what nobody else would write into a tar is not in it.
    package init(plainTo sink: any ByteSink, compression: Compression) throws {
        control = nil
        stream = try TarStream(to: try compressor(compression, to: sink))
    }

    /// Adds the tree of a folder.
    ///
    /// Stays on one file system. What changes under our hands is in the report; what cannot be read is an error.
    ///
    /// - Parameters:
    ///   - root: is left open, and not read from itself.
    ///   - prefix: the folder of the archive that the tree goes to; without one, only one tree can be added.
    ///   - excluded: asked with paths below the tree's root; a folder that it names is left out with all below it.
    /// - Throws: `ArchiveError`, `MachineError`, `Interrupted`.
    package func add(
        tree root: Descriptor, under prefix: RawPath? = nil, excluding excluded: ((RawPath) -> Bool)? = nil,
        meter: Meter, stop: StopSignal
    ) throws -> TreeReport {
        precondition(!hasRoot || prefix != nil, "BUG: two trees in one archive without a prefix")
        hasRoot = true
        if controlFolder == nil { try begin(beside: prefix == nil ? root : nil, prefix) }
        let walk = TreeWalk(self, root, prefix: prefix, excluded: excluded, meter: meter, stop: stop)
        return try walk.run()
    }

    /// Adds a folder's own entry, without what is in it.
    package func add(folder: Descriptor, at path: RawPath) throws {
        precondition(control == nil, "BUG: a folder by itself in an archive of ours")
        var entry = Entry()
        entry.take(try folder.status(), as: .directory)
        entry.path = path.bytes
        try attributes.read(.file(folder.raw), into: &entry)
        try encoder.encode(entry)
        try stream.append(encoder.blocks)
        try record(entry, digest: nil)
    }

    /// Writes the last manifest, the totals, and the end of every layer.
    package func finish() throws -> ArchiveTotals {
        if let control {
            if controlFolder == nil { try begin(beside: nil, nil) }
            if !lines.isEmpty { try writeManifest() }
            try writeControl("end.json", ControlRecord(control.identity, totals: totals).encoded)
        }
        try stream.finish()
        return totals
    }

    /// Picks a name for our own folder that the tree does not have at its top, and writes `begin.json`.
    private func begin(beside root: Descriptor?, _ prefix: RawPath?) throws {
        guard let control else { return }
        var name = ".holdfast"
        var number = 0
        while root?.has(name) ?? (prefix?.components.first?.elementsEqual(name.utf8) == true) {
            number += 1
            name = ".holdfast-\(number)"
        }
        controlFolder = Array(name.utf8)
        try writeControl("begin.json", ControlRecord(control.identity).encoded)
    }

    private func writeControl(_ name: String, _ content: [UInt8]) throws {
        var entry = Entry()
        entry.path = (controlFolder ?? []) + Array("/\(name)".utf8)
        entry.mode = 0o400
        entry.modified = Timestamp(seconds: control?.time.seconds ?? 0)
        entry.size = Int64(content.count)
        try encoder.encode(entry, isControl: true)
        try stream.append(encoder.blocks)
        try stream.append(content)
        try stream.pad(entry.size)
    }

    private func writeManifest() throws {
        totals.manifests += 1
        let number = String(totals.manifests)
        let name = "manifest-" + String(repeating: "0", count: max(0, 6 - number.count)) + number + ".jsonl"
        try writeControl(name, lines)
        lines.removeAll(keepingCapacity: true)
        pendingEntries = 0
    }
}

extension ArchiveWriter {
    /// Writes down an entry whose member is complete; to be called right after its data.
    func record(_ entry: Entry, digest: Digest?) throws {
        totals.entries += 1
        totals.bytes += entry.dataSize
        guard control != nil else { return }
        lines.appendLine(of: entry, digest: digest)
        pendingEntries += 1
        try writeManifestIfDue()
    }

    /// Writes down something about the source that is not in the archive; between members only.
    func note(_ note: StaticString, _ path: [UInt8], size: Int64? = nil, torn: Bool = false) throws {
        if torn { totals.torn += 1 }
        guard control != nil else { return }
        lines.appendNote(note, path, size: size)
        try writeManifestIfDue()
    }

    private func writeManifestIfDue() throws {
        if pendingEntries >= Limits.manifestEntries || lines.count >= Limits.manifestBytes { try writeManifest() }
    }
}
