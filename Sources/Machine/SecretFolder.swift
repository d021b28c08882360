internal import CLinux
import Glibc

/// A folder in memory (tmpfs) for what must never reach a disk; wiped on every way out.
///
/// Its name carries our process id, so that a later run can remove one whose owner was killed.
package final class SecretFolder: Sendable {
    package let path: String

    /// Makes it in the first of `/dev/shm`, `/run/user/UID` and `/run` that is a tmpfs and lets us.
    package init() throws {
        for parent in parents where isMemory(parent) {
            sweepSecretFolders(parent)
            var template = Array("\(parent)/\(namePrefix)\(getpid())-XXXXXX".utf8CString)
            if mkdtemp(&template) != nil {
                path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
                return
            }
        }
        throw MachineError(
            code: "machine.no-memory-folder",
            what: "There is no folder in memory (tmpfs) to keep the private key in while it is used.",
            remedy: "Mount one: mount -t tmpfs -o mode=1777 tmpfs /dev/shm")
    }

    deinit { wipe() }

    /// Removes what runs that were killed left behind, so that no key waits in memory for the next one that needs a folder.
    package static func sweep() {
        for parent in parents where isMemory(parent) { sweepSecretFolders(parent) }
    }

    /// Removes it with all that is in it; a second call does nothing.
    package func wipe() {
        guard let slash = path.lastIndex(of: "/") else { return }
        let parent = try? Descriptor.folder(String(path[..<slash]))
        try? parent?.removeTree(String(path[path.index(after: slash)...]))
    }
}

private let namePrefix = "holdfast-"
private var parents: [String] { ["/dev/shm", "/run/user/\(getuid())", "/run"] }

private func isMemory(_ path: String) -> Bool {
    let tmpfs = 0x0102_1994
    let ramfs = 0x8584_58f6
    return [tmpfs, ramfs].contains(linux_file_system_kind(path))
}

/// Removes what runs that were killed left behind: folders of ours whose process is gone.
private func sweepSecretFolders(_ parent: String) {
    guard let folder = try? Descriptor.folder(parent), let names = try? folder.names() else { return }
    for name in names where name.hasPrefix(namePrefix) {
        let owner = name.dropFirst(namePrefix.count).prefix { $0 != "-" }
        guard let process = pid_t(owner), kill(process, 0) != 0, errno == ESRCH else { continue }
        var status = stat()
        guard fstatat(folder.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_uid == getuid() else { continue }
        try? folder.removeTree(name)
    }
}
