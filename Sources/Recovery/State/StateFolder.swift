import Glibc
package import Machine

/// The folder in which the host remembers who it is and what it is about; `docs/formats/state.md`.
package struct StateFolder: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// Folder of the host’s signing key.
    package var signingHome: String { "\(path)/signing" }
    package var recoveryCard: String { "\(path)/recovery-card.txt" }

    /// Opens the folder, 0700; made when missing.
    package func open() throws -> Descriptor {
        try makeFolders(path)
        let folder = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
        let status = try folder.status()
        guard status.st_uid == getuid(), status.st_mode & 0o022 == 0 else {
            throw RecoveryError.refused(
                "unsafe-state", "Others than this user can write to the state folder.", place: path,
                remedy: "chown \(getuid()) \(path) && chmod 0700 \(path)")
        }
        return folder
    }

    /// The folder of that name in here; made when missing.
    package func open(_ name: String) throws -> Descriptor {
        let folder = try open()
        if !folder.has(name) { try folder.makeFolder(name) }
        return try folder.folder(name)
    }

    /// The host's id; made at the first call.
    package func hostID(clock: any WallClock) throws -> String {
        let folder = try open()
        if let known = try knownHostID() { return known }
        let identity = HostIdentity(id: randomBytes(16).hex, made: clock.now().description)
        try folder.publish(Self.identityName, try JSON.write(identity))
        return identity.id
    }

    /// The host's id, if it has one yet.
    package func knownHostID() throws -> String? { try identity()?.id }

    private func identity() throws -> HostIdentity? {
        do {
            let file = try Descriptor.open("\(path)/\(Self.identityName)", O_RDONLY | O_NOFOLLOW)
            let identity = try JSON.read(HostIdentity.self, try file.readAll(limit: 4096), place: file.path)
            guard identity.id.utf8.count == 32, [UInt8](hex: identity.id) != nil else {
                throw RecoveryError.failed("bad-state", "The host's id is not 32 hexadecimal digits.", place: file.path)
            }
            return identity
        } catch let error as MachineError where error.errno == ENOENT {
            return nil
        }
    }

    /// When the host's id was made, if it has one.
    package var made: Timestamp? { (try? identity())?.flatMap { Timestamp($0.made) } }

    private static let identityName = "host.json"
}

private struct HostIdentity: Codable {
    let id: String
    let made: String
}
