internal import Docker
import Machine
package import Schedules
internal import Settings

extension Confinement {
    /// What the jobs of a host have to reach: they write backups, state and numbers; and because every command first puts
    /// right what a killed one left, they can reach wherever a restore may have been at work.
    ///
    /// - Parameter home: the home of whoever runs the jobs, where gpg keeps its keys unless a keyring is named.
    package init(_ site: Site, home: String) async {
        let backup = site.settings.backup
        var writes = [backup.directory, site.settings.state, await Self.volumesRoot(site)]
        writes += backup.legacy.map(\.directory)
        writes += site.settings.metrics.textfile.map { [Self.folder(of: $0)] } ?? []
        writes.append(backup.encryption.keyring ?? "\(home)/.gnupg")
        // A restored folder takes the place of the old one, beside it; SQLite writes beside its database.
        writes += backup.files.map { Self.folder(of: $0.path) }
        for database in backup.databases {
            if case .sqlite(let sqlite) = database.engine, case .path(let path) = sqlite.place {
                writes.append(Self.folder(of: path))
            }
        }
        self.init(writes: writes, reads: [site.settings.docker.socket, site.settings.file])
    }

    /// Where volumes lie: as the settings say, as the engine says, or where Docker keeps them by default.
    private static func volumesRoot(_ site: Site) async -> String {
        if let root = site.settings.backup.volumes.root { return root }
        let volume = try? await site.engine.engine?.volumes().first { $0.isPlain }
        return volume.map { folder(of: folder(of: $0.mountpoint)) } ?? "/var/lib/docker/volumes"
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
