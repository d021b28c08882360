package import Archives
internal import Docker
internal import Glibc
internal import Machine
package import OpenPGP
internal import RestorePoints

/// The volumes of an archive, extracted where each can be swapped in by renaming. Nothing that lives has changed.
package struct VolumesStaging: Sendable {
    package let volumes: [StagedVolume]
    /// What was passed over, in words.
    package let notes: [String]

    /// One volume's data in the staging folder.
    package struct StagedVolume: Sendable {
        package let name: String
        /// Where it came from.
        package let file: ArchiveFile
        /// The folder that `_data` lies in.
        let folder: String
        /// The volume, if it was made to stage in.
        let madeVolume: String?
        let report: ExtractionReport

        package init(
            name: String, file: ArchiveFile, folder: String, madeVolume: String? = nil, report: ExtractionReport
        ) {
            self.name = name
            self.file = file
            self.folder = folder
            self.madeVolume = madeVolume
            self.report = report
        }
    }

    /// Extracts the archive in one read, and gives `body` what was in it; what is not swapped in is gone afterwards.
    ///
    /// It is staged in the own folder of its first volume, never in a folder beside the volumes, which the engine would take
    /// for one. A volume that is not there is made for that.
    package static func with<Result>(
        _ file: ArchiveFile, _ site: Site, key: DecryptionKey, holding lock: HeldLock,
        _ body: (VolumesStaging) async throws -> Result
    ) async throws -> Result {
        let (prefix, first) = try await VolumesArchive(file: file, key: key).first()
        let home = try await Home(of: first, site)
        let name = ".holdfast-\(try Restores(site.state).freshName(site.clock.now()))-volumes"
        let obligation = try lock.journal.owe(.remove(folder: home.folder, name: name))
        do {
            let staging = try await extract(
                file, VolumesLayout(prefix: prefix), into: "\(home.folder)/\(name)", home, site, key)
            let result = try await body(staging)
            try Descriptor.folder(home.folder).removeTree(name)
            try lock.journal.pay(obligation)
            return result
        } catch {
            try? Descriptor.folder(home.folder).removeTree(name)
            lock.journal.payForRemoval(obligation)
            await home.unmake(site)
            throw error
        }
    }

    private static func extract(
        _ file: ArchiveFile, _ layout: VolumesLayout, into path: String, _ home: Home, _ site: Site,
        _ key: DecryptionKey
    ) async throws -> VolumesStaging {
        let meter = Meter()
        let began = monotonicSeconds()
        site.report(.began("volumes", meter, expected: file.size))
        do {
            let parent = try Descriptor.folder(home.folder)
            let name = String(path.dropFirst(home.folder.count + 1))
            try parent.makeFolder(name)
            let staging = try parent.folder(name)
            let policy = layout.policy(file.allowed)
            let space = freeSpace(at: path)
            let (found, report) = try await file.open(key, meter: meter) { source, stop in
                var layout = layout
                let report = try ArchiveReader.extract(
                    from: source, origin: .foreign(policy), into: staging, space: space, meter: Meter(), stop: stop
                ) { try layout.take($0) }
                return (layout, report)
            }
            let volumes = try staged(found, file, path, home, isPrivileged: report.ownersKept)
            site.report(
                .ended(
                    "volumes",
                    text:
                        "\(report.entries) entries of \(counted(volumes.count, "volume")), \(ByteCount(report.bytes)) staged, "
                        + durationText(monotonicSeconds() - began), good: true))
            let ignored = report.ignored.map { "\($0) is the engine’s own: it is passed over" }
            return VolumesStaging(volumes: volumes, notes: ignored + found.notes)
        } catch {
            site.report(.ended("volumes", text: "failed, nothing was changed", good: false))
            throw error
        }
    }

    private static func staged(
        _ layout: VolumesLayout, _ file: ArchiveFile, _ path: String, _ home: Home, isPrivileged: Bool
    ) throws -> [StagedVolume] {
        let top = layout.prefix.bytes.isEmpty ? path : "\(path)/\(String(decoding: layout.prefix.bytes, as: UTF8.self))"
        return layout.names.map { name in
            let contents = layout.volumes[name] ?? VolumesLayout.Contents()
            return StagedVolume(
                name: name, file: file, folder: "\(top)/\(name)", madeVolume: name == home.volume ? home.made : nil,
                report: ExtractionReport(
                    entries: contents.entries, bytes: contents.bytes, ownersKept: isPrivileged))
        }
    }

    /// The volume in whose own folder it is staged.
    private struct Home {
        let volume: String
        let folder: String
        /// The volume again, if it had to be made.
        let made: String?

        init(of volume: String, _ site: Site) async throws {
            self.volume = volume
            let planner = RestorePlanner(site, trust: .nobody(because: "a file was named"))
            switch try await planner.target(Item(.volume, volume), nil, alone: true) {
            case .live(let folder, _):
                if access(folder, F_OK) != 0 { try makeFolders(folder) }
                (self.folder, made) = (folder, nil)
            case .newVolume, .folder:
                guard let engine = site.engine.engine else {
                    throw RecoveryError.failed("no-engine", "The engine is gone.")
                }
                folder = parent(of: try await engine.createVolume(volume).mountpoint)
                made = volume
            }
        }

        /// Removes the volume again, unless a restore answers for it by now.
        func unmake(_ site: Site) async {
            guard let made, let engine = site.engine.engine else { return site.removeIfEmpty(volumeFolder: folder) }
            let records = (try? Restores(site.state).all()) ?? []
            guard !records.contains(where: { $0.swaps.contains { $0.madeVolume == made } }) else { return }
            await Task { _ = try? await engine.removeVolume(made) }.value
        }
    }
}

extension VolumesStaging.StagedVolume {
    /// Moves the data to its place beside the live one, on the same file system.
    func move(to parent: Descriptor, as name: String) throws -> ExtractionReport {
        try parent.take("_data", from: try Descriptor.folder(folder), as: name)
        try parent.synchronize()
        return report
    }
}
