import Glibc

/// A lock between processes that the kernel drops when its owner dies, however it dies (an open file description lock).
package final class FileLock: Sendable {
    private let file: Descriptor

    private init(_ file: Descriptor) { self.file = file }

    /// Takes the lock on the file `name` in `folder`, which is made when missing.
    ///
    /// - Returns: nil if somebody else holds it; `holder(of:in:)` says who.
    package static func take(_ name: String, in folder: Descriptor, saying note: String) throws -> FileLock? {
        let file = try folder.open(name, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        guard try locked(file) else { return nil }
        try? file.truncate(to: 0)
        // For messages only: a full disk must not keep anybody from the lock, least of all who puts things right.
        try? file.write("\(getpid()) \(note)\n")
        return FileLock(file)
    }

    /// Locks a file that is there and leaves what is in it alone: others see that its owner lives.
    ///
    /// - Returns: nil if somebody else holds it.
    package static func hold(_ name: String, in folder: Descriptor) throws -> FileLock? {
        let file = try folder.open(name, O_RDWR | O_NOFOLLOW)
        return try locked(file) ? FileLock(file) : nil
    }

    /// - Returns: false if somebody else holds it.
    private static func locked(_ file: Descriptor) throws -> Bool {
        if file.kernel.lock(file.raw) == 0 { return true }
        guard errno == EAGAIN || errno == EACCES else { throw MachineError.call("lock", file.path) }
        return false
    }

    /// What the holder wrote about itself: its process id and what it does. For messages only.
    package static func holder(of name: String, in folder: Descriptor) -> String? {
        guard let file = try? folder.open(name, O_RDONLY | O_NOFOLLOW), let bytes = try? file.readAll(limit: 4096)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }

    /// Whether somebody holds the lock now. Takes nothing; what it says may be over when it returns.
    package static func isHeld(_ name: String, in folder: Descriptor) -> Bool {
        guard let file = try? folder.open(name, O_RDONLY | O_NOFOLLOW) else { return false }
        return file.kernel.isLocked(file.raw)
    }

    deinit { release() }

    /// Lets go; also happens when the last reference goes.
    package func release() {
        guard file.raw >= 0 else { return }
        // Closing is not enough while a child is being started: until its exec it has a copy of the descriptor.
        file.kernel.unlock(file.raw)
        try? file.close()
    }
}

extension Descriptor {
    /// Runs `body` while nobody else does so with this folder, in this process or in another; waits for its turn, which has
    /// to be short. Not to be called inside of itself.
    ///
    /// - Throws: `machine.stuck` when somebody does not let go of it.
    package func exclusively<Result>(_ body: () throws -> Result) throws -> Result {
        // An open file description of its own: the lock is that one's.
        let again = try open(".", O_RDONLY | O_DIRECTORY)
        let end = monotonicSeconds() + Self.patience
        while again.kernel.lockFolder(again.raw) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw MachineError.call("lock", path) }
            guard monotonicSeconds() < end else {
                throw MachineError(
                    code: "machine.stuck", what: "The folder is held by a process that does not let go.", place: path,
                    remedy: "See which holdfast hangs (ps), and end it.")
            }
            usleep(2000)
        }
        // Closing is not enough while a child is being started: until its exec it has a copy of the descriptor.
        defer { again.kernel.unlockFolder(again.raw) }
        return try body()
    }

    /// Seconds that one waits for one's turn.
    private static let patience = 30.0
}
