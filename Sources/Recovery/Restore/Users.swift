import Docker
import Machine
import RestorePoints

/// The containers that use what is being swapped: stopped before, started again after, as they were.
struct Users: Sendable {
    private let containers: [Container]
    private let site: Site
    private let journal: Journal

    /// - Parameter containers: those that run or are paused now.
    init(_ containers: [Container], _ site: Site, _ journal: Journal) {
        // Whoever started last depends on the others: it stops first and starts last.
        self.containers = containers.sorted {
            ($0.startedAt ?? .distantPast, $0.name) < ($1.startedAt ?? .distantPast, $1.name)
        }
        self.site = site
        self.journal = journal
    }

    /// The containers that run, or are paused, and use the data of an item that lies at `path`.
    ///
    /// - Throws: a refusal when stopping one of them would delete it.
    static func find(of places: [(item: Item, path: String)], _ site: Site) async throws -> [Container] {
        guard let engine = site.engine.engine, !places.isEmpty else { return [] }
        let users = try await engine.containers().filter { container in
            [.running, .paused, .restarting].contains(container.state)
                && places.contains { container.uses($0.item, at: $0.path) }
        }
        for user in users where user.isAutoRemoved {
            throw RecoveryError.refused(
                "would-delete", "\(user.name) uses it and was started with --rm: stopping it would delete it.",
                place: "container \(user.name)", remedy: "Stop it yourself, then try again: docker stop \(user.name)")
        }
        return users
    }

    /// Stops all of them.
    ///
    /// - Throws: at the first that does not stop; those that did are in the journal, and ``start()`` starts them.
    func stop() async throws {
        guard let engine = site.engine.engine else { return }
        for container in containers.reversed() {
            if Task.isCancelled { throw Interrupted() }
            _ = try journal.owe(.start(container: container.id, name: container.name))
            try await toItsEnd {
                if container.state == .paused { try await engine.unpause(container.id) }
                try await engine.stop(container.id)
            }
            site.report(.line("stopped \(container.name)"))
        }
    }

    /// Starts all that ``stop()`` owed and waits until each is healthy.
    ///
    /// - Returns: what is not well, in words; empty when all is.
    func start() async -> [String] {
        guard let engine = site.engine.engine else { return [] }
        // A task of its own: being cancelled is no reason to leave containers stopped.
        return await Task { [self] in
            var problems: [String] = []
            for container in containers {
                do {
                    try await engine.start(container.id)
                    try pay(container)
                    try await engine.wait(untilHealthy: container.id, atMost: .seconds(Self.healthLimit))
                    if container.state == .paused { try await engine.pause(container.id) }
                    site.report(.line("started \(container.name)" + (container.health != nil ? ", healthy" : "")))
                } catch {
                    problems.append("\(container.name) is not well: \(explain(error).what)")
                    site.report(.warning("\(container.name) is not well: \(explain(error))"))
                }
            }
            return problems
        }.value
    }

    private func pay(_ container: Container) throws {
        for (id, obligation) in journal.unpaid {
            guard case .start(container.id, _) = obligation else { continue }
            try journal.pay(id)
        }
    }

    /// Seconds that a container gets to become healthy before the restore says that it is not.
    private static let healthLimit = 120
}

extension Container {
    /// Whether it has this item's data mounted, or something inside it, or something around it.
    fileprivate func uses(_ item: Item, at path: String) -> Bool {
        if item.kind == .volume, mounts.contains(where: { $0.name == item.name }) { return true }
        let path = resolved(path)
        return mounts.contains { mount in
            let source = resolved(mount.source)
            return source == path || source.hasPrefix(path + "/") || path.hasPrefix(source + "/") && source != "/"
        }
    }
}
