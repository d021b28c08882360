internal import Archives
internal import Machine
internal import OpenPGP

/// An archive of volumes that a person named, before anything of it is staged.
struct VolumesArchive: Sendable {
    let file: ArchiveFile
    let key: DecryptionKey

    /// The first volume in it, and the folder of the archive that the volumes lie in: read for a moment only.
    ///
    /// - Throws: when there is none.
    func first() async throws -> (prefix: RawPath, name: String) {
        let found = Kept<(prefix: RawPath, name: String)>()
        do {
            try await read { entry in
                guard let volume = VolumesLayout.volume(of: entry.path) else { return }
                found.keep(volume)
                // Enough was seen: nothing is waited for.
                throw Interrupted()
            }
        } catch is Interrupted where found.value != nil && !Task.isCancelled {}
        if let first = found.value { return first }
        throw RecoveryError.failed(
            "no-volumes-archive", "It holds no volumes: there is no NAME/_data in it.", place: file.path,
            remedy: "Is it one volume’s data? --volume NAME. Else look into it: --to DIR.")
    }

    /// All that is in it, read to its end; nothing is written.
    func layout() async throws -> VolumesLayout {
        let layout = VolumesLayout(prefix: try await first().prefix)
        let policy = layout.policy(file.allowed)
        return try await file.open(key, meter: Meter()) { source, stop in
            var layout = layout
            _ = try ArchiveReader.list(from: source, origin: .foreign(policy), stop: stop) { try layout.take($0) }
            return layout
        }
    }

    private func read(_ each: @escaping @Sendable (ListedEntry) throws -> Void) async throws {
        let all = ForeignPolicy(ArchiveFile.Allowed(devices: true, setID: true, linksOut: true))
        try await file.open(key, meter: Meter()) { source, stop in
            _ = try ArchiveReader.list(from: source, origin: .foreign(all), stop: stop, each: each)
        }
    }
}
