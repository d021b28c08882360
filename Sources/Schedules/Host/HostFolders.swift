import Glibc
import Machine

/// The host's own folders, below a root: `/`, or that of an image or a test.
package struct HostFolders: Sendable {
    /// What every path is put behind; empty for the running host.
    package let root: String

    /// - Parameter root: an absolute path; a slash at its end does not matter.
    package init(root: String = "") {
        var root = root
        while root.hasSuffix("/") { root.removeLast() }
        self.root = root
    }

    /// Whether this is the host that runs.
    package var isLive: Bool { root.isEmpty }

    /// Where a path of the host lies from here.
    package func path(_ path: String) -> String { root + path }

    /// Whether something is there.
    package func has(_ path: String) -> Bool { access(root + path, F_OK) == 0 }

    /// The text of a small file; nil if there is none, or it may not be read.
    package func text(_ path: String) -> String? {
        guard let bytes = try? Descriptor.open(root + path, O_RDONLY).readAll(limit: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The names in a folder, sorted; none if it is not there.
    package func names(_ path: String) -> [String] {
        (try? Descriptor.open(root + path, O_RDONLY | O_DIRECTORY).names()) ?? []
    }

    /// Whether systemd is what started this host.
    package var runsSystemd: Bool { has("/run/systemd/system") }

    /// Whether a cron is at work here, as its own file says.
    package var runsCron: Bool {
        guard let number = text("/run/crond.pid")?.split(separator: "\n").first, let process = pid_t(number) else {
            return false
        }
        return kill(process, 0) == 0 || errno == EPERM
    }
}
