package import Archives
internal import Glibc
internal import Machine
package import RestorePoints

/// The one file that a person wants instead of a restore point: a plain archive of volumes, or a database as SQL.
package struct StandAloneFile: Sendable {
    package let path: String
    /// The folder that it goes to, and its name there.
    package let folder: String
    package let name: String
    package let compression: Compression

    /// Looks at the name, which says what is made, and at the folder.
    ///
    /// - Throws: a refusal when the name does not end as what is made, or is taken, or the folder is not there.
    package init(_ path: String, holding kind: Item.Kind) throws {
        self.path = absolute(path)
        folder = parent(of: self.path)
        name = String(self.path.dropFirst(folder == "/" ? 1 : folder.count + 1))
        let stem: String
        switch kind {
        case .volume: stem = ".tar"
        case .database: stem = ".sql"
        case .files:
            throw RecoveryError.refused(
                "no-stand-alone", "Folders come in restore points only.", remedy: "holdfast backup files, without --to")
        }
        var kinds: [Compression] = [.gzip(level: 6), .zstd(level: 3)]
        if kind == .database { kinds.append(.none) }
        let ends = kinds.map { stem + $0.streamSuffix + ".gpg" }
        let fitting = zip(kinds, ends).first { [name] in name.hasSuffix($0.1) && name.count > $0.1.count }
        guard let fitting else {
            throw RecoveryError.refused(
                "bad-file-name", "“\(RawPath(name))” does not say by its end what is to be made.", place: self.path,
                remedy: "Let it end in \(ends.joined(separator: " or ")). Nothing is ever written unencrypted.")
        }
        compression = fitting.0
        let place: Descriptor
        do {
            place = try Descriptor.open(folder, O_RDONLY | O_DIRECTORY)
        } catch let error as MachineError where error.errno == ENOENT {
            throw RecoveryError.refused(
                "no-folder", "The folder that the file goes to is not there.", place: folder,
                remedy: "Is its disk mounted? If it is new: mkdir -p -m 0700 \(folder)")
        }
        guard !place.has(name) else {
            throw RecoveryError.refused(
                "file-taken", "There is something of that name, and it will not be overwritten.", place: self.path,
                remedy: "Name a file that is not there yet.")
        }
    }

    /// What it is called until it is whole.
    var partial: String { name + DurableFile.partialSuffix }

    /// - Throws: a refusal when something has the name of the unfinished file: what a killed run of ours left has been
    ///   removed by now, so that it is somebody else's.
    func refuseTakenPartial() throws {
        guard try Descriptor.open(folder, O_RDONLY | O_DIRECTORY).has(partial) else { return }
        throw RecoveryError.refused(
            "file-taken", "There is something of the name that the file has until it is whole.",
            place: absolute("\(folder)/\(partial)"), remedy: "See what it is and move it away, or name another file.")
    }
}
