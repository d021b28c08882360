internal import CLinux
package import Glibc

/// An open file descriptor with one owner; closed at the latest when the owner goes.
///
/// - Note: `@unchecked Sendable`: the number never changes but to −1 in `close()`, which its one owner calls once,
///   after all use; the kernel does the rest.
package final class Descriptor: ByteSink, ByteSource, @unchecked Sendable {
    /// The number; −1 once closed.
    package private(set) var raw: Int32
    /// What it was opened as, for messages.
    package let path: String
    /// Whose number it is.
    let kernel: any Kernel

    /// Takes over `raw`.
    package convenience init(owning raw: Int32, path: String) { self.init(owning: raw, path: path, of: LinuxKernel()) }

    init(owning raw: Int32, path: String, of kernel: any Kernel) {
        self.raw = raw
        self.path = path
        self.kernel = kernel
    }

    /// Opens `path`, always with `O_CLOEXEC`.
    package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws -> Descriptor {
        let kernel = System.kernel
        let raw = retrying { kernel.open(AT_FDCWD, path, flags | O_CLOEXEC, mode) }
        guard raw >= 0 else { throw MachineError.call(flags & O_CREAT == 0 ? "open" : "create", path) }
        return Descriptor(owning: raw, path: path, of: kernel)
    }

    /// Opens `name` inside this folder, always with `O_CLOEXEC`.
    package func open(_ name: String, _ flags: Int32, mode: mode_t = 0o600) throws -> Descriptor {
        let raw = retrying { kernel.open(self.raw, name, flags | O_CLOEXEC, mode) }
        guard raw >= 0 else {
            throw MachineError.call(flags & O_CREAT == 0 ? "open" : "create", path + "/" + name)
        }
        return Descriptor(owning: raw, path: path + "/" + name, of: kernel)
    }

    deinit {
        if raw >= 0 { _ = kernel.close(raw) }
    }

    /// Closes it, and says whether the kernel still had something to complain of. A second call does nothing.
    package func close() throws {
        guard raw >= 0 else { return }
        let closing = raw
        raw = -1
        guard kernel.close(closing) == 0 || errno == EINTR else { throw MachineError.call("close", path) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = retrying { kernel.write(raw, rest.baseAddress, rest.count) }
            guard count > 0 else { throw MachineError.call("write to", path, errno: count == 0 ? ENOSPC : errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = retrying { kernel.read(raw, buffer.baseAddress, buffer.count) }
        guard count >= 0 else { throw MachineError.call("read", path) }
        return count
    }

    /// Reads to the end.
    ///
    /// - Throws: when there are more than `limit` bytes.
    package func readAll(limit: Int) throws -> [UInt8] { try readAll(limit: limit, place: path) }

    /// What `fstat` says.
    package func status() throws -> stat {
        var status = stat()
        guard kernel.status(raw, &status) == 0 else { throw MachineError.call("look at", path) }
        return status
    }

    /// Makes what was written survive a power cut; for a folder: the names in it.
    package func synchronize() throws {
        guard retrying({ kernel.synchronize(raw) }) == 0 else { throw MachineError.call("write to disk (fsync)", path) }
    }

    /// Cuts it off after `length` bytes, or makes it that long.
    package func truncate(to length: Int) throws {
        guard retrying({ kernel.truncate(raw, length) }) == 0 else { throw MachineError.call("shorten", path) }
    }
}

/// A pipe as large as the kernel lets it be.
package struct Pipe {
    package let reader: Descriptor
    package let writer: Descriptor

    package init(_ name: String) throws {
        ignoreBrokenPipes
        var ends: [Int32] = [-1, -1]
        guard linux_pipe(&ends, Int32(streamBufferSize)) == 0 else { throw MachineError.call("make a pipe", name) }
        reader = Descriptor(owning: ends[0], path: name)
        writer = Descriptor(owning: ends[1], path: name)
    }
}

/// From the first pipe on, writing to one whose reader is gone is an error (`EPIPE`) instead of our death (SIGPIPE).
/// Children are started with the signal as it is by default.
private let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

/// Repeats a system call that a signal interrupted.
package func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
