import Glibc
import Machine

extension InstallationPlan {
    /// Does it: what would start the old files is disabled, files are published durably, systemd is told.
    ///
    /// - Throws: at the first thing that goes wrong; running it again goes on from there.
    package func execute(systemctl: String = "systemctl") async throws {
        for words in before { try await Self.run(systemctl, words) }
        for step in steps {
            switch step.deed {
            case .keep: break
            case .write, .rewrite: try publish(step.file, replacing: step.deed == .rewrite)
            case .remove: try remove(step.file)
            }
        }
        for words in after { try await Self.run(systemctl, words) }
    }

    private func publish(_ file: ScheduleFile, replacing: Bool) throws {
        let (folder, name) = try place(of: file, making: true)
        // Both systemd and cron read these files as root, and say so where others may not.
        try folder.publish(name, Array(file.text.utf8), replacing: replacing)
        guard fchmodat(folder.raw, name, 0o644, 0) == 0 else { throw MachineError.call("chmod", file.path) }
        try folder.synchronize()
    }

    private func remove(_ file: ScheduleFile) throws {
        let (folder, name) = try place(of: file, making: false)
        guard unlinkat(folder.raw, name, 0) == 0 || errno == ENOENT else {
            throw MachineError.call("remove", file.path)
        }
        try folder.synchronize()
    }

    private func place(of file: ScheduleFile, making: Bool) throws -> (folder: Descriptor, name: String) {
        let path = host.path(file.path)
        guard let slash = path.lastIndex(of: "/") else { preconditionFailure("BUG: a relative path in a plan") }
        let folder = String(path[..<slash])
        if making, !host.isLive { try makeFolders(folder) }
        return (try Descriptor.open(folder, O_RDONLY | O_DIRECTORY), String(path[path.index(after: slash)...]))
    }

    private static func run(_ systemctl: String, _ words: [String]) async throws {
        let outcome = try await ChildProcess(systemctl, words).run()
        guard !outcome.succeeded else { return }
        let said = outcome.errors.lastLines(3)
        throw ScheduleError.failed(
            "systemctl",
            "systemctl \(words.joined(separator: " ")): \(outcome.status)\(said.isEmpty ? "" : ": \(said)").",
            remedy: "Mend that, and run the same command again: it goes on where it stopped.")
    }
}
