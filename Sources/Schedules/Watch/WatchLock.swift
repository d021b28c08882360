package import Machine

/// The lock by which there is one `watch` for a state folder; it dies with its process.
package enum WatchLock {
    /// Takes it.
    ///
    /// - Throws: ``ScheduleError`` `schedule.watched` if another `watch` has it.
    package static func take(in folder: Descriptor) throws -> FileLock {
        if let lock = try FileLock.take(name, in: folder, saying: "watch") { return lock }
        let holder = FileLock.holder(of: name, in: folder) ?? "another process"
        throw ScheduleError.refused(
            "watched", "Another `holdfast watch` is at work: \(holder).", place: folder.path,
            remedy: "One is enough. The lock dies with its process; there is nothing to remove by hand.")
    }

    /// Who has it: process id and command; nil if nobody does.
    package static func holder(in state: String) -> String? {
        guard let folder = try? Descriptor.folder(state), FileLock.isHeld(name, in: folder) else { return nil }
        return FileLock.holder(of: name, in: folder)
    }

    private static let name = "watch.lock"
}
