internal import HTTPClient
import Machine

extension Engine {
    /// All containers, running or not, by name. One that goes away while they are looked at is left out.
    package func containers() async throws -> [Container] {
        try await inspect(try await list().map(\.id))
    }

    /// The container of that id or name.
    ///
    /// - Throws: `noSuchContainer`.
    package func container(_ idOrName: String) async throws -> Container {
        try await get(ContainerFacts.self, "containers", idOrName, "json", subject: .container(idOrName)).container
    }

    /// All containers, running or not, that see the volume's data (``Container/uses(_:)``), by name.
    ///
    /// - Throws: `noSuchVolume`.
    package func users(ofVolume name: String) async throws -> [Container] {
        let volume = try await get(VolumePlace.self, "volumes", name, subject: .volume(name))
        // The engine's own filter takes a path in the container for a volume's name, and does not know binds.
        let users = try await list().filter { summary in
            (summary.mounts ?? []).contains { $0.mount.shows(volumeNamed: name, at: volume.mountpoint ?? "") }
        }
        return try await inspect(users.map(\.id))
    }

    /// Stops a container and waits until it has stopped.
    ///
    /// - Parameter timeout: how long it gets before it is killed; nil: as the container itself says, 10 s if it does not.
    /// - Returns: whether it ran, that is, whether there is something to start again.
    /// - Throws: also `timeout`, when the engine does not say within a minute more that it is done; look then before acting.
    /// - Important: a container with `isAutoRemoved` is gone afterwards.
    @discardableResult
    package func stop(_ id: String, timeout: Duration? = nil) async throws -> Bool {
        let own: Duration? = timeout == nil ? try await container(id).stopTimeout : timeout
        let query = timeout.map { [("t", String(max(0, $0.components.seconds)))] } ?? []
        return try await change(id, "stop", query, timeout: .seconds(60) + max(.zero, own ?? .seconds(10)))
    }

    /// Starts a container.
    ///
    /// - Returns: whether it did not run before.
    @discardableResult
    package func start(_ id: String) async throws -> Bool {
        try await change(id, "start", timeout: .seconds(120))
    }

    /// Freezes a container's processes.
    ///
    /// - Returns: whether they ran before.
    /// - Throws: `conflict` or `engineFailed` for a container that does not run.
    @discardableResult
    package func pause(_ id: String) async throws -> Bool {
        try await change(id, "pause", unlessAlready: .paused)
    }

    /// Lets a frozen container go on.
    ///
    /// - Returns: whether it was frozen before.
    /// - Throws: `conflict` or `engineFailed` for a container that does not run.
    @discardableResult
    package func unpause(_ id: String) async throws -> Bool {
        try await change(id, "unpause", unlessAlready: .running)
    }

    private func change(
        _ id: String, _ verb: String, _ query: [(String, String)] = [], timeout: Duration = .seconds(60)
    ) async throws -> Bool {
        let answer = try await call(
            "POST", "containers", id, verb, query: query, subject: .container(id), timeout: timeout)
        return answer.status != 304
    }

    /// Here the engine does not answer "it is so already", but with errors that differ between its versions.
    private func change(_ id: String, _ verb: String, unlessAlready state: Container.State) async throws -> Bool {
        do {
            return try await change(id, verb)
        } catch let error as DockerError where error.kind == .conflict || error.kind == .engineFailed {
            if try await container(id).state == state { return false }
            throw error
        }
    }

    private func list() async throws -> [ContainerSummary] {
        try await get([ContainerSummary].self, "containers", "json", query: [("all", "1")])
    }

    /// Looks at each, a few at a time.
    private func inspect(_ ids: [String]) async throws -> [Container] {
        let found = try await withThrowingTaskGroup(of: Container?.self) { group in
            var waiting = ids[...]
            for _ in 0..<4 { if let id = waiting.popFirst() { group.addTask { try await find(id) } } }
            var found: [Container] = []
            while let container = try await group.next() {
                if let container { found.append(container) }
                if let id = waiting.popFirst() { group.addTask { try await find(id) } }
            }
            return found
        }
        return found.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    }

    /// The container of that id or name, nil if there is none.
    package func find(_ id: String) async throws -> Container? {
        do {
            return try await container(id)
        } catch let error as DockerError where error.kind == .noSuchContainer {
            return nil
        }
    }
}

private struct ContainerSummary: Decodable {
    let id: String
    let mounts: [MountFacts]?

    enum CodingKeys: String, CodingKey { case id = "Id", mounts = "Mounts" }
}

private struct VolumePlace: Decodable {
    let mountpoint: String?

    enum CodingKeys: String, CodingKey { case mountpoint = "Mountpoint" }
}
