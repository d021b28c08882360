import Glibc

/// What disk, processes and kernel refuse.
package struct MachineError: Explained {
    package let code: String
    package let what: String
    package let place: String?
    package let remedy: String?
    /// The `errno` behind it, 0 if there was none.
    package let errno: Int32

    package init(code: String, what: String, place: String? = nil, remedy: String? = nil, errno: Int32 = 0) {
        self.code = code
        self.what = what
        self.place = place
        self.remedy = remedy
        self.errno = errno
    }

    /// A system call that failed; takes `errno` as it stands.
    ///
    /// - Parameter doing: what was being done, in words: `open`, `write to`, `rename`.
    package static func call(_ doing: String, _ place: String, errno code: Int32 = Glibc.errno) -> MachineError {
        MachineError(
            code: "machine.\(name(of: code))",
            what: "Could not \(doing): \(String(cString: strerror(code))).",
            place: place, remedy: remedy(for: code), errno: code)
    }

    private static func name(of code: Int32) -> String {
        switch code {
        case ENOSPC, EDQUOT: "disk-full"
        case EROFS: "read-only"
        case EACCES, EPERM: "not-permitted"
        case ENOENT: "missing"
        case EEXIST: "exists"
        case EIO: "io-error"
        case EPIPE: "broken-pipe"
        case EMFILE, ENFILE: "too-many-files"
        case EFBIG: "file-too-large"
        default: "errno-\(code)"
        }
    }

    private static func remedy(for code: Int32) -> String? {
        switch code {
        case ENOSPC: "Free some space or inodes on that file system (df -h, df -i), then run the command again."
        case EDQUOT: "The quota of this user is used up; raise it or free some space."
        case EROFS: "That file system is mounted read-only; see `dmesg` for why, remount it, then run again."
        case ENOENT: "See whether it was moved or removed, or lies on a disk that is not mounted."
        case EACCES, EPERM: "Run holdfast as root, or give this user access to it."
        case EIO: "The disk reports an error: see `dmesg`, and look after the disk before anything else."
        case EMFILE, ENFILE: "Raise the limit of open files (ulimit -n)."
        case EFBIG: "Raise the limit on the size of files (ulimit -f), or use a file system that takes larger ones."
        default: nil
        }
    }
}
