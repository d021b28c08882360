internal import CLinux
import Glibc

// gpg moves 8 KiB at a time, and the kernel wakes whoever waits at the other end of a full or an empty pipe for each of
// them. Our ends wait by the clock instead: for so long that much can be moved at once, and not so long that a large pipe
// could run empty or full meanwhile.

/// Our end of a pipe to a program that reads in small pieces. Not for two threads.
package final class UnhurriedWriter: ByteSink {
    private let pipe: Descriptor
    private let naps: Bool

    /// - Parameter pipe: from now on only for this writer.
    package init(_ pipe: Descriptor) {
        self.pipe = pipe
        naps = pipe.isLargePipe && fcntl(pipe.raw, F_SETFL, O_NONBLOCK) == 0
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard naps else { return try pipe.write(bytes) }
        var rest = bytes
        while !rest.isEmpty {
            let count = retrying { Glibc.write(pipe.raw, rest.baseAddress, rest.count) }
            if count > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if errno == EAGAIN {
                nap()
            } else {
                throw MachineError.call("write to", pipe.path)
            }
        }
    }

    package func close() throws { try pipe.close() }
}

/// Our end of a pipe from a program that writes in small pieces. Not for two threads.
package final class UnhurriedReader: ByteSource {
    private let pipe: Descriptor
    private let naps: Bool
    private var isAhead = false

    package init(_ pipe: Descriptor) {
        self.pipe = pipe
        naps = pipe.isLargePipe
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if naps, isAhead { nap() }
        let count = try pipe.read(into: buffer)
        isAhead = count > 0 && count < min(buffer.count, enough)
        return count
    }
}

/// As many bytes as are worth a read.
private let enough = streamBufferSize / 4

/// A pipe moves at most some GB/s: in this time it neither fills nor empties, if it is large.
private func nap() {
    var time = timespec(tv_sec: 0, tv_nsec: 500_000)
    nanosleep(&time, nil)
}

extension Descriptor {
    fileprivate var isLargePipe: Bool { Int(linux_pipe_size(raw)) >= streamBufferSize }
}
