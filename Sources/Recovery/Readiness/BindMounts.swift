internal import Docker
internal import Settings

/// The host's own folders and files that containers have mounted.
struct BindMounts {
    private let sources: Set<String>

    /// Leaves out what is part of the system and not data: sockets, `/proc`, `/etc/localtime` and the like.
    init(_ containers: [Container]) {
        sources = Set(
            containers.flatMap(\.mounts).filter { $0.kind == .bind }.map(\.source).filter { !Self.isSystem($0) })
    }

    /// Those that lie in no folder that the settings name, sorted.
    func uncovered(by settings: Settings) -> [String] {
        let covered = settings.backup.files.map(\.path) + [settings.backup.directory, settings.state]
        return sources.filter { source in
            !covered.contains { source == $0 || source.hasPrefix($0 + "/") }
        }.sorted()
    }

    var all: [String] { sources.sorted() }

    private static func isSystem(_ path: String) -> Bool {
        let trees = ["/proc", "/sys", "/dev", "/run", "/var/run", "/usr", "/lib", "/boot", "/var/lib/docker"]
        let files = [
            "/", "/etc/localtime", "/etc/timezone", "/etc/machine-id", "/etc/hosts", "/etc/passwd", "/etc/group",
        ]
        return files.contains(path) || path.hasSuffix(".sock")
            || trees.contains { path == $0 || path.hasPrefix($0 + "/") }
    }
}
