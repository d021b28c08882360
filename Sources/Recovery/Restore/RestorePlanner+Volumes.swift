internal import Docker
package import OpenPGP
internal import RestorePoints

/// All volumes of one archive.
extension RestorePlanner {
    /// Makes the plan for all volumes of an archive, which is staged already.
    package func plan(_ staging: VolumesStaging) async throws -> RestorePlan {
        let items = try await volumes(staging.volumes.map { ($0.name, .staged($0)) })
        let plan = try await plan(items)
        return RestorePlan(items: plan.items, users: plan.users, warnings: staging.notes + plan.warnings)
    }

    /// Looks what volumes an archive holds, and makes the plan for them; it is read for that, and nothing is written.
    package func plan(volumesOf file: ArchiveFile, key: DecryptionKey) async throws -> RestorePlan {
        let layout = try await VolumesArchive(file: file, key: key).layout()
        let plan = try await plan(try await volumes(layout.names.map { ($0, .file(file)) }))
        return RestorePlan(items: plan.items, users: plan.users, warnings: layout.notes + plan.warnings)
    }

    private func volumes(_ sources: [(name: String, source: RestoreSource)]) async throws -> [RestoreItem] {
        var items: [RestoreItem] = []
        for (name, source) in sources {
            let item = Item(.volume, name)
            items.append(
                RestoreItem(
                    item: item, source: source, target: try await target(item, nil, alone: true), selection: nil,
                    free: nil))
        }
        return items
    }

    /// - Throws: a refusal when a person said where the volumes lie, and the engine has them elsewhere.
    package func requireVolumes(in root: String) async throws {
        guard let engine = site.engine.engine else { return }
        let present = try await engine.info().volumesRoot
        guard resolved(root) != resolved(present) else { return }
        throw RecoveryError.refused(
            "other-volumes", "The engine has its volumes in \(present), not in \(root).", place: root,
            remedy: "Leave that out, or restore into a folder with --to DIR.")
    }
}
