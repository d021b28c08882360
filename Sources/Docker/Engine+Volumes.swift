internal import HTTPClient
package import Machine

extension Engine {
    /// All volumes, by name.
    package func volumes() async throws -> [Volume] {
        let list = try await get(VolumeList.self, "volumes")
        return (list.volumes ?? []).map(\.volume).sorted { $0.name < $1.name }
    }

    /// The volume of that name, nil if there is none. Never makes one.
    package func volume(_ name: String) async throws -> Volume? {
        do {
            return try await get(VolumeFacts.self, "volumes", name, subject: .volume(name)).volume
        } catch let error as DockerError where error.kind == .noSuchVolume {
            return nil
        }
    }

    /// Makes a volume.
    ///
    /// - Throws: `conflict` if there is one of that name; the engine itself would keep that one and say nothing.
    @discardableResult
    package func createVolume(
        _ name: String, driver: String = "local", labels: [String: String] = [:], options: [String: Redacted] = [:]
    ) async throws -> Volume {
        if try await volume(name) != nil {
            throw DockerError(
                .conflict, "There is a volume of that name already.", place: Subject.volume(name).place,
                remedy: "Remove it (docker volume rm), or take another name.")
        }
        let wanted = NewVolume(
            name: name, driver: driver, labels: labels, options: options.mapValues(\.exposed))
        let answer = try await call("POST", "volumes", "create", json: wanted, subject: .volume(name))
        return try Self.decode(VolumeFacts.self, answer, socket: socket).volume
    }

    /// Removes a volume with all its data.
    ///
    /// - Returns: whether there was one.
    /// - Throws: `conflict` while a container, running or not, uses it.
    @discardableResult
    package func removeVolume(_ name: String) async throws -> Bool {
        do {
            try await call("DELETE", "volumes", name, subject: .volume(name))
            return true
        } catch let error as DockerError where error.kind == .noSuchVolume {
            return false
        }
    }
}

private struct VolumeList: Decodable {
    let volumes: [VolumeFacts]?

    enum CodingKeys: String, CodingKey { case volumes = "Volumes" }
}

private struct VolumeFacts: Decodable {
    let name: String
    let driver: String
    let mountpoint: String?
    let labels: [String: String]?
    let options: [String: String]?
    let scope: String?
    let created: String?

    enum CodingKeys: String, CodingKey {
        case name = "Name", driver = "Driver", mountpoint = "Mountpoint", labels = "Labels", options = "Options"
        case scope = "Scope", created = "CreatedAt"
    }

    var volume: Volume {
        Volume(
            name: name, driver: driver, mountpoint: mountpoint ?? "", labels: labels ?? [:],
            options: (options ?? [:]).mapValues(Redacted.init), scope: scope ?? "local",
            created: created.flatMap(Timestamp.init(rfc3339:)))
    }
}

private struct NewVolume: Encodable {
    let name: String
    let driver: String
    let labels: [String: String]
    let options: [String: String]

    enum CodingKeys: String, CodingKey {
        case name = "Name", driver = "Driver", labels = "Labels", options = "DriverOpts"
    }
}
