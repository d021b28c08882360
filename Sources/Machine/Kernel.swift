internal import CLinux
package import Glibc

/// The system calls by which files, folders and locks are dealt with. Each fails as Linux says: −1, with `errno` set.
///
/// There is one kernel, the machine's own; but the simulator of the tests has others, whose disks lose what was not
/// synchronised (`docs/simulator.md`).
package protocol Kernel: Sendable {
    /// Whether calls may block, so that they belong on a thread of their own.
    var blocks: Bool { get }

    /// `openat`; `AT_FDCWD` stands for the root of paths.
    func open(_ folder: Int32, _ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32
    /// `openat2` of a folder inside another: fails with `EXDEV` where something is mounted on it.
    func openUnmounted(_ folder: Int32, _ name: UnsafePointer<CChar>) -> Int32
    func close(_ file: Int32) -> Int32
    func read(_ file: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int
    func write(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int
    func truncate(_ file: Int32, _ length: Int) -> Int32
    func synchronize(_ file: Int32) -> Int32
    /// Begins to write a part back, without a promise.
    func startWriteback(_ file: Int32, _ offset: Int, _ count: Int)
    func setMode(_ file: Int32, _ mode: mode_t) -> Int32
    /// `fstat`.
    func status(_ file: Int32, _ status: inout stat) -> Int32
    /// `fstatat`, not through a symbolic link.
    func status(_ folder: Int32, _ path: UnsafePointer<CChar>, _ status: inout stat) -> Int32
    func makeFolder(_ folder: Int32, _ path: UnsafePointer<CChar>, _ mode: mode_t) -> Int32
    /// `renameat2`.
    func rename(
        _ oldFolder: Int32, _ old: UnsafePointer<CChar>, _ newFolder: Int32, _ new: UnsafePointer<CChar>,
        _ flags: UInt32
    ) -> Int32
    /// `unlinkat`.
    func unlink(_ folder: Int32, _ name: UnsafePointer<CChar>, _ flags: Int32) -> Int32
    /// Gives `each` the names in a folder but `.` and `..`, in any order, until it returns false.
    func list(_ folder: Int32, _ each: (UnsafePointer<CChar>) throws -> Bool) rethrows -> Int32
    /// Takes a write lock on the whole file that belongs to the open file: it dies with its last descriptor.
    func lock(_ file: Int32) -> Int32
    func unlock(_ file: Int32)
    /// Whether another open file has the lock.
    func isLocked(_ file: Int32) -> Bool
    /// `flock` of an open folder, exclusive and without waiting.
    func lockFolder(_ folder: Int32) -> Int32
    func unlockFolder(_ folder: Int32)
}

/// Where files are opened by path.
package enum System {
    /// The machine's own kernel, unless a test runs what it tests over another.
    @TaskLocal package static var kernel: any Kernel = LinuxKernel()
}

/// The machine's own.
package struct LinuxKernel: Kernel {
    package init() {}

    package var blocks: Bool { true }

    package func open(_ folder: Int32, _ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32 {
        Glibc.openat(folder, path, flags, mode)
    }

    package func openUnmounted(_ folder: Int32, _ name: UnsafePointer<CChar>) -> Int32 {
        linux_openat2(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, linux_resolve_no_xdev)
    }

    package func close(_ file: Int32) -> Int32 { Glibc.close(file) }

    package func read(_ file: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        Glibc.read(file, buffer, count)
    }

    package func write(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        Glibc.write(file, bytes, count)
    }

    package func truncate(_ file: Int32, _ length: Int) -> Int32 { ftruncate(file, length) }

    package func synchronize(_ file: Int32) -> Int32 { fsync(file) }

    package func startWriteback(_ file: Int32, _ offset: Int, _ count: Int) {
        linux_start_writeback(file, offset, count)
    }

    package func setMode(_ file: Int32, _ mode: mode_t) -> Int32 { fchmod(file, mode) }

    package func status(_ file: Int32, _ status: inout stat) -> Int32 { fstat(file, &status) }

    package func status(_ folder: Int32, _ path: UnsafePointer<CChar>, _ status: inout stat) -> Int32 {
        fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW)
    }

    package func makeFolder(_ folder: Int32, _ path: UnsafePointer<CChar>, _ mode: mode_t) -> Int32 {
        mkdirat(folder, path, mode)
    }

    package func rename(
        _ oldFolder: Int32, _ old: UnsafePointer<CChar>, _ newFolder: Int32, _ new: UnsafePointer<CChar>,
        _ flags: UInt32
    ) -> Int32 {
        linux_renameat2(oldFolder, old, newFolder, new, flags)
    }

    package func unlink(_ folder: Int32, _ name: UnsafePointer<CChar>, _ flags: Int32) -> Int32 {
        unlinkat(folder, name, flags)
    }

    package func list(_ folder: Int32, _ each: (UnsafePointer<CChar>) throws -> Bool) rethrows -> Int32 {
        let again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard again >= 0 else { return -1 }
        guard let stream = fdopendir(again) else {
            _ = Glibc.close(again)
            return -1
        }
        defer { closedir(stream) }
        errno = 0
        while let entry = readdir(stream) {
            let goesOn = try withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                try pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? true : try each(name)
                }
            }
            guard goesOn else { return 0 }
            errno = 0
        }
        return errno == 0 ? 0 : -1
    }

    package func lock(_ file: Int32) -> Int32 { linux_lock(file) }

    package func unlock(_ file: Int32) {
        var whole = flock()
        whole.l_type = Int16(F_UNLCK)
        _ = fcntl(file, Self.setLockOfDescription, &whole)
    }

    package func isLocked(_ file: Int32) -> Bool {
        var whole = flock()
        whole.l_type = Int16(F_WRLCK)
        return fcntl(file, Self.lookAtLockOfDescription, &whole) == 0 && whole.l_type != Int16(F_UNLCK)
    }

    package func lockFolder(_ folder: Int32) -> Int32 { flock(folder, LOCK_EX | LOCK_NB) }

    package func unlockFolder(_ folder: Int32) { _ = flock(folder, LOCK_UN) }

    /// `F_OFD_GETLK` and `F_OFD_SETLK`, which Glibc hides.
    private static let lookAtLockOfDescription: Int32 = 36
    private static let setLockOfDescription: Int32 = 37
}
